/** A leg of a gateway that is gone goes on here (docs/design/capsule.md, "Adoption by phase"). */
import type { CallCommand } from "#protocol/call-messages";
import type { SipFlow } from "#protocol/capsule";
import type { CallToken } from "#protocol/ids";
import type { CodecName } from "#protocol/media";
import { createAck, createDialogRequest, refreshTarget } from "#sip/dialog/dialog-request";
import { enterEpoch } from "#sip/dialog/epoch";
import { createCancelFromCapsule } from "#sip/dialog/invite-remains";
import { header, withTopHeader } from "#sip/message/headers";
import type { SipResponse } from "#sip/message/sip-message";
import { bodyText, cseqOf } from "#sip/message/typed-headers";
import { contactOf, dropLeg, enterTable, publish, sendRequest, startTimer } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { ALLOW, SDP_TYPE } from "./capabilities.ts";
import { answerOffer, createOffer, followPeer, openAudio, readAnswer } from "./leg-audio.ts";
import { acknowledgeAnswer, endFromHere } from "./leg-ending.ts";
import { PhoneLeg } from "./leg.ts";
import { waysToAdoptedPhone } from "./ways-to-phone.ts";
import { repeatAnswer } from "./uas-leg.ts";

/** A phone that says nothing for so long cannot be reached from here. */
export const ADOPTION_SILENCE_MS = 2_000;
/** The phone may be busy with a re-INVITE of its own, or with ours of the dead gateway. */
const RETRIES = 6;
const RETRY_MS = 200;
const LONGEST_RETRY_MS = 2_000;

type AdoptCommand = Extract<CallCommand, { kind: "adopt-leg" }>;

/** `adopt-leg`. An older life of the leg here ends without a word; its port is kept. */
export async function adoptLeg(
  context: CallContext,
  call: CallToken,
  epoch: number,
  command: AdoptCommand,
): Promise<void> {
  const { capsule } = command;
  if (capsule.phase === "calling") return cancelOldInvite(context, command);
  const role = capsule.invite !== undefined && capsule.phase === "confirmed" ? "uac" : "uas";
  const leg = new PhoneLeg({
    call,
    leg: command.leg,
    epoch,
    role,
    capsule: { ...capsule, dialog: enterEpoch(capsule.dialog, epoch) },
  });
  if (command.farewell === true) return enterForFarewell(context, leg);
  leg.adoptingSinceMs = context.clock.nowMs();
  context.count("calls.adoptions");
  enterTable(context, leg);
  if (capsule.phase === "ringing") return finishAdoption(context, leg);
  const remoteSdp = capsule.media?.remoteSdp ?? capsule.remoteOffer;
  if (!(await openAudio(context, leg, remoteSdp))) return failAdoption(context, leg, 503, "no-media-port");
  // The phone has kept its address: audio towards it starts before it has answered.
  if (capsule.media !== undefined) followPeer(context, leg, capsule.media.remoteSdp, capsule.media.audio);
  const codecs: readonly CodecName[] = capsule.media === undefined ? command.codecs : [capsule.media.audio.codec];
  if (capsule.phase === "answered" && answerAgain(context, leg, codecs)) return;
  moveDialog(context, leg, codecs);
}

/** The call is over; all that is left to do is to say so. */
function enterForFarewell(context: CallContext, leg: PhoneLeg): void {
  context.count("calls.farewells");
  enterTable(context, leg);
  // The ACK, if it ever came, went to the dead gateway; with it died the transaction that BYE has to wait for (RFC 3261 section 15).
  if (leg.capsule.phase === "answered") leg.capsule = { ...leg.capsule, phase: "confirmed" };
}

