import { describe, expect, it } from "vitest";
import { createRequest } from "../../../../sip/message/build.ts";
import { header, headerValues, withHeader, withoutHeaders, withTopHeader } from "../../../../sip/message/headers.ts";
import type { SipMessage } from "../../../../sip/message/sip-message.ts";

function withFields(...headers: readonly (readonly [string, string])[]): SipMessage {
  return createRequest({ method: "OPTIONS", requestUri: "sip:a.example", headers });
}
const fields = (message: SipMessage): readonly string[] => message.headers.map(({ name, value }) => `${name}=${value}`);

describe("header", () => {
  it("finds the first value by any spelling of a known name", () => {
    const message = withFields(["Call-ID", "1"], ["v", "a"], ["Via", "b"]);
    for (const name of ["via", "Via", "VIA", "v", "V"]) expect(header(message, name)).toBe("a");
    expect(header(message, "i")).toBe("1");
  });

  it("finds unknown names without regard to case, and nothing else", () => {
    const message = withFields(["X-Trace", "1"]);
    expect(header(message, "x-trace")).toBe("1");
    expect(header(message, "X-TRACE")).toBe("1");
    expect(header(message, "x-trac")).toBeUndefined();
  });

  it("finds fields that were put into a message without canonical name", () => {
    const message: SipMessage = { ...withFields(), headers: [{ name: "Call-ID", value: "1" }] };
    expect(header(message, "call-id")).toBe("1");
  });
});

describe("headerValues", () => {
  it.each<[name: string, value: string, values: readonly string[]]>([
    ["Via", "SIP/2.0/UDP a.example, SIP/2.0/UDP b.example", ["SIP/2.0/UDP a.example", "SIP/2.0/UDP b.example"]],
    [
      "Contact",
      '"A, B" <sip:a@a.example;x=1,2>;q=1 ,<sip:b@b.example>',
      ['"A, B" <sip:a@a.example;x=1,2>;q=1', "<sip:b@b.example>"],
    ],
    ["Contact", '"quote \\", comma" <sip:a@a.example>', ['"quote \\", comma" <sip:a@a.example>']],
    ["Route", "<sip:a.example;lr>,<sip:b.example;lr>", ["<sip:a.example;lr>", "<sip:b.example;lr>"]],
    ["Allow", "INVITE,ACK, BYE", ["INVITE", "ACK", "BYE"]],
    ["Supported", "", []],
    ["Supported", "a,,b,", ["a", "b"]],
    ["k", "timer,100rel", ["timer", "100rel"]],
    ["WWW-Authenticate", 'Digest realm="a", nonce="b"', ['Digest realm="a", nonce="b"']],
    ["Authorization", 'Digest username="a", realm="b"', ['Digest username="a", realm="b"']],
    ["Proxy-Authorization", 'Digest username="a", realm="b"', ['Digest username="a", realm="b"']],
    ["Date", "Sat, 13 Nov 2010 23:29:00 GMT", ["Sat, 13 Nov 2010 23:29:00 GMT"]],
    ["Subject", "one, two", ["one, two"]],
    ["X-Unknown", "one, two", ["one, two"]],
  ])("splits where the grammar is a list: %s: %s", (name, value, values) => {
    expect(headerValues(withFields([name, value]), name)).toEqual(values);
  });

  it("joins the values of several fields in order", () => {
    expect(headerValues(withFields(["Route", "<sip:a>, <sip:b>"], ["To", "x"], ["route", "<sip:c>"]), "route")).toEqual(
      ["<sip:a>", "<sip:b>", "<sip:c>"],
    );
  });
});

describe("rewriting", () => {
  const message = withFields(["Via", "a"], ["X-One", "1"], ["Via", "b"], ["To", "t"]);

  it("removes all fields of the given names", () => {
    expect(fields(withoutHeaders(message, "v", "x-one"))).toEqual(["to=t"]);
  });

  it("replaces the first field of a name in place and drops the others, or appends", () => {
    expect(fields(withHeader(message, "VIA", "c"))).toEqual(["via=c", "X-One=1", "to=t"]);
    expect(fields(withHeader(message, "Expires", "60"))).toEqual(["via=a", "X-One=1", "via=b", "to=t", "expires=60"]);
  });

  it("puts a field on top", () => {
    expect(fields(withTopHeader(message, "Via", "z"))[0]).toBe("via=z");
  });

  it("leaves the message it was given alone", () => {
    expect(fields(message)).toEqual(["via=a", "X-One=1", "via=b", "to=t"]);
  });
});
