import { describe, expect, it } from "vitest";
import { createRequest } from "../../../../sip/message/build.ts";
import { serializeSipMessage, sipMessageText } from "../../../../sip/message/serializer.ts";
import type { SipMessage, SipRequest } from "../../../../sip/message/sip-message.ts";
import { mustParse } from "./messages.ts";

const text = (message: SipMessage): string => new TextDecoder().decode(serializeSipMessage(message));

const request: SipRequest = createRequest({
  method: "INVITE",
  requestUri: "sip:bob@example.net",
  headers: [["via", "SIP/2.0/UDP h.example"]],
});

describe("serializeSipMessage", () => {
  it("writes names in their conventional capitalisation, compact ones in full, unknown ones as they are", () => {
    const names = [
      "via",
      "call-id",
      "CSEQ",
      "www-authenticate",
      "m",
      "mime-version",
      "sip-etag",
      "rack",
      "p-asserted-identity",
      "user-to-user",
      "x-CUSTOM",
    ];
    const message = createRequest({
      method: "OPTIONS",
      requestUri: "sip:a.example",
      headers: names.map((name) => [name, "v"] as const),
    });
    expect(
      text(message)
        .split("\r\n")
        .slice(1, -3)
        .map((line) => line.split(":")[0]),
    ).toEqual([
      "Via",
      "Call-ID",
      "CSeq",
      "WWW-Authenticate",
      "Contact",
      "MIME-Version",
      "SIP-ETag",
      "RAck",
      "P-Asserted-Identity",
      "User-to-User",
      "x-CUSTOM",
    ]);
  });

  it("writes exactly one Content-Length, the right one in octets, whatever the header fields say", () => {
    const message = createRequest({
      method: "INFO",
      requestUri: "sip:a.example",
      headers: [
        ["Content-Length", "9"],
        ["l", "7"],
        ["CONTENT-LENGTH", "5"],
      ],
      body: "hé",
    });
    expect(text(message)).toBe("INFO sip:a.example SIP/2.0\r\nContent-Length: 3\r\n\r\nhé");
  });

  it("writes the same as text for WebSocket frames", () => {
    const message = createRequest({
      method: "INFO",
      requestUri: "sip:a.example",
      headers: [["Subject", "Grüße"]],
      body: "hé\ufeff",
    });
    expect(sipMessageText(message)).toBe(text(message));
  });

  it("writes responses, also without reason", () => {
    const response: SipMessage = { kind: "response", status: 180, reason: "", headers: [], body: new Uint8Array(0) };
    expect(text(response)).toBe("SIP/2.0 180 \r\nContent-Length: 0\r\n\r\n");
  });

  it("keeps binary bodies", () => {
    const body = Uint8Array.from({ length: 256 }, (_, octet) => octet);
    const bytes = serializeSipMessage({ ...request, body });
    expect(bytes.subarray(bytes.length - 256)).toEqual(body);
  });

  it.each<[string, SipMessage]>([
    ["a line end in a value", { ...request, headers: [{ name: "subject", value: "a\r\nInjected: yes" }] }],
    ["a line feed in a value", { ...request, headers: [{ name: "subject", value: "a\nb" }] }],
    ["a carriage return in a value", { ...request, headers: [{ name: "subject", value: "a\rb" }] }],
    ["a line end in a name", { ...request, headers: [{ name: "X\r\nY", value: "a" }] }],
    ["a colon in a name", { ...request, headers: [{ name: "X: y", value: "a" }] }],
    ["an empty name", { ...request, headers: [{ name: "", value: "a" }] }],
    ["a line end in the request-URI", { ...request, requestUri: "sip:a.example\r\nX:y" }],
    ["a space in the request-URI", { ...request, requestUri: "sip:a.example SIP/2.0" }],
    ["an empty request-URI", { ...request, requestUri: "" }],
    ["a method that is no token", { ...request, method: "IN VITE" }],
    [
      "a line end in the reason",
      { kind: "response", status: 200, reason: "OK\r\nX: y", headers: [], body: new Uint8Array(0) },
    ],
    ["a status of two digits", { kind: "response", status: 99, reason: "", headers: [], body: new Uint8Array(0) }],
    [
      "a status that is no integer",
      { kind: "response", status: 200.5, reason: "", headers: [], body: new Uint8Array(0) },
    ],
  ])("throws at %s", (_what, message) => {
    expect(() => serializeSipMessage(message)).toThrow(TypeError);
    expect(() => sipMessageText(message)).toThrow(TypeError);
  });

  it("writes what the parser reads back", () => {
    const wire =
      "OPTIONS sip:b@example.net SIP/2.0\r\nVia: SIP/2.0/UDP h.example\r\nFrom: <sip:a@b.example>;tag=1\r\nTo: <sip:b@example.net>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 2\r\n\r\nhi";
    expect(text(mustParse(wire))).toBe(wire);
  });
});
