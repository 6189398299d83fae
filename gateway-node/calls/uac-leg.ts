/** A leg that we begin: INVITE to a phone, and what it answers (RFC 3261 sections 9.1, 13.2 and 17.1.1). */
import type { CallCommand } from "#protocol/call-messages";
import type { PhoneLegCapsule, SipFlow } from "#protocol/capsule";
import type { CallToken } from "#protocol/ids";
import type { CodecName } from "#protocol/media";
import { dialogFromResponse } from "#sip/dialog/create-dialog";
import { createAck, createDialogRequest } from "#sip/dialog/dialog-request";
import type { DialogState } from "#sip/dialog/dialog-state";
import { reasonPhrase } from "#sip/message/build";
import { header } from "#sip/message/headers";
import type { SipRequest, SipResponse } from "#sip/message/sip-message";
import { bodyText, parseDeltaSeconds } from "#sip/message/typed-headers";
import type { ClientTransactionHandlers } from "../sip-transport/sip-stack.ts";
import { contactOf, createSdpId, dropLeg, enterTable, publish, sendRequest, startTimer } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { ACCEPT, ALLOW, reasonHeader, SDP_TYPE, SUPPORTED } from "./capabilities.ts";
import { createOffer, followPeer, openAudio, readAnswer } from "./leg-audio.ts";
import { hearEarly } from "./early-media.ts";
import { acknowledgeAnswer, sendBye } from "./leg-ending.ts";
import { PhoneLeg } from "./leg.ts";
import { waysToPhone } from "./ways-to-phone.ts";

/** After CANCEL a final response is due; a phone that sends none is given up (section 9.1). */
const CANCEL_LIMIT_MS = 32_000;
/**
 * DEVIATION (docs/compliance.md#3261-17.1.1.2): instead of Timer B. A phone that is there says 100 at once, and the Call
 * object has other ways to try while the caller waits. Four INVITEs were sent by then over UDP. Any provisional response
 * ends this; then the ring timeout counts.
 */
const NO_ANSWER_MS = 4_000;

type InviteCommand = Extract<CallCommand, { kind: "invite-leg" }>;

/** `invite-leg`. Identifiers and branch come from the Call object, so that an adopter knows them. */
export async function inviteLeg(
  context: CallContext,
  call: CallToken,
  epoch: number,
  command: InviteCommand,
): Promise<void> {
  const leg = new PhoneLeg({ call, leg: command.leg, epoch, role: "uac", capsule: callingCapsule(context, command) });
  if (command.localTag !== leg.key) {
    // In-dialog requests would not find their way back.
    context.count("calls.foreign-local-tag");
    return publish(context, leg, { kind: "leg-failed", leg: leg.leg, status: 500, reason: reasonPhrase(500) });
  }
  enterTable(context, leg);
  if (!(await openAudio(context, leg, undefined))) return failLeg(context, leg, 503, { code: "no-media-port" });
  if (leg.gone || leg.cancelled) return;
  const body = createOffer(leg, command.codecs);
  const { request, dialog } = createDialogRequest(leg.dialog, "INVITE", {
    contact: contactOf(context, leg),
    headers: [...command.headers, ALLOW, SUPPORTED, ACCEPT],
    body,
    contentType: SDP_TYPE,
  });
  leg.dialog = dialog;
  startTimer(context, leg, "ringing", command.ringTimeoutMs, () => {
    failWhileWaiting(context, leg, 408);
    cancelInvite(context, leg);
  });
  sendInvite(context, leg, request, command, waysToPhone(leg.capsule, context.registeredFlow(leg.dialog)));
}

