import { describe, expect, it } from "vitest";
import { parseSipMessage } from "../../../../../sip/message/parser.ts";
import { classifyBridgeMessage, userOf } from "../../../../../worker/domain/bridging/bridge-message.ts";
import { readRegister } from "../../../../../worker/domain/bridging/register-request.ts";
import { formatBridgeName, parseBridgeName } from "../../../../../worker/domain/bridging/bridge-object-api.ts";
import type { SipMessage, SipRequest } from "../../../../../sip/message/sip-message.ts";

const TAG = `${"A".repeat(60)}.b1`;

interface Parts {
  readonly from?: string;
  readonly to?: string;
  readonly uri?: string;
  readonly headers?: readonly string[];
  readonly start?: string;
  readonly body?: string;
}

function message(
  method: string,
  {
    from = "<sip:alice@demo.test>;tag=1",
    to = "<sip:alice@demo.test>",
    uri = "sip:demo.test",
    headers = [],
    start,
    body = "",
  }: Parts = {},
): SipMessage {
  const lines = [
    start ?? `${method} ${uri} SIP/2.0`,
    "Via: SIP/2.0/WS a.invalid;branch=z9hG4bK1",
    "Max-Forwards: 70",
    `From: ${from}`,
    `To: ${to}`,
    "Call-ID: c1",
    `CSeq: 1 ${method}`,
    ...headers,
  ];
  const parsed = parseSipMessage(`${lines.join("\r\n")}\r\n\r\n${body}`);
  if (!parsed.ok) throw new Error(parsed.problem.code);
  return parsed.message;
}

function request(method: string, parts: Parts = {}): SipRequest {
  const parsed = message(method, parts);
  if (parsed.kind !== "request") throw new Error("not a request");
  return parsed;
}

describe("what a browser's message concerns", () => {
  it.each([
    { what: "REGISTER", given: message("REGISTER"), kind: "register" },
    { what: "a first INVITE", given: message("INVITE"), kind: "invite" },
    { what: "CANCEL", given: message("CANCEL"), kind: "cancel" },
    { what: "BYE with our tag", given: message("BYE", { to: `<sip:bob@demo.test>;tag=${TAG}` }), kind: "of-call" },
    {
      what: "a response with our tag in From",
      given: message("INVITE", { start: "SIP/2.0 200 OK", from: `<sip:bob@demo.test>;tag=${TAG}` }),
      kind: "of-call",
    },
    { what: "a response with somebody's tag", given: message("INVITE", { start: "SIP/2.0 200 OK" }), kind: "ignore" },
    { what: "ACK without tag", given: message("ACK"), kind: "ignore" },
    {
      what: "ACK with a tag that is not ours",
      given: message("ACK", { to: "<sip:bob@demo.test>;tag=x" }),
      kind: "ignore",
    },
    { what: "OPTIONS", given: message("OPTIONS"), kind: "options" },
  ])("$what: $kind", ({ given, kind }) => {
    expect(classifyBridgeMessage(given).kind).toBe(kind);
  });

  it.each([
    {
      what: "BYE with a tag that is not ours",
      given: message("BYE", { to: "<sip:bob@demo.test>;tag=x" }),
      status: 481,
    },
    { what: "MESSAGE", given: message("MESSAGE"), status: 405 },
    { what: "a method that nobody knows", given: message("RE%47IST%45R"), status: 501 },
    {
      what: "a Require that is not supported",
      given: message("INVITE", { headers: ["Require: 100rel, outbound"] }),
      status: 420,
    },
  ])("refuses $what with $status", ({ given, status }) => {
    expect(classifyBridgeMessage(given)).toMatchObject({ kind: "refuse", status });
  });

  const tagged = { to: `<sip:bob@demo.test>;tag=${TAG}` };
  const long = "x".repeat(16 * 1024 + 1);
  const controls = "v=0\r\na=x:\u0001\r\n";

  it.each([
    { what: "a first INVITE with too long an SDP", given: message("INVITE", { body: long }), status: 413 },
    { what: "one with control characters", given: message("INVITE", { body: controls }), status: 488 },
    { what: "a later INVITE", given: message("INVITE", { ...tagged, body: controls }), status: 488 },
    { what: "an UPDATE", given: message("UPDATE", { ...tagged, body: long }), status: 413 },
  ])("refuses $what with $status", ({ given, status }) => {
    expect(classifyBridgeMessage(given)).toMatchObject({ kind: "refuse", status });
  });

  it.each([
    { what: "an ACK", given: message("ACK", { ...tagged, body: controls }) },
    {
      what: "a response",
      given: message("INVITE", { start: "SIP/2.0 200 OK", from: `<sip:bob@demo.test>;tag=${TAG}`, body: long }),
    },
  ])("takes $what with an SDP that nobody can read as one without", ({ given }) => {
    const concern = classifyBridgeMessage(given);
    expect(concern.kind === "of-call" && concern.message.body.length).toBe(0);
  });

  it("lets other bodies pass", () => {
    expect(classifyBridgeMessage(message("INFO", { ...tagged, body: controls })).kind).toBe("of-call");
  });

  it("names CANCEL and INVITE of one transaction the same", () => {
    const [invite, cancel] = ["INVITE", "CANCEL"].map((method) => classifyBridgeMessage(message(method)));
    expect(invite).toMatchObject({ transaction: "c1 1" });
    expect(cancel).toMatchObject({ transaction: "c1 1" });
  });

  it.each([
    { uri: "sip:Alice@Demo.test", user: { identity: "alice", sipDomain: "demo.test" } },
    { uri: "sips:al%69ce@demo.test;transport=ws", user: { identity: "alice", sipDomain: "demo.test" } },
    { uri: "sip:demo.test", user: undefined },
    { uri: "tel:+15551234", user: undefined },
    { uri: "sip:a%20b@demo.test", user: undefined },
    { uri: "https://demo.test/alice", user: undefined },
  ])("reads $uri as a user, or as none", ({ uri, user }) => {
    expect(userOf({ uri, params: new Map() })).toEqual(user);
  });
});

