import { describe, expect, it } from "vitest";
import {
  createCancelFromCapsule,
  createResponseFromCapsule,
  type InviteRemains,
  inviteRemains,
} from "../../../../sip/dialog/invite-remains.ts";
import { createResponse } from "../../../../sip/message/build.ts";
import { header, headerValues } from "../../../../sip/message/headers.ts";
import { bodyText } from "../../../../sip/message/typed-headers.ts";
import { INVITE_LINES, sipRequest } from "./message-texts.ts";

const invite = sipRequest(INVITE_LINES);

function remains(): InviteRemains {
  const kept = inviteRemains(invite);
  if (kept === undefined) throw new Error("the INVITE has no remains");
  // As an adopter gets it: through the Call object's storage.
  return JSON.parse(JSON.stringify(kept)) as InviteRemains;
}

describe("createResponseFromCapsule", () => {
  it.each([100, 180, 183, 200, 302, 486, 503])("says %i as the gateway that has the INVITE would", (status) => {
    const options = { toTag: "ours", body: "v=0", contentType: "application/sdp" };
    const contact = "<sip:token@192.0.2.50>";
    const mine = createResponseFromCapsule(remains(), status, {
      ...options,
      contact,
      headers: [["Supported", "timer"]],
    });
    const theirs = createResponse(invite, status, {
      ...options,
      headers: [
        ["Contact", contact],
        ["Supported", "timer"],
      ],
    });
    expect(mine.reason).toBe(theirs.reason);
    for (const name of ["from", "to", "call-id", "cseq", "contact", "supported", "content-type"])
      expect(header(mine, name)).toBe(header(theirs, name));
    for (const name of ["via", "record-route"]) expect(headerValues(mine, name)).toEqual(headerValues(theirs, name));
    expect(bodyText(mine)).toBe("v=0");
  });

  it("puts our tag into To and keeps the order of the Vias", () => {
    const response = createResponseFromCapsule(remains(), 486, { toTag: "ours" });
    expect(header(response, "to")).toBe("<sip:bob@demo.example>;tag=ours");
    expect(headerValues(response, "via")).toEqual([
      "SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKtop;rport",
      "SIP/2.0/UDP 192.0.2.6;branch=z9hG4bKbelow",
    ]);
  });
});

describe("createCancelFromCapsule", () => {
  it("repeats the INVITE's request-URI, Call-ID, From, To and CSeq number, without Via", () => {
    const cancel = createCancelFromCapsule(remains(), [["Reason", 'SIP ;cause=200 ;text="Call completed elsewhere"']]);
    expect(cancel.method).toBe("CANCEL");
    expect(cancel.requestUri).toBe(invite.requestUri);
    for (const name of ["from", "to", "call-id"]) expect(header(cancel, name)).toBe(header(invite, name));
    expect(header(cancel, "cseq")).toBe("314 CANCEL");
    expect(header(cancel, "via")).toBeUndefined();
    expect(header(cancel, "reason")).toContain("cause=200");
  });
});

describe("inviteRemains", () => {
  it("keeps nothing of a request that cannot be answered", () => {
    expect(inviteRemains({ ...invite, headers: [] })).toBeUndefined();
  });
});
