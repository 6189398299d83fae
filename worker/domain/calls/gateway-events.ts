/** What gateways tell a call. */
import type { CallEvent } from "#protocol/call-messages";
import type { OutgoingStreamLease, PhoneLegCapsule } from "#protocol/capsule";
import { reasonPhrase } from "#sip/message/build";
import { offerMove } from "./adopt-leg.ts";
import { adoptionFailed, legAdopted } from "./adoption.ts";
import { answerBrowserCaller, calleeAnswers, calleeFails, calleeIsHeard, calleeRings } from "./answer.ts";
import { answerReoffer, cancelBrowser, inviteBrowser } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { CallLeg } from "./call-state.ts";
import { earlyReady, earlyRefused } from "./early-media.ts";
import { endCall, hangUp, markEnded } from "./hang-up.ts";
import { noteHold } from "./hold.ts";
import { endGroup, groupOf, legIsGone } from "./ring-group.ts";
import { receiveRefer } from "./refer.ts";
import { statusOfRefusal } from "./refusal.ts";
import { answerReplacement, dropReplacement, isReplacing, takePlace } from "./replace.ts";
import { abandonTransfer } from "./transfer.ts";
import { digitReceived } from "./touch-tones.ts";

/** What is for the ladder alone changes nothing else, and may come from any gateway (`call-ladder.ts`). */
export type LegEvent = Exclude<CallEvent, { readonly kind: "leg-signalling" }>;

/** Applies one event of the gateway that holds the leg. */
export function applyGatewayEvent(draft: CallDraft, leg: CallLeg, event: LegEvent): void {
  switch (event.kind) {
    case "invite-received":
    case "replace-received":
      return;
    case "leg-cancelled":
      return callerGaveUp(draft, leg);
    case "leg-ringing":
      return phoneRings(draft, leg, event.capsule);
    case "leg-answered":
      if (leg.kind === "phone") leg.capsule = event.capsule;
      return calleeAnswers(draft, leg, event.audio);
    case "leg-failed":
      return legFailed(draft, leg, event);
    case "leg-confirmed":
      if (leg.kind === "phone") leg.capsule = event.capsule;
      if (leg.stage === "answered") leg.stage = "connected";
      draft.log("leg.confirmed", { leg: leg.leg, gateway: leg.holder });
      return;
    case "leg-ended":
      return legEnded(draft, leg, event.cause);
    case "leg-changed":
      return legChanged(draft, leg, event.capsule);
    case "refer-received":
      return referReceived(draft, leg, event);
    case "refer-given-up":
      return referGivenUp(draft, leg, event.cseq);
    case "leg-adopted":
      if (leg.kind === "phone") leg.capsule = event.capsule;
      return legAdopted(draft, leg);
    case "leg-adoption-failed":
      // The phone itself says that its dialog is over (RFC 3261 section 12.2.1.2): it hung up while nobody listened.
      if (event.status === 481) return legEnded(draft, leg, "gone");
      return adoptionFailed(draft, leg, `${event.status} ${event.reason}`);
    case "webrtc-leg-ready":
      return webRtcReady(draft, leg, event.localSdp);
    case "webrtc-leg-refused":
      return webRtcRefused(draft, leg, event);
    case "webrtc-leg-secured":
      if (leg.kind === "browser") {
        leg.media = { ...event.media, outgoing: neverLower(leg.media?.outgoing, event.media.outgoing) };
      }
      draft.log("leg.secured", { leg: leg.leg, gateway: leg.holder });
      return;
    case "lease-wanted":
      return grantLease(draft, leg, event);
    case "digit-received":
      return digitReceived(draft, leg, event);
    case "media-flowing":
      draft.log("leg.media", { leg: leg.leg, gateway: leg.holder, detail: `after ${Math.round(event.afterMs)} ms` });
      return;
    case "leg-statistics":
      return noteStatistics(leg, event);
  }
}

function phoneRings(draft: CallDraft, leg: CallLeg, capsule: PhoneLegCapsule | undefined): void {
  if (leg.kind === "phone") leg.capsule = capsule ?? leg.capsule;
  const codec = capsule?.media?.audio.codec;
  if (codec === undefined) calleeRings(draft, leg);
  else calleeIsHeard(draft, leg, codec);
}

function noteStatistics(leg: CallLeg, event: Extract<CallEvent, { kind: "leg-statistics" }>): void {
  const { packetsReceived, packetsSent, bytesReceived, trunkPacketsSent, trunkPacketsReceived } = event;
  leg.statistics = { packetsReceived, packetsSent, bytesReceived, trunkPacketsSent, trunkPacketsReceived };
}

function grantLease(draft: CallDraft, leg: CallLeg, event: Extract<CallEvent, { kind: "lease-wanted" }>): void {
  if (leg.kind !== "browser" || leg.media === undefined) return;
  leg.media = {
    ...leg.media,
    outgoing: neverLower(leg.media.outgoing, event.lease),
    ...(event.incoming === undefined ? {} : { incoming: event.incoming }),
  };
  draft.command(leg, { kind: "grant-lease", leg: leg.leg, lease: event.lease });
}

