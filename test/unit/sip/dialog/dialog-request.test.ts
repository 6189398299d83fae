import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dialogFromInvite, dialogFromResponse } from "../../../../sip/dialog/create-dialog.ts";
import { dialogKey, dialogKeyOf } from "../../../../sip/dialog/dialog-id.ts";
import {
  acceptDialogRequest,
  createAck,
  createDialogRequest,
  refreshTarget,
} from "../../../../sip/dialog/dialog-request.ts";
import { EPOCH_BLOCK, type DialogState } from "../../../../sip/dialog/dialog-state.ts";
import { enterEpoch, raiseSdpVersion } from "../../../../sip/dialog/epoch.ts";
import { createResponse } from "../../../../sip/message/build.ts";
import { header, headerValues, withTopHeader } from "../../../../sip/message/headers.ts";
import { parseSipMessage } from "../../../../sip/message/parser.ts";
import { serializeSipMessage } from "../../../../sip/message/serializer.ts";
import { answerTo, INVITE_LINES, sipRequest } from "./message-texts.ts";

const contact = "<sip:token@192.0.2.50:5060>";

function dialogWith(changes: Partial<DialogState>): DialogState {
  return {
    callId: "c1",
    localTag: "ours",
    remoteTag: "theirs",
    localUri: '"Bob" <sip:bob@demo.example>',
    remoteUri: "sip:alice@demo.example",
    remoteTarget: "sip:alice@192.0.2.7:5060",
    routeSet: [],
    localCseq: 7,
    remoteCseq: 314,
    remoteAllow: [],
    localSdpVersion: 2,
    localSdpId: 77,
    ...changes,
  };
}

describe("createDialogRequest", () => {
  it("writes the dialog's identifiers, the next CSeq and nothing that the sender adds", () => {
    const { request, dialog } = createDialogRequest(dialogWith({}), "UPDATE", {
      contact,
      headers: [["Supported", "timer"]],
      body: "v=0",
      contentType: "application/sdp",
    });
    expect(request.requestUri).toBe("sip:alice@192.0.2.7:5060");
    expect(request.headers.map(({ name, value }) => `${name}: ${value}`)).toEqual([
      "max-forwards: 70",
      'from: "Bob" <sip:bob@demo.example>;tag=ours',
      "to: <sip:alice@demo.example>;tag=theirs",
      "call-id: c1",
      "cseq: 8 UPDATE",
      `contact: ${contact}`,
      "supported: timer",
      "content-type: application/sdp",
    ]);
    expect(dialog).toEqual(dialogWith({ localCseq: 8 }));
  });

  it.each(["BYE", "INFO", "MESSAGE", "PRACK"])("writes no Contact into %s", (method) => {
    expect(header(createDialogRequest(dialogWith({}), method, { contact }).request, "contact")).toBeUndefined();
  });

  it("starts at CSeq 1 when it sent none before", () => {
    expect(header(createDialogRequest(dialogWith({ localCseq: -1 }), "BYE", { contact }).request, "cseq")).toBe(
      "1 BYE",
    );
  });

  it("writes a To without tag for a peer of RFC 2543", () => {
    const { remoteTag: _, ...dialog } = dialogWith({});
    expect(header(createDialogRequest(dialog, "BYE", { contact }).request, "to")).toBe("<sip:alice@demo.example>");
  });

  it.each([
    ["loose routers", ["<sip:p1;lr>", "<sip:p2;lr>"], "sip:alice@192.0.2.7:5060", ["<sip:p1;lr>", "<sip:p2;lr>"]],
    ["a strict router first", ["<sip:p1?a=b>", "<sip:p2;lr>"], "sip:p1", ["<sip:p2;lr>", "<sip:alice@192.0.2.7:5060>"]],
    ["a strict router alone", ["<sip:p1:5070;method=INVITE;x=y>"], "sip:p1:5070;x=y", ["<sip:alice@192.0.2.7:5060>"]],
    [
      "a strict router after a loose one",
      ["<sip:p1;lr>", "<sip:p2>"],
      "sip:alice@192.0.2.7:5060",
      ["<sip:p1;lr>", "<sip:p2>"],
    ],
  ])("routes through %s", (_, routeSet, requestUri, routes) => {
    const { request } = createDialogRequest(dialogWith({ routeSet }), "BYE", { contact });
    expect(request.requestUri).toBe(requestUri);
    expect(headerValues(request, "route")).toEqual(routes);
  });

  it("takes header fields of a Contact URI out of the request-URI", () => {
    const { request } = createDialogRequest(
      dialogWith({ remoteTarget: "sip:alice@192.0.2.7;transport=tcp?Subject=x" }),
      "BYE",
      { contact },
    );
    expect(request.requestUri).toBe("sip:alice@192.0.2.7;transport=tcp");
  });

  it("can be written and read again", () => {
    const { request } = createDialogRequest(dialogWith({ routeSet: ["<sip:p1;lr>"] }), "INVITE", {
      contact,
      body: "v=0\r\n",
      contentType: "application/sdp",
    });
    const sent = withTopHeader(request, "Via", "SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKx");
    expect(parseSipMessage(serializeSipMessage(sent)).ok).toBe(true);
  });
});

