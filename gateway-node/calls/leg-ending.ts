/** How phone legs end: BYE from here, BYE from the phone, or death found by silence (RFC 3261 section 15). */
import type { LegEndCause } from "#protocol/call-messages";
import { createAck, createDialogRequest } from "#sip/dialog/dialog-request";
import { closeMedia, contactOf, dropLeg, publish, sendRequest, startTimer, tellFiguresOfCall } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { reasonHeader } from "./capabilities.ts";
import type { Leg, PhoneLeg } from "./leg.ts";

/** Timer F and the like are the stack's; this one only guards against a transaction that never reports. */
const FORGET_MS = 33_000;

/** Ends the dialog towards the phone. Media stops at once; the leg is forgotten with the BYE's final response. */
export function sendBye(context: CallContext, leg: PhoneLeg, reason?: string): void {
  if (leg.gone) return;
  if (!leg.ending) {
    leg.ending = true;
    closeMedia(context, leg);
    context.legs.rememberEnd(leg.key);
  }
  leg.pendingReinvite?.abandon();
  leg.pendingReinvite = undefined;
  // The callee of a dialog waits for the ACK (section 15); the ACK or its absence sends the BYE then.
  if (leg.capsule.phase === "answered") {
    leg.byeAfterAck = { reason };
    return;
  }
  if (leg.acknowledgement === undefined) acknowledgeAnswer(context, leg);
  const forget = (): void => dropLeg(context, leg, "bye-sent");
  startTimer(context, leg, "forget", FORGET_MS, forget);
  const { request, dialog } = createDialogRequest(leg.dialog, "BYE", {
    contact: contactOf(context, leg),
    headers: reasonHeader(reason),
  });
  leg.dialog = dialog;
  sendRequest(context, leg, request, {
    onResponse: (response) => {
      if (response.status >= 200) forget();
    },
    onTimeout: forget,
    onTransportError: forget,
  });
}

/** A phone that answered gets its ACK before anything else, once it is due and for each repeated 2xx (section 13.2.2.4). */
export function acknowledgeAnswer(context: CallContext, leg: PhoneLeg): void {
  const { invite } = leg.capsule;
  if (leg.role !== "uac" || leg.capsule.phase !== "confirmed" || invite === undefined) return;
  leg.acknowledgement ??= createAck(leg.dialog, invite.cseq, { contact: contactOf(context, leg) });
  context.stack.sendOnce(leg.acknowledgement, leg.capsule.flow);
}

/** The leg is over and its peer knows, or cannot be told. */
export function reportEnd(context: CallContext, leg: Leg, cause: LegEndCause): void {
  tellFiguresOfCall(context, leg.call);
  publish(context, leg, { kind: "leg-ended", leg: leg.leg, cause });
}

/** We found the leg dead: tell both sides. */
export function endFromHere(context: CallContext, leg: PhoneLeg, cause: LegEndCause): void {
  if (leg.gone || leg.ending) return;
  reportEnd(context, leg, cause);
  sendBye(context, leg);
}

/** The phone said BYE and has its 200. */
export function endByPeer(context: CallContext, leg: PhoneLeg): void {
  if (!leg.ending) {
    reportEnd(context, leg, "bye");
    closeMedia(context, leg);
    context.legs.rememberEnd(leg.key);
  }
  const others = context.legs.ofCall(leg.call).filter((other) => other !== leg);
  dropLeg(context, leg, "bye-received");
  if (context.control.reaches(leg.call)) return;
  // The Call object would end the other side; while it cannot be told, the caller must not talk to nobody.
  for (const other of others) {
    if (other.kind !== "phone" || other.ending || other.capsule.phase !== "confirmed") continue;
    context.count("calls.ended-without-worker");
    endFromHere(context, other, "bye");
  }
}
