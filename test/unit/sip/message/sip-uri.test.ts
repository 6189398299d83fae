import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseSipUri,
  serializeSipUri,
  sipUriEquals,
  uriSchemeOf,
  type SipUri,
} from "../../../../sip/message/sip-uri.ts";

function uri(text: string): SipUri {
  const parsed = parseSipUri(text);
  if (parsed === undefined) throw new Error(`not a URI: ${text}`);
  return parsed;
}

describe("parseSipUri", () => {
  it.each<[text: string, parts: Partial<SipUri>]>([
    ["sip:alice@Example.COM", { scheme: "sip", user: "alice", host: "example.com" }],
    ["SIPS:alice:pa$s@example.com:5061", { scheme: "sips", user: "alice", password: "pa$s", port: 5061 }],
    ["sip:example.com", { user: undefined, host: "example.com", port: undefined }],
    ["sip:1@[2001:DB8::1]:5070;lr", { host: "2001:db8::1", port: 5070, params: new Map([["lr", true]]) }],
    ["sip:a@[::ffff:192.0.2.1]", { host: "::ffff:192.0.2.1" }],
    [
      "sip:a@h.example;Transport=TCP;x",
      {
        params: new Map<string, string | true>([
          ["transport", "TCP"],
          ["x", true],
        ]),
      },
    ],
    [
      "sip:a@h.example?Subject=x%20y&to=b",
      {
        headers: new Map([
          ["subject", "x y"],
          ["to", "b"],
        ]),
      },
    ],
    ["sip:a@h.example;p=1?h=2", { params: new Map([["p", "1"]]), headers: new Map([["h", "2"]]) }],
    ["sip:+1(212)555-1212;phone-context=x@h.example", { user: "+1(212)555-1212;phone-context=x", params: new Map() }],
    ["sip:*21#@h.example", { user: "*21#" }],
    ["sip:%2a21%23@h.example", { user: "*21#" }],
    ["sip:j%C3%BCrgen@h.example", { user: "jürgen" }],
    ["sip:a:@h.example", { user: "a", password: "" }],
    ["sip:a@my_host", { host: "my_host" }],
    ["sip:a@3com.example.", { host: "3com.example." }],
    [
      "tel:+44-20-7946-0123;ext=5",
      { scheme: "tel", user: "+44-20-7946-0123", host: "", params: new Map([["ext", "5"]]) },
    ],
  ])("reads %s", (text, parts) => {
    expect(parseSipUri(text)).toMatchObject(parts);
  });

  it.each([
    "",
    "sip",
    "sip:",
    ":x",
    "sip:@h.example",
    "sip:a@",
    "sip:a@b@c.example",
    "sip: a@h.example",
    "sip:a@h.example ",
    "sip:a b@h.example",
    "sip:a@h.example:",
    "sip:a@h.example:0",
    "sip:a@h.example:65536",
    "sip:a@h.example:x",
    "sip:a@h.example;",
    "sip:a@h.example;=x",
    "sip:a@h.example;x=",
    "sip:a@h.example;x=1;X=2",
    "sip:a@h.example?",
    "sip:a@h.example?x",
    "sip:a@h.example?=y",
    "sip:a@h.example?x=1&x=2",
    "sip:a%zz@h.example",
    "sip:a%4@h.example",
    "sip:a@h..example",
    "sip:a@.example",
    "sip:a@127.1",
    "sip:a@2130706433",
    "sip:a@0x7f000001",
    "sip:a@0x7f.0.0.1",
    "sip:a@1.2.3.256",
    "sip:a@1.2.3.04",
    "sip:a@1.2.3.4.5",
    "sip:a@[::1",
    "sip:a@[1:2]",
    "sip:a@[fe80::1%25eth0]",
    "sip:a@[::1]x",
    "sip:a@h.example/path",
    "sip:a\u0000@h.example",
    "sip:ü@h.example",
    "sip:<a>@h.example",
    'sip:"a"@h.example',
    "http://h.example",
    "mailto:a@h.example",
    "tel:",
    "tel:hello",
    "tel:+1;",
    "1sip:a@h.example",
    `sip:a@${"h".repeat(256)}`,
  ])("refuses %j", (text) => {
    expect(parseSipUri(text)).toBeUndefined();
  });

  it("names the scheme of any URI", () => {
    expect(uriSchemeOf("Soap.Beep://x")).toBe("soap.beep");
    expect(uriSchemeOf("urn:service:sos")).toBe("urn");
    for (const text of ["", "x", ":x", "x:", "1x:y", "a b:c", "ü:x"]) expect(uriSchemeOf(text)).toBeUndefined();
  });
});