/** A connection that is gone carried nothing, so the same INVITE goes the next way: the phone cannot have seen it. */
function sendInvite(
  context: CallContext,
  leg: PhoneLeg,
  request: SipRequest,
  command: InviteCommand,
  [flow = command.flow, ...others]: readonly SipFlow[],
): void {
  leg.capsule = { ...leg.capsule, flow };
  const handlers: ClientTransactionHandlers = {
    onResponse: (response) => onResponse(context, leg, command.codecs, response),
    onTimeout: () => {
      context.registeredFlowFailed(leg.dialog);
      failLeg(context, leg, 408, { code: "no-answer" });
    },
    onTransportError: () => {
      if (leg.gone) return;
      if (others.length === 0 || leg.cancelled) {
        context.registeredFlowFailed(leg.dialog);
        return failLeg(context, leg, 503, { code: "flow-failed" });
      }
      // The branch is free again when this transaction has ended.
      startTimer(context, leg, "next-way", 0, () => {
        if (!leg.cancelled) sendInvite(context, leg, request, command, others);
      });
    },
  };
  leg.outgoingInvite = sendRequest(context, leg, request, handlers, {
    viaBranch: command.viaBranch,
    timeoutMs: NO_ANSWER_MS,
  });
}

function callingCapsule(context: CallContext, command: InviteCommand): PhoneLegCapsule {
  const { callId, localTag, localUri, remoteUri, requestUri, cseq, flow } = command;
  return {
    kind: "phone",
    phase: "calling",
    flow,
    dialog: {
      callId,
      localTag,
      localUri,
      remoteUri,
      remoteTarget: requestUri,
      routeSet: [],
      // The request that comes next takes the number after this one.
      localCseq: cseq - 1,
      remoteCseq: -1,
      remoteAllow: [],
      localSdpVersion: 0,
      localSdpId: createSdpId(context),
    },
    // What CANCEL repeats: an adopter must show the same sent-by (RFC 3261 section 17.2.3).
    invite: {
      vias: [ownVia(context, flow.transport, command.viaBranch)],
      from: `${localUri};tag=${localTag}`,
      to: remoteUri,
      callId,
      cseq,
      recordRoutes: [],
      requestUri,
    },
  };
}

function ownVia(context: CallContext, transport: SipFlow["transport"], viaBranch: string): string {
  const { host, port } = context.stack.localAddress(transport);
  return `SIP/2.0/${transport.toUpperCase()} ${host.includes(":") ? `[${host}]` : host}:${String(port)};branch=${viaBranch};rport`;
}

