/** Requests of a phone within a dialog are answered here, also while the Worker is away (RFC 3261 sections 12.2.2, 14.2, RFC 3311). */
import { parseCallTag } from "#protocol/ids";
import type { CodecName } from "#protocol/media";
import { dialogKey, dialogKeyOf } from "#sip/dialog/dialog-id";
import { acceptDialogRequest } from "#sip/dialog/dialog-request";
import { createResponse } from "#sip/message/build";
import { tagOf } from "#sip/message/name-addr";
import { bodyText, cseqOf, toOf } from "#sip/message/typed-headers";
import { sdpProblem, sdpStatus } from "#sip/sdp/session-description";
import type { ServerTransaction } from "../sip-transport/sip-stack.ts";
import { moveAcknowledged } from "./adoption.ts";
import { contactOf, publish } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { ACCEPT, ALLOW, SDP_TYPE, SUPPORTED } from "./capabilities.ts";
import type { HeaderPairs } from "./capabilities.ts";
import { answerOffer, createOffer, followPeer, readAnswer } from "./leg-audio.ts";
import { endByPeer } from "./leg-ending.ts";
import type { PhoneLeg } from "./leg.ts";
import { receiveRefer } from "./refer.ts";
import { receiveInfo } from "./touch-tones.ts";
import { confirmAnswer } from "./uas-leg.ts";

/** A phone that hears 500 with it repeats its request; by then the leg may have been adopted here. */
const STRAY_RETRY_SECONDS = "1";
const REPEATED_METHODS: ReadonlySet<string> = new Set(["INVITE", "BYE", "REFER"]);

/** Any request with a tag in To. */
export function receiveInDialog(context: CallContext, transaction: ServerTransaction): void {
  const { request } = transaction;
  const to = toOf(request);
  const tag = to === undefined ? undefined : tagOf(to);
  const leg = tag === undefined ? undefined : context.legs.byKey(tag);
  if (leg?.kind !== "phone") return receiveStray(context, transaction, tag);
  if (dialogKeyOf(request, "uas") !== dialogKey(leg.dialog)) return respond(transaction, 481);
  if (request.method === "ACK") return context.guard(leg, () => onAck(context, leg, transaction));
  const outcome = acceptDialogRequest(leg.dialog, request);
  if (!outcome.ok) {
    context.count(`calls.request-${outcome.code}`);
    return respond(transaction, outcome.status);
  }
  if (leg.ending && request.method !== "BYE") return respond(transaction, 481);
  // Glare leaves the dialog as it is, so that the phone's next try is the next number (RFC 3261 section 14.2).
  const changesSession = request.method === "INVITE" || request.method === "UPDATE";
  if (changesSession && leg.pendingReinvite !== undefined) return respond(transaction, 491);
  leg.dialog = outcome.dialog;
  followFlow(leg, transaction);
  context.guard(leg, () => {
    try {
      perform(context, leg, transaction);
    } catch (error) {
      respond(transaction, 500);
      throw error;
    }
  });
}

function perform(context: CallContext, leg: PhoneLeg, transaction: ServerTransaction): void {
  switch (transaction.request.method) {
    case "BYE":
      respond(transaction, 200);
      return endByPeer(context, leg);
    case "INVITE":
    case "UPDATE":
      return changeSession(context, leg, transaction);
    case "INFO":
      return receiveInfo(context, leg, transaction);
    case "OPTIONS":
      return respond(transaction, 200, [ALLOW, SUPPORTED, ACCEPT]);
    case "REFER":
      return receiveRefer(context, leg, transaction);
    default:
      return respond(transaction, 405, [ALLOW]);
  }
}

/** A phone whose NAT mapping or connection changed is reached where it spoke last. */
function followFlow(leg: PhoneLeg, { flow }: ServerTransaction): void {
  const old = leg.capsule.flow;
  if (old.transport === flow.transport && old.host === flow.host && old.port === flow.port) return;
  leg.capsule = { ...leg.capsule, flow };
}

