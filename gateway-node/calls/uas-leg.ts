/** A leg that a phone began: provisional and final responses to its INVITE, and its ACK (RFC 3261 section 13.3). */
import type { CodecName } from "#protocol/media";
import { createResponseFromCapsule } from "#sip/dialog/invite-remains";
import { createResponse, reasonPhrase } from "#sip/message/build";
import type { SipResponse } from "#sip/message/sip-message";
import { contactOf, dropLeg, publish, startTimer } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { ALLOW, SDP_TYPE, SUPPORTED } from "./capabilities.ts";
import type { HeaderPairs } from "./capabilities.ts";
import { finalAnswer, prepareEarly } from "./early-media.ts";
import { openAudio } from "./leg-audio.ts";
import { endFromHere, sendBye } from "./leg-ending.ts";
import type { PhoneLeg } from "./leg.ts";

/** T1, T2 and 64*T1 of RFC 3261 table 4. */
const T1_MS = 500;
const T2_MS = 4_000;
const ACK_LIMIT_MS = 64 * T1_MS;

interface Answering {
  readonly reason?: string;
  readonly headers?: HeaderPairs;
  readonly body?: string;
}

/** A response to the leg's INVITE, through its transaction or, for an adopted leg, along its Vias. */
function responseTo(
  context: CallContext,
  leg: PhoneLeg,
  status: number,
  answering: Answering,
): SipResponse | undefined {
  const contact = contactOf(context, leg);
  const withContact = status > 100 && status < 400;
  const common = {
    toTag: leg.dialog.localTag,
    reason: answering.reason,
    ...(answering.body === undefined ? {} : { body: answering.body, contentType: SDP_TYPE }),
  };
  const headers: HeaderPairs = [ALLOW, SUPPORTED, ...(answering.headers ?? [])];
  if (leg.inviteTransaction !== undefined) {
    const contacts: HeaderPairs = withContact ? [["Contact", contact]] : [];
    return createResponse(leg.inviteTransaction.request, status, { ...common, headers: [...contacts, ...headers] });
  }
  const { invite } = leg.capsule;
  return invite === undefined
    ? undefined
    : createResponseFromCapsule(invite, status, { ...common, ...(withContact ? { contact } : {}), headers });
}

function respond(context: CallContext, leg: PhoneLeg, status: number, answering: Answering = {}): void {
  const response = responseTo(context, leg, status, answering);
  if (response === undefined) return;
  if (leg.inviteTransaction !== undefined) leg.inviteTransaction.respond(response);
  else context.stack.sendResponseOnce(response, leg.capsule.flow);
  if (leg.inviteTransaction === undefined && status >= 200 && status < 300)
    repeatSuccess(context, leg, response, T1_MS, 0);
}

/** `ring-leg`. Where early media cannot be had, the phone makes its own ringback. */
export async function ringLeg(context: CallContext, leg: PhoneLeg, earlyCodec: CodecName | undefined): Promise<void> {
  if (leg.capsule.phase !== "ringing" || leg.cancelled) return;
  const sdp = earlyCodec === undefined ? undefined : await prepareEarly(context, leg, earlyCodec);
  if (leg.gone || leg.cancelled || leg.capsule.phase !== "ringing") return;
  respond(context, leg, sdp === undefined ? 180 : 183, sdp === undefined ? {} : { body: sdp });
}

/** `answer-leg`: port, 200 with SDP, and from now on the ACK is awaited. */
export async function answerLeg(context: CallContext, leg: PhoneLeg, codec: CodecName): Promise<void> {
  if (leg.capsule.phase !== "ringing") return;
  const offer = leg.capsule.remoteOffer;
  if (!(await openAudio(context, leg, offer))) return refuseAnswer(context, leg, 503);
  // The CANCEL won: the Call object hears of it and refuses.
  if (leg.gone || leg.cancelled || leg.capsule.phase !== "ringing") return;
  const sdp = offer === undefined ? undefined : finalAnswer(context, leg, offer, codec);
  if (sdp === undefined) return refuseAnswer(context, leg, 488);
  leg.capsule = { ...leg.capsule, phase: "answered" };
  leg.clearTimer("ringing");
  // An adopter must know that the 2xx may have been seen.
  publish(context, leg, { kind: "leg-changed", leg: leg.leg, capsule: leg.capsule });
  if (leg.inviteTransaction !== undefined)
    leg.inviteTransaction.onAckTimeout = () => context.guard(leg, () => missAck(context, leg));
  respond(context, leg, 200, { body: sdp });
}

function refuseAnswer(context: CallContext, leg: PhoneLeg, status: 488 | 503): void {
  if (leg.gone) return;
  const reason = reasonPhrase(status);
  publish(context, leg, { kind: "leg-failed", leg: leg.leg, status, reason });
  rejectLeg(context, leg, { status, reason });
}

export interface Rejection {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds?: number;
  readonly headers?: HeaderPairs;
}

/** `reject-leg`: the final refusal, and the end of the leg. */
export function rejectLeg(context: CallContext, leg: PhoneLeg, rejection: Rejection): void {
  if (leg.capsule.phase !== "ringing") return;
  const retryAfter: HeaderPairs =
    rejection.retryAfterSeconds === undefined ? [] : [["Retry-After", String(rejection.retryAfterSeconds)]];
  respond(context, leg, rejection.status, {
    reason: rejection.reason,
    headers: [...retryAfter, ...(rejection.headers ?? [])],
  });
  context.legs.rememberEnd(leg.key);
  dropLeg(context, leg, "rejected");
}

/** The 200 of an adopted leg again, with our Contact and SDP (docs/design/capsule.md, "Adoption by phase"). */
export function repeatAnswer(context: CallContext, leg: PhoneLeg, sdp: string): void {
  respond(context, leg, 200, { body: sdp });
}

/** No transaction repeats the 2xx of an adopted leg (section 13.3.1.4). */
function repeatSuccess(
  context: CallContext,
  leg: PhoneLeg,
  response: SipResponse,
  pauseMs: number,
  spentMs: number,
): void {
  if (spentMs >= ACK_LIMIT_MS) return missAck(context, leg);
  startTimer(context, leg, "success-repeat", pauseMs, () => {
    context.stack.sendResponseOnce(response, leg.capsule.flow);
    repeatSuccess(context, leg, response, Math.min(pauseMs * 2, T2_MS), spentMs + pauseMs);
  });
}

/** The phone's ACK to our 2xx: the leg is `answered`. */
export function confirmAnswer(context: CallContext, leg: PhoneLeg): void {
  leg.inviteTransaction?.acknowledged();
  leg.clearTimer("success-repeat");
  const { invite: _answered, remoteOffer: _offer, ...rest } = leg.capsule;
  leg.capsule = { ...rest, phase: "confirmed" };
  leg.inviteTransaction = undefined;
  if (leg.byeAfterAck !== undefined) return sendBye(context, leg, leg.byeAfterAck.reason);
  publish(context, leg, { kind: "leg-confirmed", leg: leg.leg, capsule: leg.capsule });
}

/** No ACK in 64*T1: the dialog is confirmed all the same, and BYE ends it (section 13.3.1.4). */
function missAck(context: CallContext, leg: PhoneLeg): void {
  if (leg.gone || leg.capsule.phase !== "answered") return;
  leg.capsule = { ...leg.capsule, phase: "confirmed" };
  leg.inviteTransaction = undefined;
  context.count("calls.ack-timeout");
  if (leg.byeAfterAck !== undefined) return sendBye(context, leg, leg.byeAfterAck.reason);
  endFromHere(context, leg, "ack-timeout");
}
