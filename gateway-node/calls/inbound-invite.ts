/** A phone's INVITE outside a dialog: who calls, and into which call (RFC 3261 sections 8.2 and 13.3.1, docs/design/control-channel.md). */
import type { InviteReceivedEvent, ReplaceReceivedEvent } from "#protocol/call-messages";
import type { PhoneLegCapsule } from "#protocol/capsule";
import { callTag, parseLegId } from "#protocol/ids";
import type { AccountSid, CallToken, EndpointId, LegId, SipDomain } from "#protocol/ids";
import { dialogFromInvite } from "#sip/dialog/create-dialog";
import { warning } from "#sip/core/warning";
import { createResponse } from "#sip/message/build";
import { header, headerValues } from "#sip/message/headers";
import type { SipRequest } from "#sip/message/sip-message";
import { parseSipUri } from "#sip/message/sip-uri";
import { bodyText, callIdOf, contentTypeOf, cseqOf, fromOf } from "#sip/message/typed-headers";
import { readAudioDescription } from "#sip/sdp/audio-description";
import { sdpProblem, sdpStatus } from "#sip/sdp/session-description";
import { parseAddressOfRecord } from "../registrar/contact-binding.ts";
import type { DigestGate } from "../registrar/digest-gate.ts";
import type { ServerTransaction } from "../sip-transport/sip-stack.ts";
import { createSdpId, dropLeg, enterTable, publish, startTimer } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { ACCEPT, ALLOW, SDP_TYPE } from "./capabilities.ts";
import type { HeaderPairs } from "./capabilities.ts";
import { PhoneLeg } from "./leg.ts";
import { replacingPlace } from "./replacing-invite.ts";
import { cancelLeg } from "./uac-leg.ts";
import { rejectLeg } from "./uas-leg.ts";

/** For the Call object to have stored the INVITE; a phone that hears 503 then may try another gateway. */
export const STORE_LIMIT_MS = 4_000;
/** For the Call object's 487 after CANCEL. */
export const CANCELLED_LIMIT_MS = 2_000;
/** Longer than any ring timeout: a call that nobody refused or answered. */
export const RINGING_LIMIT_MS = 300_000;
const RETRY_AFTER: HeaderPairs = [["Retry-After", "5"]];
const MAX_USER_AGENT = 256;

interface Caller {
  readonly endpoint: EndpointId;
  readonly sipDomain: SipDomain;
  readonly displayName?: string;
}

type Refusal = { readonly status: number; readonly code: string; readonly headers?: HeaderPairs };

export async function receiveInvite(
  context: CallContext,
  gate: DigestGate,
  transaction: ServerTransaction,
): Promise<void> {
  let cancelled = false;
  transaction.onCancel = () => {
    cancelled = true;
  };
  const caller = callerOf(transaction.request);
  if (caller === undefined) return refuse(context, transaction, { status: 403, code: "from-not-ours" });
  const verdict = await gate.authenticate(transaction.request, caller.sipDomain, transaction.flow.host, "proxy");
  if (cancelled) return refuse(context, transaction, { status: 487, code: "cancelled" });
  switch (verdict.kind) {
    case "challenge":
      return refuse(context, transaction, verdict);
    case "unreachable":
      return refuse(context, transaction, { status: 503, code: "worker-unreachable", headers: RETRY_AFTER });
    case "authenticated":
      if (verdict.endpoint !== caller.endpoint)
        return refuse(context, transaction, { status: 403, code: "not-own-identity" });
      return beginCall(context, transaction, caller, verdict.credentials.account);
  }
}

/** From says who calls; digest then says whether it is true. */
function callerOf(request: SipRequest): Caller | undefined {
  const from = fromOf(request);
  const address = from === undefined ? undefined : parseAddressOfRecord(from.uri);
  if (from === undefined || address === undefined) return undefined;
  return { ...address, ...(from.displayName === undefined ? {} : { displayName: from.displayName }) };
}

function beginCall(context: CallContext, transaction: ServerTransaction, caller: Caller, account: AccountSid): void {
  const { request, flow } = transaction;
  const [callId, cseq, from, to] = [callIdOf(request), cseqOf(request), header(request, "from"), header(request, "to")];
  if (callId === undefined || cseq === undefined || from === undefined || to === undefined)
    return refuse(context, transaction, { status: 400, code: "invite-incomplete" });
  const problem = offerProblem(context, request);
  if (problem !== undefined) return refuse(context, transaction, problem);
  const place = placeOf(context, request, callId);
  if (!place.ok) return refuse(context, transaction, place);
  const { call, leg } = place;
  const dialog = dialogFromInvite(request, callTag(call, leg), createSdpId(context));
  if (dialog === undefined) return refuse(context, transaction, { status: 400, code: "contact-missing" });
  const invite = {
    vias: headerValues(request, "via"),
    from,
    to,
    callId,
    cseq: cseq.number,
    recordRoutes: headerValues(request, "record-route"),
    requestUri: request.requestUri,
  };
  const capsule: PhoneLegCapsule = {
    kind: "phone",
    phase: "ringing",
    dialog,
    flow,
    invite,
    remoteOffer: bodyText(request),
  };
  const userAgent = header(request, "user-agent")?.slice(0, MAX_USER_AGENT);
  const about = { leg, account, sipDomain: caller.sipDomain, from: caller.endpoint, flow, capsule };
  const event: LegStart["event"] =
    place.replaces === undefined
      ? {
          kind: "invite-received",
          ...about,
          fromDisplayName: caller.displayName,
          to: place.to,
          toHost: place.toHost,
          callId,
          userAgent,
        }
      : { kind: "replace-received", ...about, replaces: place.replaces };
  startLeg(context, transaction, { call, leg, capsule, event });
}