describe("serializeSipUri", () => {
  it.each([
    "sip:alice@example.com",
    "sips:a:b@[::1]:5061;lr;transport=tls?subject=x%20y&to=z",
    "sip:sips%3Auser%40example.com@example.net",
    "sip:null-%00-null@example.com",
    "sip:a%FF%C3%BC%F0%9F%98%80%80@h.example",
    "sip:h.example;maddr=192.0.2.1",
    "tel:+1-212;ext=5",
  ])("writes %s as it was", (text) => {
    expect(serializeSipUri(uri(text))).toBe(text);
  });

  it("escapes what would change the meaning", () => {
    expect(
      serializeSipUri({
        scheme: "sip",
        user: "a@b:c%\r\n",
        host: "h.example",
        params: new Map([["x;y", "1=2"]]),
        headers: new Map([["a&b", "c=d"]]),
      }),
    ).toBe("sip:a%40b%3Ac%25%0D%0A@h.example;x%3By=1%3D2?a%26b=c%3Dd");
  });

  const part = fc.string({ unit: "binary", minLength: 1, maxLength: 8 });
  const name = fc.string({
    unit: fc.constantFrom("a", "b", "-", "%", ";", "=", "&", "?", "@", "ü"),
    minLength: 1,
    maxLength: 4,
  });

  it("gives back any user, password, parameter and header", () => {
    const uris = fc.record({
      scheme: fc.constantFrom("sip" as const, "sips" as const),
      user: part,
      password: fc.option(part, { nil: undefined }),
      host: fc.constantFrom("example.com", "192.0.2.1", "2001:db8::1"),
      port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
      params: fc
        .uniqueArray(fc.tuple(name, fc.oneof(part, fc.constant(true as const))), { selector: ([key]) => key })
        .map((entries) => new Map(entries)),
      headers: fc.uniqueArray(fc.tuple(name, part), { selector: ([key]) => key }).map((entries) => new Map(entries)),
    });
    fc.assert(
      fc.property(uris, (value) => {
        expect(parseSipUri(serializeSipUri(value))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it("gives back any octets that a user escapes, UTF-8 or not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (octets) => {
        const escaped = Array.from(octets, (octet) => `%${octet.toString(16).toUpperCase().padStart(2, "0")}`).join("");
        const once = uri(`sip:${escaped}@h.example`);
        expect(uri(serializeSipUri(once))).toEqual(once);
        const written = serializeSipUri(once).slice(4, -"@h.example".length);
        expect(octetsOf(written)).toEqual([...octets]);
      }),
      { numRuns: 500 },
    );
  });
});

function octetsOf(escaped: string): readonly number[] {
  return Array.from(escaped.matchAll(/%([0-9A-F]{2})|(.)/g), ([, hex, character]) =>
    hex === undefined ? (character ?? "").charCodeAt(0) : Number.parseInt(hex, 16),
  );
}

describe("sipUriEquals", () => {
  it.each<[a: string, b: string]>([
    // The examples of RFC 3261 section 19.1.4.
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"],
    [
      "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ],
    [
      "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
      "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ],
    ["sip:a@[2001:db8::1]", "sip:a@[2001:0DB8:0:0:0:0:0:1]"],
    ["tel:+44-20-7946-0123", "tel:+442079460123"],
    ["tel:+1;ext=5;x=A", "tel:+1;x=a;ext=5"],
  ])("%s is %s", (a, b) => {
    expect(sipUriEquals(uri(a), uri(b))).toBe(true);
    expect(sipUriEquals(uri(b), uri(a))).toBe(true);
  });

  it.each<[a: string, b: string]>([
    ["SIP:ALICE@AtlanTa.CoM;Transport=udp", "sip:alice@AtlanTa.CoM;Transport=UDP"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"],
    ["sip:a@h.example", "sips:a@h.example"],
    ["sip:a@h.example", "sip:h.example"],
    ["sip:a:x@h.example", "sip:a@h.example"],
    ["sip:a@h.example;maddr=192.0.2.1", "sip:a@h.example"],
    ["sip:a@h.example;user=phone", "sip:a@h.example"],
    ["sip:a@h.example;x", "sip:a@h.example;x=1"],
    ["sip:a@h.example?x=1", "sip:a@h.example?x=2"],
    ["sip:a@[::1]", "sip:a@[::2]"],
    ["sip:null-%00@h.example", "sip:null-@h.example"],
    ["tel:+1", "tel:+2"],
    ["tel:+1;ext=1", "tel:+1"],
  ])("%s is not %s", (a, b) => {
    expect(sipUriEquals(uri(a), uri(b))).toBe(false);
    expect(sipUriEquals(uri(b), uri(a))).toBe(false);
  });
});