/** A phone that still rings for the dead gateway stops; the fresh INVITE is a command of its own. */
function cancelOldInvite(context: CallContext, { capsule, oldViaBranch }: AdoptCommand): void {
  if (capsule.invite === undefined || oldViaBranch === undefined) return;
  const cancel = createCancelFromCapsule(capsule.invite);
  const [via] = capsule.invite.vias;
  const [flow = capsule.flow] = waysToAdoptedPhone(capsule, context.registeredFlow(capsule.dialog));
  // With the old gateway's Via whole a strict phone finds its INVITE; the branch alone does for the others.
  if (via === undefined) context.stack.sendOnce(cancel, flow, { viaBranch: oldViaBranch });
  else context.stack.sendOnce(withTopHeader(cancel, "Via", via), flow);
}

/**
 * The 2xx again, with our Contact and SDP. A phone that has seen the first one repeats its ACK to the dead gateway, so
 * silence is followed by a re-INVITE.
 */
function answerAgain(context: CallContext, leg: PhoneLeg, codecs: readonly CodecName[]): boolean {
  const [codec] = codecs;
  const offer = leg.capsule.remoteOffer ?? leg.capsule.media?.remoteSdp;
  const answer = codec === undefined || offer === undefined ? undefined : answerOffer(leg, offer, codec);
  if (answer === undefined || offer === undefined) return false;
  followPeer(context, leg, offer, answer.audio);
  repeatAnswer(context, leg, answer.sdp);
  startTimer(context, leg, "adoption", ADOPTION_SILENCE_MS, () => {
    leg.clearTimer("success-repeat");
    leg.capsule = { ...leg.capsule, phase: "confirmed" };
    moveDialog(context, leg, codecs);
  });
  return true;
}

/**
 * The ACK to a 2xx that was repeated here. It may be the one for the first 2xx, whose SDP names a port of the dead gateway:
 * a phone ignores what a repeat says (RFC 3261 section 13.2.2.4), and a gateway that came back has the old address.
 */
export function moveAcknowledged(context: CallContext, leg: PhoneLeg): void {
  const codec = leg.capsule.media?.audio.codec;
  if (leg.renegotiates) leg.adoptingSinceMs ??= context.clock.nowMs();
  if (leg.adoptingSinceMs !== undefined && codec !== undefined) moveDialog(context, leg, [codec]);
}

/** Re-INVITE with our Contact, address and a raised SDP version, by the first way to the phone that opens. */
function moveDialog(context: CallContext, leg: PhoneLeg, codecs: readonly CodecName[]): void {
  tryFlows(context, leg, codecs, waysToAdoptedPhone(leg.capsule, context.registeredFlow(leg.dialog)));
}

function tryFlows(context: CallContext, leg: PhoneLeg, codecs: readonly CodecName[], flows: readonly SipFlow[]): void {
  const [flow, ...others] = flows;
  if (flow !== undefined) leg.capsule = { ...leg.capsule, flow };
  reinvite(context, leg, { codecs, retries: RETRIES, others });
}

interface Attempt {
  readonly codecs: readonly CodecName[];
  readonly retries: number;
  /** Further ways to the phone. */
  readonly others: readonly SipFlow[];
}

function reinvite(context: CallContext, leg: PhoneLeg, attempt: Attempt): void {
  if (leg.gone || leg.ending) return;
  const { codecs } = attempt;
  if (leg.acknowledgement === undefined) acknowledgeAnswer(context, leg);
  const body = createOffer(leg, codecs);
  const contact = contactOf(context, leg);
  const { request, dialog } = createDialogRequest(leg.dialog, "INVITE", {
    contact,
    headers: [ALLOW],
    body,
    contentType: SDP_TYPE,
  });
  leg.dialog = dialog;
  startTimer(context, leg, "adoption", ADOPTION_SILENCE_MS, () => failAdoption(context, leg, 408, "no-response"));
  leg.pendingReinvite = sendRequest(context, leg, request, {
    onResponse: (response) => onResponse(context, leg, attempt, response),
    onTimeout: () => failAdoption(context, leg, 408, "no-final-response"),
    onTransportError: (reason) => {
      leg.pendingReinvite = undefined;
      if (attempt.others.length > 0) tryFlows(context, leg, codecs, attempt.others);
      else failAdoption(context, leg, 503, reason);
    },
  });
}

