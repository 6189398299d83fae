import { describe, expect, it } from "vitest";
import { createRequest } from "../../../../sip/message/build.ts";
import type { SipMessage } from "../../../../sip/message/sip-message.ts";
import {
  bodyText,
  callIdOf,
  contactsOf,
  contentTypeOf,
  cseqOf,
  expiresOf,
  fromOf,
  maxForwardsOf,
  parseAuthParams,
  parseDeltaSeconds,
  toOf,
  topVia,
} from "../../../../sip/message/typed-headers.ts";

const withFields = (...headers: readonly (readonly [string, string])[]): SipMessage =>
  createRequest({ method: "OPTIONS", requestUri: "sip:a.example", headers });

describe("typed header fields", () => {
  it("are undefined when the field is not there", () => {
    const message = withFields();
    for (const read of [topVia, fromOf, toOf, callIdOf, cseqOf, maxForwardsOf, expiresOf, contentTypeOf])
      expect(read(message)).toBeUndefined();
    expect(bodyText(message)).toBe("");
  });

  it("give the first of several Vias in one field", () => {
    expect(topVia(withFields(["Via", "SIP/2.0/UDP a.example;branch=1 , SIP/2.0/UDP b.example"]))).toMatchObject({
      host: "a.example",
      branch: "1",
    });
  });

  it.each([
    ["1 INVITE", { number: 1, method: "INVITE" }],
    ["0009 \t x!", { number: 9, method: "x!" }],
    ["2147483647 A", { number: 2_147_483_647, method: "A" }],
    ["2147483648 A", undefined],
    ["1INVITE", undefined],
    ["1 A B", undefined],
    ["-1 A", undefined],
    ["", undefined],
  ])("read CSeq %j", (value, cseq) => {
    expect(cseqOf(withFields(["CSeq", value]))).toEqual(cseq);
  });

  it.each([
    ["0", 0],
    ["0070", 70],
    ["255", 255],
    ["256", undefined],
    ["-1", undefined],
    ["", undefined],
    ["7x", undefined],
  ])("read Max-Forwards %j", (value, hops) => {
    expect(maxForwardsOf(withFields(["Max-Forwards", value]))).toBe(hops);
  });

  it.each([
    ["0", 0],
    ["3600", 3600],
    ["4294967296", 4_294_967_295],
    ["9".repeat(500), 4_294_967_295],
    ["60s", undefined],
    ["", undefined],
  ])("read Expires %j", (value, seconds) => {
    expect(expiresOf(withFields(["Expires", value]))).toBe(seconds);
    expect(parseDeltaSeconds(value)).toBe(seconds);
  });

  it.each([
    ["application/sdp", "application/sdp"],
    ["Application / SDP ; charset=utf-8", "application/sdp"],
    ["multipart/mixed;boundary=x", "multipart/mixed"],
    ["text", undefined],
    ["/x", undefined],
    ["", undefined],
  ])("read Content-Type %j", (value, type) => {
    expect(contentTypeOf(withFields(["c", value]))).toBe(type);
  });

  it("collect Contact from all fields", () => {
    expect(contactsOf(withFields())).toEqual([]);
    expect(contactsOf(withFields(["Contact", "*"]))).toBe("*");
    expect(
      contactsOf(withFields(["Contact", "<sip:a@b.example>, <sip:c@d.example>"], ["m", "sip:e@f.example;q=1"])),
    ).toHaveLength(3);
    expect(contactsOf(withFields(["Contact", "*"], ["Contact", "*"]))).toBeUndefined();
    expect(contactsOf(withFields(["Contact", "*"], ["Contact", "<sip:a@b.example>"]))).toBeUndefined();
    expect(contactsOf(withFields(["Contact", "junk"]))).toBeUndefined();
  });
});

describe("parseAuthParams", () => {
  it("reads digest challenges and credentials with quotes, commas and escapes inside", () => {
    expect(
      parseAuthParams(
        'Digest realm="a, \\"b\\"", NONCE = "x==" , algorithm=SHA-256,qop="auth,auth-int", nc=00000001, opaque=""',
      ),
    ).toEqual({
      scheme: "Digest",
      params: new Map([
        ["realm", 'a, "b"'],
        ["nonce", "x=="],
        ["algorithm", "SHA-256"],
        ["qop", "auth,auth-int"],
        ["nc", "00000001"],
        ["opaque", ""],
      ]),
    });
  });

  it("reads opaque credentials and a scheme alone", () => {
    expect(parseAuthParams("Bearer abc.DEF-_~+/==")).toEqual({
      scheme: "Bearer",
      params: new Map(),
      token68: "abc.DEF-_~+/==",
    });
    expect(parseAuthParams("Negotiate")).toEqual({ scheme: "Negotiate", params: new Map() });
  });

  it.each([
    "",
    " ",
    '"x"',
    "Digest realm=",
    "Digest realm=,",
    'Digest realm="a',
    'Digest realm="a",',
    'Digest realm="a" nonce="b"',
    'Digest realm="a", realm="b"',
    'Digest realm="a", Realm="a"',
    "Digest =x",
    "Digest a b",
    "Digest,realm=x",
  ])("refuses %j", (text) => {
    expect(parseAuthParams(text)).toBeUndefined();
  });
});
