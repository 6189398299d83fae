import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseNameAddr,
  parseNameAddrList,
  serializeNameAddr,
  tagOf,
  type NameAddr,
} from "../../../../sip/message/name-addr.ts";

describe("parseNameAddr", () => {
  it.each<[text: string, address: NameAddr]>([
    ["<sip:a@b.example>", { uri: "sip:a@b.example", params: new Map() }],
    ["sip:a@b.example", { uri: "sip:a@b.example", params: new Map() }],
    ["sip:a@b.example;tag=1", { uri: "sip:a@b.example", params: new Map([["tag", "1"]]) }],
    ["  <sip:a@b.example;lr> ; TAG = x1 ", { uri: "sip:a@b.example;lr", params: new Map([["tag", "x1"]]) }],
    ['"A \\"B\\" \\\\C" <sip:a@b.example>', { displayName: 'A "B" \\C', uri: "sip:a@b.example", params: new Map() }],
    ['""<sip:a@b.example>', { displayName: "", uri: "sip:a@b.example", params: new Map() }],
    ['"<sip:x@y>, " <sip:a@b.example>', { displayName: "<sip:x@y>, ", uri: "sip:a@b.example", params: new Map() }],
    ["Anna  von\tB <sip:a@b.example>", { displayName: "Anna von B", uri: "sip:a@b.example", params: new Map() }],
    ["Jürgen (Büro) <sip:a@b.example>", { displayName: "Jürgen (Büro)", uri: "sip:a@b.example", params: new Map() }],
    ["<tel:+1>;x", { uri: "tel:+1", params: new Map([["x", true]]) }],
    [
      "<sip:a@b.example>;tag=3c26==;x=[::1]",
      {
        uri: "sip:a@b.example",
        params: new Map([
          ["tag", "3c26=="],
          ["x", "[::1]"],
        ]),
      },
    ],
    [
      '<sip:a@b.example>;+sip.instance="<urn:uuid:1>"',
      { uri: "sip:a@b.example", params: new Map([["+sip.instance", "<urn:uuid:1>"]]) },
    ],
  ])("reads %s", (text, address) => {
    expect(parseNameAddr(text)).toEqual(address);
  });

  it.each([
    "",
    " ",
    "<>",
    "<a>",
    "alice",
    "<sip:a@b.example",
    "sip:a@b.example>",
    '"a <sip:a@b.example>',
    '"a" sip:a@b.example',
    "< sip:a@b.example>",
    "<sip:a@b.example >",
    "<sip:a b@c.example>",
    "sip:a@b.example?x=y",
    "<sip:a@b.example>;",
    "<sip:a@b.example>;;x",
    "<sip:a@b.example>;x=",
    "<sip:a@b.example>;tag=1;Tag=2",
    "<sip:a@b.example> x",
    "<sip:a@b.example>,<sip:c@d.example>",
    "a, b <sip:a@b.example>",
    '<sip:a"b@c.example>',
    "<sip:a\u0000@c.example>",
    '<sip:a@b.example>;x="y',
    "sip:a@b.example x",
    "<<sip:a@b.example>>",
    "*",
  ])("refuses %j", (text) => {
    expect(parseNameAddr(text)).toBeUndefined();
  });

  it("reads lists and refuses empty items", () => {
    expect(
      parseNameAddrList('"a,b" <sip:a@b.example>;q=1, sip:c@d.example;x ,<sip:e@f.example,g>')?.map(({ uri }) => uri),
    ).toEqual(["sip:a@b.example", "sip:c@d.example", "sip:e@f.example,g"]);
    for (const text of ["", ",", "<sip:a@b.example>,", ",<sip:a@b.example>", "<sip:a@b.example>,,<sip:c@d.example>"])
      expect(parseNameAddrList(text)).toBeUndefined();
  });

  it("gives the tag, unless it has no value", () => {
    const tag = (text: string): string | undefined => tagOf(parseNameAddr(text) ?? { uri: "sip:x", params: new Map() });
    expect(tag("<sip:a@b.example>;tag=1")).toBe("1");
    expect(tag("<sip:a@b.example;tag=1>")).toBeUndefined();
    expect(tag("<sip:a@b.example>;tag")).toBeUndefined();
  });
});

describe("serializeNameAddr", () => {
  it.each([
    '"Anna \\"B\\" \\\\" <sip:a@b.example;lr>;tag=1;x',
    "<sip:a@b.example>;tag=3c26==",
    '<sip:a@b.example>;+sip.instance="<urn:uuid:1>";methods="INVITE";expires=60',
    '<sip:a@b.example>;x="a b"',
  ])("writes %s as it was", (text) => {
    const address = parseNameAddr(text);
    expect(address === undefined ? undefined : serializeNameAddr(address)).toBe(text);
  });

  it("throws at a URI that would end the address early", () => {
    for (const uri of ["sip:a>b", "sip:a b", "sip:a\r\nX: y", "no scheme", ""])
      expect(() => serializeNameAddr({ uri, params: new Map() })).toThrow(TypeError);
  });

  it("gives back any display name and parameter value", () => {
    const addresses = fc.record(
      {
        displayName: fc.string({ unit: "binary", maxLength: 12 }),
        uri: fc.constantFrom("sip:a@b.example;lr", "tel:+1"),
        params: fc
          .uniqueArray(
            fc.tuple(
              fc.stringMatching(/^[a-z+.-]{1,6}$/),
              fc.oneof(fc.string({ unit: "binary" }), fc.constant(true as const)),
            ),
            { selector: ([name]) => name },
          )
          .map((entries) => new Map(entries)),
      },
      { requiredKeys: ["uri", "params"] },
    );
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseNameAddr(serializeNameAddr(address))).toEqual(address);
      }),
      { numRuns: 500 },
    );
  });
});
