/** From ringing to talking: the first answer wins, the others are told, and the caller is connected. */
import type { CodecName, NegotiatedAudio } from "#protocol/media";
import { acknowledge, respondToInvite } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg, CallLeg } from "./call-state.ts";
import { hearCallee } from "./early-media.ts";
import { endCall, hangUp, markEnded } from "./hang-up.ts";
import type { Refusal } from "./refusal.ts";
import { joinMedia } from "./join.ts";
import { targetRings } from "./transfer-progress.ts";
import { failWhenAllFailed, groupOf, legsOf, ringNextRoute } from "./ring-group.ts";

/** RFC 3326: the other devices learn that somebody took the call. */
export const ANSWERED_ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"';

/** Failures of the way to a device, as long as it did not ring: another way may work. */
const NOT_REACHED: ReadonlySet<number> = new Set([408, 430, 480, 500, 503]);

/** A callee's device rings: the caller hears it once. */
export function calleeRings(draft: CallDraft, leg: CallLeg): void {
  if (leg.stage !== "calling") return;
  leg.stage = "ringing";
  draft.log("leg.ringing", { leg: leg.leg, gateway: leg.holder });
  const transfer = draft.transferOf(leg);
  if (transfer !== undefined) return targetRings(draft, transfer);
  ringCaller(draft);
}

/** The caller hears once that it rings. */
export function ringCaller(draft: CallDraft): void {
  const caller = draft.caller;
  if (caller === undefined || draft.state.status !== "queued") return;
  draft.setStatus("ringing");
  if (caller.kind === "phone") draft.command(caller, { kind: "ring-leg", leg: caller.leg, status: 180 });
  else respondToInvite(draft, caller, 180);
}

/** The same, where there is something to hear already. */
export function calleeIsHeard(draft: CallDraft, leg: CallLeg, codec: CodecName): void {
  const group = groupOf(draft, leg);
  if (leg.stage === "ended" || group === undefined || group.winner !== undefined) return;
  if (!hearCallee(draft, leg, codec)) return calleeRings(draft, leg);
  if (leg.stage === "calling") draft.log("leg.ringing", { leg: leg.leg, gateway: leg.holder });
  leg.stage = "ringing";
  if (draft.state.status === "queued") draft.setStatus("ringing");
}

/** A callee's 2xx is stored: acknowledge it; the first one of its group wins, any later one is ended. */
export function calleeAnswers(draft: CallDraft, leg: CallLeg, audio: NegotiatedAudio): void {
  const group = groupOf(draft, leg);
  const late = leg.stage === "ended" || group?.winner !== undefined || group?.endedAtMs !== undefined;
  acknowledgeCallee(draft, leg);
  if (late || group === undefined) {
    leg.stage = "connected";
    hangUp(draft, leg);
    return;
  }
  leg.stage = "connected";
  leg.codec = audio.codec;
  leg.answeredAtMs = draft.context.nowMs;
  group.winner = leg.leg;
  group.news = { kind: "answered" };
  draft.log("leg.answered", { leg: leg.leg, gateway: leg.holder, detail: audio.codec });
  for (const other of legsOf(draft, group)) {
    if (other !== leg) hangUp(draft, other, undefined, ANSWERED_ELSEWHERE);
  }
}

/** The caller talks to this callee from now on; one that still rings is answered first. */
export function connectCaller(draft: CallDraft, callee: CallLeg): void {
  const { state, caller } = draft;
  // The keys of a stream between gateways are used once.
  const heard = state.early !== undefined && state.early.leg !== callee.leg;
  if (heard || state.groups.some(({ id, winner }) => id !== callee.group && winner !== undefined))
    state.trunkStream = draft.context.randomHex(8);
  state.winner = callee.leg;
  if (caller?.codec === undefined) answerCaller(draft, callee.codec ?? "PCMU");
  else joinMedia(draft);
}

function acknowledgeCallee(draft: CallDraft, leg: CallLeg): void {
  if (leg.kind === "phone") draft.command(leg, { kind: "confirm-leg", leg: leg.leg });
  else if (leg.dialog !== undefined) acknowledge(draft, leg, leg.dialog.localCseq);
}

/** Answers the caller with the codec that the call will have. A browser's answer needs its gateway's SDP first. */
export function answerCaller(draft: CallDraft, codec: CodecName): void {
  const caller = draft.caller;
  if (caller === undefined) return;
  caller.codec = codec;
  if (caller.kind === "phone") {
    draft.command(caller, { kind: "answer-leg", leg: caller.leg, codec });
    callerAnswered(draft, caller);
    return;
  }
  caller.holder ??= draft.context.nearestGateway(caller.region, [], draft.winner?.holder);
  if (caller.holder === undefined || caller.remoteSdp === undefined) {
    endCall(draft, "failed", "no-gateway", { status: 503, reason: "Service Unavailable", retryAfterSeconds: 5 });
    return;
  }
  draft.command(caller, {
    kind: "open-webrtc-leg",
    leg: caller.leg,
    remoteSdp: caller.remoteSdp,
    codecs: [codec],
    ssrc: draft.context.randomUint32(),
  });
}

/** The gateway's SDP for a browser that called: its 200 OK. */
export function answerBrowserCaller(draft: CallDraft, caller: BrowserLeg, localSdp: string): void {
  caller.localSdp = localSdp;
  respondToInvite(draft, caller, 200, { sdp: caller.earlySdp ?? localSdp });
  callerAnswered(draft, caller);
}

function callerAnswered(draft: CallDraft, caller: CallLeg): void {
  caller.stage = "answered";
  caller.answeredAtMs = draft.context.nowMs;
  draft.state.answeredAtMs = draft.context.nowMs;
  draft.setStatus("in-progress");
  draft.log("call.answered", { leg: caller.leg, gateway: caller.holder, detail: caller.codec });
  joinMedia(draft);
}

/** A callee will not be connected. When none of its group is left, whoever rang them gets the best of their answers. */
export function calleeFails(draft: CallDraft, leg: CallLeg, failure: Refusal): void {
  if (leg.stage === "ended") return;
  const reached = leg.stage !== "calling";
  leg.failure = failure;
  draft.log("leg.failed", { leg: leg.leg, gateway: leg.holder, detail: `${failure.status} ${failure.reason}` });
  markEnded(draft, leg);
  const group = groupOf(draft, leg);
  if (draft.ended || group === undefined || group.winner !== undefined || group.endedAtMs !== undefined) return;
  if (!reached && NOT_REACHED.has(failure.status) && ringNextRoute(draft, group, leg)) return;
  failWhenAllFailed(draft, group);
  const others = group.endedAtMs === undefined;
  if (others && draft.state.early?.leg === leg.leg) joinMedia(draft);
}