type Place =
  | { readonly ok: true; readonly call: CallToken; readonly leg: LegId; readonly replaces: string }
  | {
      readonly ok: true;
      readonly call: CallToken;
      readonly leg: LegId;
      readonly replaces?: undefined;
      readonly to: string;
      readonly toHost: string;
    }
  | ({ readonly ok: false } & Refusal);

/** A new call, or the one whose dialog is to be replaced. */
function placeOf(context: CallContext, request: SipRequest, callId: string): Place {
  const replaces = header(request, "replaces");
  if (replaces !== undefined) {
    const place = replacingPlace(context, replaces);
    return "status" in place ? { ok: false, ...place } : { ok: true, ...place, replaces };
  }
  const target = parseSipUri(request.requestUri);
  const leg = parseLegId("a");
  if (target?.user === undefined || leg === undefined) return { ok: false, status: 404, code: "target-without-user" };
  const call = context.control.beginCall(callId);
  if (call === undefined) return { ok: false, status: 503, code: "no-ticket", headers: RETRY_AFTER };
  return { ok: true, call, leg, to: target.user, toHost: target.host };
}

/** DEVIATION (docs/compliance.md#3261-13.2.1): an INVITE without offer is refused, as the codec is settled before the callee rings. */
function offerProblem(context: CallContext, request: SipRequest): Refusal | undefined {
  if (request.body.length === 0) return { status: 488, code: "offer-missing" };
  if (contentTypeOf(request) !== SDP_TYPE) return { status: 415, code: "body-not-sdp", headers: [ACCEPT] };
  const offer = bodyText(request);
  const problem = sdpProblem(offer);
  if (problem !== undefined) return { status: sdpStatus(problem), code: problem };
  return readAudioDescription(offer) === undefined
    ? {
        status: 488,
        code: "offer-without-audio",
        headers: [warning(304, context.stack.localAddress("udp").host, "Only audio over RTP is taken")],
      }
    : undefined;
}

interface LegStart {
  readonly call: CallToken;
  readonly leg: LegId;
  readonly capsule: PhoneLegCapsule;
  readonly event: InviteReceivedEvent | ReplaceReceivedEvent;
}

function startLeg(context: CallContext, transaction: ServerTransaction, start: LegStart): void {
  // A call begins at epoch 1 (docs/design/control-channel.md, "Epochs").
  const leg = new PhoneLeg({ call: start.call, leg: start.leg, epoch: 1, role: "uas", capsule: start.capsule });
  leg.replacing = start.event.kind === "replace-received";
  leg.inviteTransaction = transaction;
  enterTable(context, leg);
  context.ladder.begin(transaction.request, transaction.flow, leg);
  context.guard(leg, () => publish(context, leg, start.event));
  if (leg.gone) return;
  transaction.onCancel = () => context.guard(leg, () => receiveCancel(context, leg));
  startTimer(context, leg, "stored", STORE_LIMIT_MS, () => {
    if (leg.capsule.phase !== "ringing" || context.control.settled(leg.call)) return;
    context.count("calls.not-stored-in-time");
    giveUp(context, leg, 503);
  });
  startTimer(context, leg, "ringing", RINGING_LIMIT_MS, () => giveUp(context, leg, 480));
}

/** The stack has answered the CANCEL; the final response to the INVITE is the Call object's, if it is there to give one. */
function receiveCancel(context: CallContext, leg: PhoneLeg): void {
  if (leg.gone || leg.cancelled || leg.capsule.phase !== "ringing") return;
  leg.cancelled = true;
  publish(context, leg, { kind: "leg-cancelled", leg: leg.leg });
  startTimer(context, leg, "cancelled", CANCELLED_LIMIT_MS, () => {
    // Nobody else stops the callees that ring here.
    for (const other of context.legs.ofCall(leg.call))
      if (other.kind === "phone" && other.capsule.phase === "calling") cancelLeg(context, other, undefined);
    rejectLeg(context, leg, { status: 487, reason: "Request Terminated" });
  });
}

/** The Call object reads it as the caller's own end: nobody is left to answer. */
function giveUp(context: CallContext, leg: PhoneLeg, status: 480 | 503): void {
  if (leg.gone || leg.capsule.phase !== "ringing") return;
  if (!leg.cancelled) publish(context, leg, { kind: "leg-cancelled", leg: leg.leg });
  rejectLeg(context, leg, {
    status,
    reason: status === 503 ? "Service Unavailable" : "Temporarily Unavailable",
    ...(status === 503 ? { retryAfterSeconds: 5 } : {}),
  });
  dropLeg(context, leg, "given-up");
}

function refuse(context: CallContext, transaction: ServerTransaction, { status, code, headers = [] }: Refusal): void {
  context.count(`invite.refused.${code}`);
  transaction.respond(
    createResponse(transaction.request, status, { toTag: context.createTag(), headers: [...headers, ALLOW] }),
  );
}
