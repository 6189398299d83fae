/** What every part of call handling is given. */
import type { CallEvent } from "#protocol/call-messages";
import type { SipFlow } from "#protocol/capsule";
import type { CallToken, LegId } from "#protocol/ids";
import type { DialogState } from "#sip/dialog/dialog-state";
import { createResponse } from "#sip/message/build";
import type { SipRequest } from "#sip/message/sip-message";
import type { Clock } from "../clock.ts";
import type { MediaPlane } from "../media/media-plane.ts";
import type { LogEvent } from "../observability/log-event.ts";
import type { ClientTransaction, ClientTransactionHandlers, SipStack } from "../sip-transport/sip-stack.ts";
import { contactFor } from "./capabilities.ts";
import type { HostedMembers } from "./hosted-members.ts";
import type { Leg, LegTimer, PhoneLeg } from "./leg.ts";
import type { LadderRecorder } from "./ladder-recorder.ts";
import type { LegTable } from "./leg-table.ts";
import type { StrayLimit } from "./stray-limit.ts";

/** The calls' side of the control channel. */
export interface CallControl {
  beginCall(callId: string): CallToken | undefined;
  holdCall(call: CallToken): void;
  /** `moved`: the call lives on elsewhere and may come back. */
  releaseCall(call: CallToken, departure: "ended" | "moved"): void;
  publish(call: CallToken, epoch: number, event: CallEvent): void;
  /** Whether events of this call reach the Worker at the moment. */
  reaches(call: CallToken): boolean;
  /** Whether every event so far is stored. */
  settled(call: CallToken): boolean;
  reportStray(call: CallToken, leg: LegId, method: string): void;
}

export interface CallContext {
  readonly stack: SipStack;
  readonly media: MediaPlane;
  readonly clock: Clock;
  readonly legs: LegTable;
  readonly hostedMembers: HostedMembers;
  readonly control: CallControl;
  readonly strayLimit: StrayLimit;
  readonly ladder: Pick<LadderRecorder, "begin">;
  /** The flow over which the dialog's peer is registered at this gateway with its present Contact. */
  readonly registeredFlow: (dialog: Pick<DialogState, "remoteUri" | "remoteTarget">) => SipFlow | undefined;
  /** No way led to this phone. If it is registered here, its route is taken back until it registers again. */
  readonly registeredFlowFailed: (dialog: Pick<DialogState, "remoteUri" | "remoteTarget">) => void;
  /** A fresh dialog tag or Call-ID part. */
  readonly createTag: () => string;
  /** 0 to 1. */
  readonly random: () => number;
  /** Runs what the network or a timer brings to a leg; a defect met there fails this leg alone. */
  readonly guard: (leg: Leg, work: () => void) => void;
  readonly count: (name: string) => void;
  readonly log: (event: LogEvent) => void;
}

/** Setting a timer again replaces it; it dies with the leg. */
export function startTimer(context: CallContext, leg: Leg, name: LegTimer, delayMs: number, fire: () => void): void {
  leg.setTimer(context.clock, name, delayMs, () => context.guard(leg, fire));
}

/** A request of a leg: whatever its responses set off stays inside the leg. */
export function sendRequest(
  context: CallContext,
  leg: PhoneLeg,
  request: SipRequest,
  handlers: ClientTransactionHandlers,
  options?: { readonly viaBranch?: string; readonly timeoutMs?: number },
): ClientTransaction {
  const guarded: ClientTransactionHandlers = {
    onResponse: (response) => context.guard(leg, () => handlers.onResponse(response)),
    onTimeout: () => context.guard(leg, () => handlers.onTimeout()),
    onTransportError: (reason) => context.guard(leg, () => handlers.onTransportError(reason)),
  };
  return context.stack.sendRequest(request, leg.capsule.flow, guarded, options);
}

export function publish(context: CallContext, leg: Leg, event: CallEvent): void {
  context.control.publish(leg.call, leg.epoch, event);
}

export function contactOf(context: CallContext, leg: PhoneLeg): string {
  return contactFor(context.stack, leg.dialog.localTag, leg.capsule.flow.transport);
}

/** `o=` session ids are below 2^31, so that no phone reads them as negative. */
export function createSdpId(context: CallContext): number {
  return Math.floor(context.random() * 0x7fff_fffe) + 1;
}

export function enterTable(context: CallContext, leg: Leg): void {
  context.legs.add(leg);
  context.control.holdCall(leg.call);
  const role = leg.kind === "phone" ? leg.role : "webrtc";
  context.log({ event: "leg.started", call: leg.call, leg: leg.leg, role, epoch: leg.epoch });
}

/** Why a leg is not here any more, for the log. */
export type LegDeparture =
  | "released"
  | "adoption-failed"
  | "call-gone"
  | "bye-sent"
  | "bye-received"
  | "rejected"
  | "given-up"
  | "failed"
  | "refused"
  | "ended"
  | "fault"
  | "media-timeout"
  | "webrtc-failed";

const MOVED: ReadonlySet<LegDeparture> = new Set(["released", "adoption-failed"]);

/** Takes the leg out of everything here, without a word to its peer. */
export function dropLeg(context: CallContext, leg: Leg, cause: LegDeparture): void {
  if (leg.gone) return;
  if (leg.kind === "phone") {
    leg.outgoingInvite?.abandon();
    leg.pendingReinvite?.abandon();
    leg.answeredReinvite?.transaction.acknowledged();
    leg.inviteTransaction?.acknowledged();
    const refer = leg.pendingRefer?.transaction;
    refer?.respond(createResponse(refer.request, 481));
  }
  context.media.closeLeg(leg.key);
  context.log({ event: "leg.ended", call: leg.call, leg: leg.leg, cause });
  const last = context.legs.remove(leg) && !context.hostedMembers.has(leg.call);
  if (last) context.control.releaseCall(leg.call, MOVED.has(cause) ? "moved" : "ended");
}

/** Figures that were told so lately stand for the end of a leg: one call's legs end within milliseconds of each other. */
const FIGURES_LAST_MS = 1_000;

/** The figures of a leg go out when it ends; its media stops at once. */
export function closeMedia(context: CallContext, leg: Leg): void {
  tellFigures(context, leg);
  context.media.closeLeg(leg.key);
}

/** With the first leg that ends here go the figures of all of its call: the others' would cost the Call object a request of their own. */
export function tellFiguresOfCall(context: CallContext, call: CallToken): void {
  for (const leg of context.legs.ofCall(call)) tellFigures(context, leg);
}

function tellFigures(context: CallContext, leg: Leg): void {
  const nowMs = context.clock.nowMs();
  if (leg.figuresToldAtMs !== undefined && nowMs - leg.figuresToldAtMs < FIGURES_LAST_MS) return;
  const statistics = context.media.statistics(leg.key);
  if (statistics === undefined) return;
  leg.figuresToldAtMs = nowMs;
  const { packetsReceived, packetsSent, bytesReceived, trunkPacketsSent, trunkPacketsReceived } = statistics;
  publish(context, leg, {
    kind: "leg-statistics",
    leg: leg.leg,
    packetsReceived,
    packetsSent,
    bytesReceived,
    trunkPacketsSent,
    trunkPacketsReceived,
  });
}