describe("createAck", () => {
  it("repeats the INVITE's CSeq number, not the dialog's", () => {
    const ack = createAck(dialogWith({ localCseq: 9, routeSet: ["<sip:p1;lr>"] }), 4, {});
    expect(ack.method).toBe("ACK");
    expect(header(ack, "cseq")).toBe("4 ACK");
    expect(headerValues(ack, "route")).toEqual(["<sip:p1;lr>"]);
  });
});

describe("epochs", () => {
  it("give an adopter numbers that the old gateway cannot have used", () => {
    const { request, dialog } = createDialogRequest(dialogWith({}), "INVITE", { contact, epoch: 2 });
    expect(header(request, "cseq")).toBe(`${2 * EPOCH_BLOCK + 1} INVITE`);
    expect(raiseSdpVersion(dialog).localSdpVersion).toBe(2 * EPOCH_BLOCK + 1);
  });

  it("change nothing when entered again", () => {
    const entered = enterEpoch(dialogWith({}), 3);
    const used = createDialogRequest(entered, "INVITE", { contact, epoch: 3 }).dialog;
    expect(used.localCseq).toBe(3 * EPOCH_BLOCK + 1);
    expect(enterEpoch(used, 3)).toBe(used);
  });

  it("never let a number be used twice, whatever the earlier owners did without telling", () => {
    const told = fc.record({ requests: fc.nat(EPOCH_BLOCK - 2), told: fc.boolean() });
    fc.assert(
      fc.property(fc.array(told, { maxLength: 6 }), (owners) => {
        let stored = dialogWith({ localCseq: 0, localSdpVersion: 0 });
        let highestUsed = 0;
        owners.forEach((owner, index) => {
          const mine = enterEpoch(stored, index + 1);
          expect(mine.localCseq + 1).toBeGreaterThan(highestUsed);
          highestUsed = mine.localCseq + owner.requests;
          stored = owner.told ? { ...mine, localCseq: highestUsed } : stored;
        });
      }),
    );
  });
});

describe("acceptDialogRequest", () => {
  const request = (method: string, cseq: number, ...lines: readonly string[]) =>
    sipRequest([
      `${method} sip:token@192.0.2.50 SIP/2.0`,
      "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKy",
      "Max-Forwards: 70",
      "From: <sip:alice@demo.example>;tag=theirs",
      "To: <sip:bob@demo.example>;tag=ours",
      "Call-ID: c1",
      `CSeq: ${cseq} ${method}`,
      ...lines,
    ]);

  it.each([
    [315, { ok: true }],
    [99_999, { ok: true }],
    [314, { ok: false, status: 500, code: "cseq-repeated" }],
    [313, { ok: false, status: 500, code: "cseq-lower" }],
  ])("takes CSeq %s after 314 as %j", (cseq, outcome) => {
    expect(acceptDialogRequest(dialogWith({}), request("BYE", cseq))).toMatchObject(outcome);
  });

  it("takes any number when the peer sent none before", () => {
    expect(acceptDialogRequest(dialogWith({ remoteCseq: -1 }), request("BYE", 0))).toMatchObject({
      ok: true,
      dialog: { remoteCseq: 0 },
    });
  });

  it("takes the ACK of an older INVITE and keeps the dialog as it is", () => {
    const dialog = dialogWith({});
    expect(acceptDialogRequest(dialog, request("ACK", 300))).toEqual({ ok: true, dialog });
  });

  it.each([
    ["INVITE", "sip:alice@198.51.100.1"],
    ["UPDATE", "sip:alice@198.51.100.1"],
    ["INFO", "sip:alice@192.0.2.7:5060"],
  ])("moves the target on %s to %s", (method, remoteTarget) => {
    const outcome = acceptDialogRequest(
      dialogWith({}),
      request(method, 400, "Contact: <sip:alice@198.51.100.1>", "Allow: INVITE"),
    );
    expect(outcome).toMatchObject({ ok: true, dialog: { remoteTarget, remoteCseq: 400 } });
  });

  it("keeps the target when a re-INVITE names no Contact", () => {
    expect(acceptDialogRequest(dialogWith({}), request("INVITE", 400))).toMatchObject({
      ok: true,
      dialog: { remoteTarget: "sip:alice@192.0.2.7:5060" },
    });
  });
});