/** Reports may overtake each other; a limit that went down would let an index be used twice (RFC 3711 section 9.1). */
function neverLower(before: OutgoingStreamLease | undefined, now: OutgoingStreamLease): OutgoingStreamLease {
  return before?.ssrc === now.ssrc && before.indexLimit > now.indexLimit
    ? { ...now, indexLimit: before.indexLimit }
    : now;
}

function legChanged(draft: CallDraft, leg: CallLeg, capsule: PhoneLegCapsule): void {
  if (leg.kind === "phone") {
    noteHold(draft, leg, leg.capsule?.media?.remoteSdp, capsule.media?.remoteSdp);
    leg.capsule = capsule;
  }
  // Its gateway has answered it: from here on it cannot fail without a BYE.
  if (isReplacing(leg) && capsule.phase === "answered") takePlace(draft, leg);
}

function referReceived(draft: CallDraft, leg: CallLeg, event: Extract<CallEvent, { kind: "refer-received" }>): void {
  receiveRefer(draft, leg, event, (answer) => {
    draft.command(leg, { kind: "answer-refer", leg: leg.leg, cseq: event.cseq, ...answer });
  });
}

function referGivenUp(draft: CallDraft, leg: CallLeg, cseq: number): void {
  const { transfer } = draft.state;
  if (transfer?.by === leg.leg && transfer.cseq === cseq) abandonTransfer(draft, transfer);
}

function callerGaveUp(draft: CallDraft, leg: CallLeg): void {
  if (isReplacing(leg)) return dropReplacement(draft, leg, 487);
  if (leg.side !== "caller" || (leg.stage !== "ringing" && leg.stage !== "calling")) return;
  draft.log("call.cancelled", { leg: leg.leg });
  endCall(draft, "canceled", "caller-cancelled");
}

function legFailed(draft: CallDraft, leg: CallLeg, event: Extract<CallEvent, { kind: "leg-failed" }>): void {
  if (leg.side === "callee") {
    const { status, reason, retryAfterSeconds } = event;
    return calleeFails(draft, leg, {
      status,
      reason,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }
  if (leg.stage === "ended") return;
  markEnded(draft, leg);
  // It was to take another leg's place, which goes on; its gateway has refused it.
  if (leg.replaces !== undefined && leg !== draft.caller)
    return draft.log("leg.replacement-failed", { leg: leg.leg, detail: String(event.status) });
  endCall(draft, statusOfRefusal(event.status), "caller-failed");
}

function legEnded(draft: CallDraft, leg: CallLeg, cause: string): void {
  if (leg.stage === "ended") return;
  draft.log("leg.ended", { leg: leg.leg, gateway: leg.holder, detail: cause });
  // The early media of a caller is gone; its INVITE still wants an answer.
  if (leg === draft.caller && leg.side === "caller" && leg.stage === "ringing")
    return endCall(draft, "canceled", `caller-${cause}`);
  legIsGone(draft, leg, { outcome: "completed", cause: `${leg.side}-${cause}` });
}

function webRtcReady(draft: CallDraft, leg: CallLeg, localSdp: string): void {
  if (leg.kind !== "browser" || leg.stage === "ended") return;
  if (leg.reoffer !== undefined) return answerReoffer(draft, leg, 200, localSdp);
  if (leg.dialog !== undefined && leg.stage !== "ringing" && leg.stage !== "calling") {
    if (leg.adoption !== undefined) offerMove(draft, leg, localSdp);
    return;
  }
  if (isReplacing(leg)) return answerReplacement(draft, leg, localSdp);
  legAdopted(draft, leg);
  if (leg.side === "caller") {
    if (!earlyReady(draft, leg, localSdp)) answerBrowserCaller(draft, leg, localSdp);
    return;
  }
  if (leg.invite === undefined) {
    leg.localSdp = localSdp;
    draft.log("leg.inviting", { leg: leg.leg, gateway: leg.holder });
    inviteBrowser(draft, leg, localSdp);
  }
}

function webRtcRefused(
  draft: CallDraft,
  leg: CallLeg,
  event: Extract<CallEvent, { kind: "webrtc-leg-refused" }>,
): void {
  draft.log("leg.media-refused", { leg: leg.leg, gateway: leg.holder, detail: event.reason });
  if (leg.kind === "browser" && leg.reoffer !== undefined) return answerReoffer(draft, leg, event.status);
  if (isReplacing(leg)) return dropReplacement(draft, leg, event.status);
  if (leg.adoption !== undefined) return adoptionFailed(draft, leg, event.reason);
  if (earlyRefused(draft, leg)) return;
  const refusal = { status: event.status, reason: reasonPhrase(event.status) };
  if (leg === draft.caller) return endCall(draft, "failed", "media-refused", refusal);
  const group = groupOf(draft, leg);
  if (group?.winner === leg.leg) {
    hangUp(draft, leg);
    return endGroup(draft, group, { outcome: "failed", cause: "media-refused", refusal });
  }
  if (leg.kind === "browser" && leg.stage !== "ended") cancelBrowser(draft, leg);
  calleeFails(draft, leg, refusal);
}