function onResponse(context: CallContext, leg: PhoneLeg, attempt: Attempt, response: SipResponse): void {
  if (leg.gone) return;
  // It is there; the transaction's own timers guard the rest.
  leg.clearTimer("adoption");
  if (response.status < 200) return;
  leg.pendingReinvite = undefined;
  if (response.status < 300) return onAccepted(context, leg, attempt.codecs, response);
  const pauseMs = retryPauseMs(context, response);
  if (attempt.retries === 0 || pauseMs === undefined)
    return failAdoption(context, leg, response.status, response.reason);
  startTimer(context, leg, "adoption-retry", pauseMs, () =>
    reinvite(context, leg, { ...attempt, retries: attempt.retries - 1 }),
  );
}

/** Glare and a request under way pass. DEVIATION (docs/compliance.md#3261-14.1): audio is missing meanwhile, so the pause is short. */
function retryPauseMs(context: CallContext, response: SipResponse): number | undefined {
  if (response.status === 491) return RETRY_MS * (0.5 + context.random());
  if (response.status !== 500 && response.status !== 503) return undefined;
  const seconds = Number.parseInt(header(response, "retry-after") ?? "", 10);
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(seconds * 1000, RETRY_MS), LONGEST_RETRY_MS);
}

function onAccepted(context: CallContext, leg: PhoneLeg, codecs: readonly CodecName[], response: SipResponse): void {
  leg.dialog = refreshTarget(leg.dialog, response);
  const cseq = cseqOf(response)?.number ?? leg.dialog.localCseq;
  const acknowledgement = createAck(leg.dialog, cseq, { contact: contactOf(context, leg) });
  context.stack.sendOnce(acknowledgement, leg.capsule.flow);
  if (leg.ending) return;
  if (leg.adoptingSinceMs === undefined) {
    // A repeat of the 2xx: the ACK was lost.
    return;
  }
  const sdp = bodyText(response);
  const audio = readAnswer(sdp, codecs);
  if (audio !== undefined) followPeer(context, leg, sdp, audio);
  const { invite: _invite, remoteOffer: _offer, ...rest } = leg.capsule;
  leg.capsule = { ...rest, phase: "confirmed" };
  finishAdoption(context, leg);
}

/** The peer has accepted the move. */
function finishAdoption(context: CallContext, leg: PhoneLeg): void {
  if (leg.adoptingSinceMs === undefined) return;
  const tookMs = Math.round(context.clock.nowMs() - leg.adoptingSinceMs);
  leg.adoptingSinceMs = undefined;
  leg.clearTimer("adoption");
  if (leg.renegotiates) {
    leg.renegotiates = false;
    return publish(context, leg, { kind: "leg-changed", leg: leg.leg, capsule: leg.capsule });
  }
  context.count("calls.adopted");
  context.log({ event: "leg.adopted", call: leg.call, leg: leg.leg, epoch: leg.epoch, tookMs });
  publish(context, leg, { kind: "leg-adopted", leg: leg.leg, capsule: leg.capsule });
}

function failAdoption(context: CallContext, leg: PhoneLeg, status: number, reason: string): void {
  if (leg.gone) return;
  if (leg.renegotiates) return failRenegotiation(context, leg, status);
  context.count("calls.adoption-failed");
  context.log({ event: "leg.adoption-failed", call: leg.call, leg: leg.leg, epoch: leg.epoch, status });
  publish(context, leg, { kind: "leg-adoption-failed", leg: leg.leg, status, reason });
  dropLeg(context, leg, "adoption-failed");
}

/** No gateway but this one has the leg. Its phone may have taken the 200's SDP; one that did not is found by its silence. */
function failRenegotiation(context: CallContext, leg: PhoneLeg, status: number): void {
  context.count("calls.renegotiation-failed");
  leg.adoptingSinceMs = undefined;
  leg.renegotiates = false;
  // RFC 3261 section 12.2.1.2: these two end the dialog.
  if (status === 481 || status === 408) endFromHere(context, leg, "flow-failed");
}