function onAck(context: CallContext, leg: PhoneLeg, transaction: ServerTransaction): void {
  const { answeredReinvite } = leg;
  const number = cseqOf(transaction.request)?.number;
  if (answeredReinvite !== undefined && cseqOf(answeredReinvite.transaction.request)?.number === number) {
    answeredReinvite.transaction.acknowledged();
    leg.answeredReinvite = undefined;
    if (!answeredReinvite.offered) return;
    // We offered in the 2xx, so the answer is here (RFC 3261 section 13.2.1).
    const sdp = bodyText(transaction.request);
    const audio = readAnswer(sdp, codecsOf(leg));
    if (audio === undefined) return;
    followPeer(context, leg, sdp, audio);
    return publish(context, leg, { kind: "leg-changed", leg: leg.leg, capsule: leg.capsule });
  }
  if (leg.role !== "uas" || leg.capsule.phase !== "answered") return;
  confirmAnswer(context, leg);
  if (!leg.gone && !leg.ending) moveAcknowledged(context, leg);
}

/** re-INVITE or UPDATE: the same codec, the direction mirrored, the address followed. */
function changeSession(context: CallContext, leg: PhoneLeg, transaction: ServerTransaction): void {
  const { request } = transaction;
  const contact: HeaderPairs = [["Contact", contactOf(context, leg)], ALLOW];
  const sdp = bodyText(request);
  if (sdp === "") return changeWithoutOffer(context, leg, transaction, contact);
  const problem = sdpProblem(sdp);
  if (problem !== undefined) {
    context.count(`calls.offer-refused.${problem}`);
    return respond(transaction, sdpStatus(problem));
  }
  const [codec] = codecsOf(leg);
  const answer = codec === undefined ? undefined : answerOffer(leg, sdp, codec);
  if (answer === undefined) return respond(transaction, 488);
  followPeer(context, leg, sdp, answer.audio);
  publish(context, leg, { kind: "leg-changed", leg: leg.leg, capsule: leg.capsule });
  if (request.method === "INVITE") expectAck(context, leg, transaction, false);
  transaction.respond(createResponse(request, 200, { headers: contact, body: answer.sdp, contentType: SDP_TYPE }));
}

/** An INVITE without SDP asks us to offer (section 14.2); an UPDATE without SDP only moves the target. */
function changeWithoutOffer(
  context: CallContext,
  leg: PhoneLeg,
  transaction: ServerTransaction,
  headers: HeaderPairs,
): void {
  const { request } = transaction;
  publish(context, leg, { kind: "leg-changed", leg: leg.leg, capsule: leg.capsule });
  if (request.method === "UPDATE") return respond(transaction, 200, headers);
  const body = createOffer(leg, codecsOf(leg));
  if (body === undefined) return respond(transaction, 500);
  expectAck(context, leg, transaction, true);
  transaction.respond(createResponse(request, 200, { headers, body, contentType: SDP_TYPE }));
}

function expectAck(context: CallContext, leg: PhoneLeg, transaction: ServerTransaction, offered: boolean): void {
  leg.answeredReinvite = { transaction, offered };
  transaction.onAckTimeout = () => {
    // DEVIATION (docs/compliance.md#3261-14.2): the call goes on, for its audio flows, and a dead phone is found by its silence.
    context.count("calls.reinvite-ack-timeout");
    if (leg.answeredReinvite?.transaction === transaction) leg.answeredReinvite = undefined;
  };
}

function codecsOf(leg: PhoneLeg): readonly CodecName[] {
  const codec = leg.capsule.media?.audio.codec;
  return codec === undefined ? [] : [codec];
}

/** No such leg here. With a tag of ours the call may live: the Worker is told, and the phone asked to repeat. */
function receiveStray(context: CallContext, transaction: ServerTransaction, tag: string | undefined): void {
  const { request } = transaction;
  if (request.method === "ACK") return;
  const named = tag === undefined ? undefined : parseCallTag(tag);
  const ended = tag !== undefined && context.legs.endedHere(tag);
  if (named === undefined || ended) return respond(transaction, 481);
  context.count("calls.stray-request");
  if (context.strayLimit.allows(transaction.flow.host))
    context.control.reportStray(named.call, named.leg, request.method);
  else context.count("calls.stray-unreported");
  if (REPEATED_METHODS.has(request.method)) return respond(transaction, 500, [["Retry-After", STRAY_RETRY_SECONDS]]);
  respond(transaction, 481);
}

function respond(transaction: ServerTransaction, status: number, headers: HeaderPairs = []): void {
  if (transaction.request.method === "ACK") return;
  transaction.respond(createResponse(transaction.request, status, { headers }));
}