describe("REGISTER", () => {
  const contact = (value: string, ...more: string[]): Parts => ({ headers: [`Contact: ${value}`, ...more] });

  it.each([
    {
      what: "binds for ten minutes when no time is named",
      parts: contact("<sip:x@a.invalid;transport=ws>"),
      action: { kind: "bind", contact: "sip:x@a.invalid;transport=ws", expiresSeconds: 600 },
    },
    {
      what: "prefers the Contact's own time",
      parts: contact("<sip:x@a.invalid>;expires=90", "Expires: 300"),
      action: { kind: "bind", expiresSeconds: 90 },
    },
    {
      what: "is cut to a day",
      parts: contact("<sip:x@a.invalid>", "Expires: 999999"),
      action: { kind: "bind", expiresSeconds: 86_400 },
    },
    {
      what: "knows the instance",
      parts: contact('<sip:x@a.invalid>;+sip.instance="<urn:uuid:1>"'),
      action: { kind: "bind", instance: "urn:uuid:1" },
    },
    { what: "unbinds with 0", parts: contact("<sip:x@a.invalid>", "Expires: 0"), action: { kind: "unbind" } },
    { what: "unbinds with a star", parts: contact("*", "Expires: 0"), action: { kind: "unbind" } },
    { what: "asks without Contact", parts: {}, action: { kind: "query" } },
  ])("$what", ({ parts, action }) => {
    expect(readRegister(request("REGISTER", parts))).toMatchObject({
      ok: true,
      identity: "alice",
      sipDomain: "demo.test",
      action,
    });
  });

  it.each([
    { what: "another's name in From", parts: { from: "<sip:mallory@demo.test>;tag=1" }, status: 403 },
    { what: "another domain in the request-URI", parts: { uri: "sip:other.test" }, status: 404 },
    { what: "no user in To", parts: { to: "<sip:demo.test>" }, status: 404 },
    { what: "less than a minute", parts: contact("<sip:x@a.invalid>;expires=59"), status: 423 },
    { what: "a star with time", parts: contact("*", "Expires: 60"), status: 400 },
    { what: "a Contact of another scheme", parts: contact("<mailto:a@b.invalid>"), status: 400 },
    { what: "two Contacts", parts: contact("<sip:x@a.invalid>, <sip:y@a.invalid>"), status: 403 },
  ])("is refused for $what with $status", ({ parts, status }) => {
    expect(readRegister(request("REGISTER", parts))).toMatchObject({ ok: false, status });
  });
});

describe("names of bridges", () => {
  it.each(["us-east.0", "eu-west.7"])("%s goes there and back", (name) => {
    const parsed = parseBridgeName(name);
    expect(parsed === undefined ? undefined : formatBridgeName(parsed)).toBe(name);
  });

  it.each(["", "us-east", "us-east.8", "us-east.-1", ".1", "US.1", "us-east.1.2/x"])("%j is none", (name) => {
    expect(parseBridgeName(name)).toBeUndefined();
  });
});
