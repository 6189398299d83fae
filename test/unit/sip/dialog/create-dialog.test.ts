import { describe, expect, it } from "vitest";
import { dialogFromInvite, dialogFromResponse, type DialogSeed } from "../../../../sip/dialog/create-dialog.ts";
import { answerTo, INVITE_LINES, inviteWith, sipRequest } from "./message-texts.ts";

describe("dialogFromInvite", () => {
  it("takes the callee's part: Record-Route in order, the Contact as target, the caller's CSeq", () => {
    expect(dialogFromInvite(sipRequest(INVITE_LINES), "ourtag", 77)).toEqual({
      callId: "call-1@192.0.2.7",
      localTag: "ourtag",
      remoteTag: "alicetag",
      localUri: "<sip:bob@demo.example>",
      remoteUri: '"Alice A." <sip:alice@demo.example>',
      remoteTarget: "sip:alice@192.0.2.7:5060;transport=udp",
      routeSet: ["<sip:p2.example;lr>", "<sip:p1.example;lr>", "<sip:p0.example;lr>"],
      localCseq: -1,
      remoteCseq: 314,
      remoteAllow: ["INVITE", "ACK", "BYE", "UPDATE"],
      localSdpVersion: 0,
      localSdpId: 77,
    });
  });

  it("accepts a caller of RFC 2543, who has no tag", () => {
    const dialog = dialogFromInvite(inviteWith("From", "From: sip:alice@demo.example"), "ourtag", 1);
    expect(dialog?.remoteTag).toBeUndefined();
    expect(dialog?.remoteUri).toBe("<sip:alice@demo.example>");
  });

  it.each([
    ["no Contact", inviteWith("Contact")],
    ["two Contacts", inviteWith("Contact", "Contact: <sip:a@192.0.2.7>, <sip:b@192.0.2.7>")],
    ["the Contact *", inviteWith("Contact", "Contact: *")],
  ])("makes none of an INVITE with %s", (_, invite) => {
    expect(dialogFromInvite(invite, "ourtag", 1)).toBeUndefined();
  });

  it("survives storage as JSON", () => {
    const dialog = dialogFromInvite(sipRequest(INVITE_LINES), "ourtag", 77);
    expect(JSON.parse(JSON.stringify(dialog))).toEqual(dialog);
  });
});

describe("dialogFromResponse", () => {
  const seed: DialogSeed = {
    callId: "call-1@192.0.2.7",
    localTag: "alicetag",
    localUri: '"Alice A." <sip:alice@demo.example>',
    remoteUri: "<sip:bob@demo.example>",
    localCseq: 314,
    localSdpId: 5,
  };
  const to = "To: <sip:bob@demo.example>;tag=bobtag";
  const contact = "Contact: <sip:bob@192.0.2.9:5062>";

  it("takes the caller's part: Record-Route reversed, the Contact as target", () => {
    const routes = "Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr>";
    expect(dialogFromResponse(seed, answerTo("200 OK", to, contact, routes, "Allow: INVITE, BYE"))).toEqual({
      callId: "call-1@192.0.2.7",
      localTag: "alicetag",
      remoteTag: "bobtag",
      localUri: '"Alice A." <sip:alice@demo.example>',
      remoteUri: "<sip:bob@demo.example>",
      remoteTarget: "sip:bob@192.0.2.9:5062",
      routeSet: ["<sip:p1.example;lr>", "<sip:p2.example;lr>"],
      localCseq: 314,
      remoteCseq: -1,
      remoteAllow: ["INVITE", "BYE"],
      localSdpVersion: 0,
      localSdpId: 5,
    });
  });

  it.each([
    ["180 Ringing", true],
    ["183 Session Progress", true],
    ["200 OK", true],
    ["100 Trying", false],
    ["302 Moved Temporarily", false],
    ["486 Busy Here", false],
  ])("%s makes a dialog: %s", (status, makes) => {
    expect(dialogFromResponse(seed, answerTo(status, to, contact)) !== undefined).toBe(makes);
  });

  it("makes none of a provisional response without a tag, but one of such a 200 (RFC 2543)", () => {
    const untagged = "To: <sip:bob@demo.example>";
    expect(dialogFromResponse(seed, answerTo("180 Ringing", untagged, contact))).toBeUndefined();
    expect(dialogFromResponse(seed, answerTo("200 OK", untagged, contact))?.remoteTag).toBeUndefined();
  });

  it("falls back to the request-URI when a 180 names no Contact", () => {
    expect(dialogFromResponse(seed, answerTo("180 Ringing", to))).toBeUndefined();
    const dialog = dialogFromResponse({ ...seed, remoteTarget: "sip:bob@192.0.2.9" }, answerTo("180 Ringing", to));
    expect(dialog?.remoteTarget).toBe("sip:bob@192.0.2.9");
  });

  it("makes none of a response to another call or dialog", () => {
    const answer = answerTo("200 OK", to, contact);
    expect(dialogFromResponse({ ...seed, callId: "other" }, answer)).toBeUndefined();
    expect(dialogFromResponse({ ...seed, localTag: "other" }, answer)).toBeUndefined();
  });
});
