import { describe, expect, it } from "vitest";
import { createRequest, createResponse, reasonPhrase } from "../../../../sip/message/build.ts";
import { header, headerValues } from "../../../../sip/message/headers.ts";
import { sipMessageText } from "../../../../sip/message/serializer.ts";
import type { SipMessage, SipRequest } from "../../../../sip/message/sip-message.ts";
import { mustParseRequest } from "./messages.ts";

const lines = (message: SipMessage): readonly string[] => sipMessageText(message).split("\r\n");

const INVITE = mustParseRequest(
  [
    "INVITE sip:bob@example.net SIP/2.0",
    "Record-Route: <sip:p1.example;lr>, <sip:p0.example;lr>",
    "Via: SIP/2.0/UDP p1.example;branch=z9hG4bK1, SIP/2.0/UDP a.example;branch=z9hG4bK0",
    "CSeq: 1 INVITE",
    "Via: SIP/2.0/UDP b.example",
    'From: "A" <sip:a@example.com>;tag=1',
    "To: sip:bob@example.net;x=y",
    "Call-ID: c1",
    "Timestamp: 54",
    "Subject: not copied",
    "",
    "",
  ].join("\r\n"),
);

describe("createResponse", () => {
  it("copies Via, From, To with tag, Call-ID and CSeq in order, then Record-Route, then what is given", () => {
    const response = createResponse(INVITE, 200, {
      toTag: "t9",
      headers: [
        ["Contact", "<sip:gw.example>"],
        ["k", "timer"],
      ],
      body: "v=0\r\n",
      contentType: "application/sdp",
    });
    expect(lines(response)).toEqual([
      "SIP/2.0 200 OK",
      "Via: SIP/2.0/UDP p1.example;branch=z9hG4bK1, SIP/2.0/UDP a.example;branch=z9hG4bK0",
      "Via: SIP/2.0/UDP b.example",
      'From: "A" <sip:a@example.com>;tag=1',
      "To: sip:bob@example.net;x=y;tag=t9",
      "Call-ID: c1",
      "CSeq: 1 INVITE",
      "Record-Route: <sip:p1.example;lr>, <sip:p0.example;lr>",
      "Contact: <sip:gw.example>",
      "Supported: timer",
      "Content-Type: application/sdp",
      "Content-Length: 5",
      "",
      "v=0",
      "",
    ]);
  });

  it.each([
    [100, false],
    [180, true],
    [200, true],
    [202, true],
    [302, false],
    [486, false],
  ])("repeats Record-Route in a %i: %s", (status, repeats) => {
    expect(headerValues(createResponse(INVITE, status, { toTag: "t" }), "record-route").length > 0).toBe(repeats);
  });

  it("repeats no Record-Route for methods that form no dialog", () => {
    expect(header(createResponse({ ...INVITE, method: "OPTIONS" }, 200), "record-route")).toBeUndefined();
  });

  it("repeats Timestamp in 100 only", () => {
    expect(header(createResponse(INVITE, 100), "timestamp")).toBe("54");
    expect(header(createResponse(INVITE, 180), "timestamp")).toBeUndefined();
  });

  it("leaves To alone without a tag to add, and when the request has one", () => {
    expect(header(createResponse(INVITE, 100), "to")).toBe("sip:bob@example.net;x=y");
    const inDialog: SipRequest = {
      ...INVITE,
      headers: INVITE.headers.map((field) =>
        field.name === "to" ? { name: "to", value: "<sip:b@example.net>;tag=old" } : field,
      ),
    };
    expect(header(createResponse(inDialog, 200, { toTag: "new" }), "to")).toBe("<sip:b@example.net>;tag=old");
  });

  it("takes a reason of its own, else the registered one, else one for the class", () => {
    expect(createResponse(INVITE, 486, { reason: "Occupé" }).reason).toBe("Occupé");
    expect(createResponse(INVITE, 486).reason).toBe("Busy Here");
    expect(reasonPhrase(499)).toBe("Client Error");
  });

  it("throws when the request has nothing to copy", () => {
    expect(() => createResponse({ ...INVITE, headers: [] }, 400)).toThrow(TypeError);
  });
});

describe("createRequest", () => {
  it("keeps the given order, makes names canonical and appends Content-Type", () => {
    const request = createRequest({
      method: "INFO",
      requestUri: "sip:a.example",
      headers: [
        ["Route", "<sip:p.example;lr>"],
        ["f", "<sip:a@b.example>"],
        ["X-Y", "z"],
      ],
      body: new Uint8Array([1, 2]),
      contentType: "application/octet-stream",
    });
    expect(request.headers.map(({ name }) => name)).toEqual(["route", "from", "X-Y", "content-type"]);
    expect(request.body).toEqual(new Uint8Array([1, 2]));
  });
});