function onResponse(context: CallContext, leg: PhoneLeg, codecs: readonly CodecName[], response: SipResponse): void {
  if (response.status < 200) return onProvisional(context, leg, codecs, response);
  if (response.status < 300) return onSuccess(context, leg, codecs, response);
  if (leg.gone) return;
  if (leg.cancelled) return failLeg(context, leg, 487);
  const retryAfter = parseDeltaSeconds((header(response, "retry-after") ?? "").split(/[;( ]/, 1)[0] ?? "");
  failLeg(context, leg, response.status, { reason: response.reason, retryAfterSeconds: retryAfter });
}

function onProvisional(context: CallContext, leg: PhoneLeg, codecs: readonly CodecName[], response: SipResponse): void {
  if (leg.gone || leg.cancelled || response.status === 100) return;
  const isHeard = hearEarly(context, leg, codecs, response);
  if (leg.ringingSeen.has(response.status) && !isHeard) return;
  leg.ringingSeen.add(response.status);
  const dialog = dialogFromResponse(leg.dialog, response);
  const capsule = dialog === undefined ? leg.capsule : { ...leg.capsule, dialog };
  publish(context, leg, { kind: "leg-ringing", leg: leg.leg, status: response.status, capsule });
}

function onSuccess(context: CallContext, leg: PhoneLeg, codecs: readonly CodecName[], response: SipResponse): void {
  const dialog = dialogFromResponse(leg.dialog, response);
  if (dialog === undefined) {
    context.count("calls.success-without-dialog");
    return failLeg(context, leg, 500, { code: "answer-invalid" });
  }
  if (leg.capsule.phase === "confirmed" || leg.gone) return onLaterSuccess(context, leg, dialog);
  leg.clearTimer("ringing");
  leg.clearTimer("cancelled");
  leg.outgoingInvite = undefined;
  // Some phones say it once, in the response that came before.
  const sdp = bodyText(response) === "" ? (leg.capsule.media?.remoteSdp ?? "") : bodyText(response);
  const audio = readAnswer(sdp, codecs);
  leg.capsule = { ...leg.capsule, phase: "confirmed", dialog };
  if (leg.cancelled) {
    // CANCEL lost the race (section 9.1): the dialog exists and is ended.
    if (!leg.failureReported) failWhileWaiting(context, leg, 487);
    return sendBye(context, leg);
  }
  if (audio === undefined) {
    context.count("calls.invite-failed.answer-without-our-codecs");
    publish(context, leg, { kind: "leg-failed", leg: leg.leg, status: 488, reason: reasonPhrase(488) });
    return sendBye(context, leg, 'SIP;cause=488;text="Not Acceptable Here"');
  }
  followPeer(context, leg, sdp, audio);
  publish(context, leg, { kind: "leg-answered", leg: leg.leg, capsule: leg.capsule, audio });
}

/** The same 2xx again wants its ACK again; one of another fork is ended (section 13.2.2.4). */
function onLaterSuccess(context: CallContext, leg: PhoneLeg, dialog: DialogState): void {
  if (dialog.remoteTag === leg.dialog.remoteTag) {
    if (leg.acknowledgement !== undefined) context.stack.sendOnce(leg.acknowledgement, leg.capsule.flow);
    return;
  }
  context.count("calls.extra-fork-answered");
  const { flow, invite } = leg.capsule;
  const contact = contactOf(context, leg);
  if (invite !== undefined) context.stack.sendOnce(createAck(dialog, invite.cseq, { contact }), flow);
  const nothing = (): void => {};
  const { request } = createDialogRequest(dialog, "BYE", { contact });
  context.stack.sendRequest(request, flow, { onResponse: nothing, onTimeout: nothing, onTransportError: nothing });
}

/** `confirm-leg`: the answer is stored, so the phone may know that we have it. */
export function confirmLeg(context: CallContext, leg: PhoneLeg): void {
  if (!leg.ending) acknowledgeAnswer(context, leg);
}

/** `cancel-leg`. An answer that crosses it is acknowledged and ended. */
export function cancelLeg(context: CallContext, leg: PhoneLeg, reason: string | undefined): void {
  if (leg.capsule.phase === "confirmed") return sendBye(context, leg, reason);
  cancelInvite(context, leg, reason);
}

function cancelInvite(context: CallContext, leg: PhoneLeg, reason?: string): void {
  if (leg.cancelled || leg.gone) return;
  leg.cancelled = true;
  leg.clearTimer("ringing");
  context.media.closeLeg(leg.key);
  if (leg.outgoingInvite === undefined) return failLeg(context, leg, 487);
  leg.outgoingInvite.cancel(reasonHeader(reason));
  startTimer(context, leg, "cancelled", CANCEL_LIMIT_MS, () => failLeg(context, leg, 487));
}

/** The Call object hears at once that nobody answered; the CANCEL takes its time. */
function failWhileWaiting(context: CallContext, leg: PhoneLeg, status: number): void {
  publish(context, leg, { kind: "leg-failed", leg: leg.leg, status, reason: reasonPhrase(status) });
  leg.failureReported = true;
}

interface Failure {
  /** The phone's own words; else those of the status, as the caller's phone shows them. */
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
  /** Counted when it is not the phone that refuses. */
  readonly code?: string;
}

function failLeg(context: CallContext, leg: PhoneLeg, status: number, failure: Failure = {}): void {
  if (leg.gone) return;
  const { reason = reasonPhrase(status), retryAfterSeconds, code } = failure;
  if (code !== undefined) context.count(`calls.invite-failed.${code}`);
  if (!leg.failureReported)
    publish(context, leg, { kind: "leg-failed", leg: leg.leg, status, reason, retryAfterSeconds });
  leg.outgoingInvite = undefined;
  context.legs.rememberEnd(leg.key);
  dropLeg(context, leg, "failed");
}