describe("refreshTarget", () => {
  const to = "To: <sip:bob@demo.example>;tag=bobtag";
  const moved = "Contact: <sip:bob@198.51.100.1>";

  it("moves the target with a 2xx and leaves the route set", () => {
    const dialog = dialogWith({ routeSet: ["<sip:p1;lr>"] });
    const refreshed = refreshTarget(
      dialog,
      answerTo("200 OK", to, moved, "Record-Route: <sip:p9;lr>", "Allow: INVITE, UPDATE"),
    );
    expect(refreshed).toEqual({ ...dialog, remoteTarget: "sip:bob@198.51.100.1", remoteAllow: ["INVITE", "UPDATE"] });
  });

  it.each(["180 Ringing", "488 Not Acceptable Here", "491 Request Pending"])("keeps it with %s", (status) => {
    const dialog = dialogWith({});
    expect(refreshTarget(dialog, answerTo(status, to, moved))).toBe(dialog);
  });
});

describe("both ends of one call", () => {
  const invite = sipRequest(INVITE_LINES);
  const answer = createResponse(invite, 200, { toTag: "bobtag", headers: [["Contact", "<sip:bob@192.0.2.9>"]] });
  const callee = dialogFromInvite(invite, "bobtag", 1);
  const caller = dialogFromResponse(
    {
      callId: "call-1@192.0.2.7",
      localTag: "alicetag",
      localUri: "<sip:alice@demo.example>",
      remoteUri: "<sip:bob@demo.example>",
      localCseq: 314,
      localSdpId: 2,
    },
    answer,
  );
  if (callee === undefined || caller === undefined) throw new Error("no dialog");

  it("have mirrored route sets", () => {
    expect(caller.routeSet).toEqual(callee.routeSet.toReversed());
  });

  it("find their dialog by every message of it", () => {
    expect(dialogKeyOf(answer, "uac")).toBe(dialogKey(caller));
    const fromCaller = createDialogRequest(caller, "INFO", { contact }).request;
    const fromCallee = createDialogRequest(callee, "INFO", { contact }).request;
    expect(dialogKeyOf(fromCaller, "uas")).toBe(dialogKey(callee));
    expect(dialogKeyOf(fromCallee, "uas")).toBe(dialogKey(caller));
    expect(dialogKeyOf(fromCallee, "uac")).toBe(dialogKey(callee));
    expect(dialogKey(caller)).not.toBe(dialogKey(callee));
  });

  it("have no key for an INVITE outside a dialog", () => {
    expect(dialogKeyOf(invite, "uas")).toBeUndefined();
  });

  it("accept each other's requests in any interleaving, once each", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 20 }), (turns) => {
        let ends = { caller, callee };
        for (const callerSends of turns) {
          const [from, to] = callerSends ? [ends.caller, ends.callee] : [ends.callee, ends.caller];
          const sent = createDialogRequest(from, "UPDATE", { contact });
          const received = acceptDialogRequest(to, sent.request);
          expect(received).toMatchObject({
            ok: true,
            dialog: { remoteCseq: sent.dialog.localCseq, remoteTarget: "sip:token@192.0.2.50:5060" },
          });
          if (!received.ok) return;
          expect(acceptDialogRequest(received.dialog, sent.request)).toMatchObject({
            ok: false,
            code: "cseq-repeated",
          });
          ends = callerSends
            ? { caller: sent.dialog, callee: received.dialog }
            : { caller: received.dialog, callee: sent.dialog };
        }
      }),
    );
  });
});
