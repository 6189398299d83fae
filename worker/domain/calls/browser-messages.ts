/** What browsers tell a call. Each message was checked to come from the leg's own identity. */
import { REFER_FIELD_LIMIT } from "#protocol/call-messages";
import { parseCallTag } from "#protocol/ids";
import type { LegId } from "#protocol/ids";
import { createResponse } from "#sip/message/build";
import { header } from "#sip/message/headers";
import { parseNameAddr, tagOf } from "#sip/message/name-addr";
import type { SipMessage, SipRequest, SipResponse } from "#sip/message/sip-message";
import { sipMessageText } from "#sip/message/serializer";
import { bodyText, cseqOf } from "#sip/message/typed-headers";
import { readInfo } from "#sip/core/dtmf-info";
import { dialogFromResponse } from "#sip/dialog/create-dialog";
import { inviteRemains } from "#sip/dialog/invite-remains";
import { acceptDialogRequest, refreshTarget } from "#sip/dialog/dialog-request";
import { readAudioDescription } from "#sip/sdp/audio-description";
import { negotiateAudio } from "#sip/sdp/negotiate";
import { adoptionFailed, legAdopted } from "./adoption.ts";
import { calleeAnswers, calleeFails, calleeRings } from "./answer.ts";
import { ALLOW, acknowledge, acknowledgeRefusal, byeBrowser, contactOf, offerToBrowser } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg } from "./call-state.ts";
import { offerSinceEarly } from "./early-media.ts";
import { offerAfterGlare } from "./glare.ts";
import { endCall, hangUp, markEnded, releaseMedia } from "./hang-up.ts";
import { receiveRefer } from "./refer.ts";
import type { Refer } from "./refer.ts";
import { dropReplacement, isReplacing } from "./replace.ts";
import { groupOf, legIsGone } from "./ring-group.ts";
import { digitReceived } from "./touch-tones.ts";

/** The leg that a message speaks of: our tag is To in the browser's requests and From in its responses. */
export function legOfMessage(message: SipMessage): LegId | undefined {
  const value = header(message, message.kind === "request" ? "to" : "from");
  const address = value === undefined ? undefined : parseNameAddr(value);
  const tag = address === undefined ? undefined : tagOf(address);
  return tag === undefined ? undefined : parseCallTag(tag)?.leg;
}

export function applyBrowserMessage(draft: CallDraft, leg: BrowserLeg, message: SipMessage): void {
  if (message.kind === "response") applyResponse(draft, leg, message);
  else applyRequest(draft, leg, message);
}

function respond(
  draft: CallDraft,
  leg: BrowserLeg,
  request: SipRequest,
  status: number,
  options: { readonly sdp?: string; readonly headers?: readonly (readonly [string, string])[] } = {},
): string {
  const text = sipMessageText(
    createResponse(request, status, {
      headers: [["Contact", contactOf(draft, leg)], ["Allow", ALLOW], ...(options.headers ?? [])],
      ...(options.sdp === undefined ? {} : { body: options.sdp, contentType: "application/sdp" }),
    }),
  );
  draft.sendSip(leg, text);
  return text;
}

function applyRequest(draft: CallDraft, leg: BrowserLeg, request: SipRequest): void {
  switch (request.method) {
    case "ACK":
      if (leg.stage === "answered") leg.stage = "connected";
      return offerSinceEarly(draft, leg);
    case "CANCEL":
      respond(draft, leg, request, 200);
      if (isReplacing(leg)) return dropReplacement(draft, leg, 487);
      if (leg.side === "caller" && (leg.stage === "ringing" || leg.stage === "calling")) {
        draft.log("call.cancelled", { leg: leg.leg });
        endCall(draft, "canceled", "caller-cancelled");
      }
      return;
    case "BYE":
      return bye(draft, leg, request);
    case "INVITE":
      return reInvite(draft, leg, request);
    case "REFER":
      return refer(draft, leg, request);
    case "INFO":
      return info(draft, leg, request);
    case "OPTIONS":
    case "UPDATE":
      // DEVIATION (docs/compliance.md#3311-5): an UPDATE with SDP is refused 488.
      if (acceptInDialog(draft, leg, request)) respond(draft, leg, request, bodyText(request) === "" ? 200 : 488);
      return;
    default:
      respond(draft, leg, request, 405);
  }
}

/** CSeq order and target refresh (RFC 3261 section 12.2.2); refuses what does not fit. */
function acceptInDialog(draft: CallDraft, leg: BrowserLeg, request: SipRequest): boolean {
  if (leg.dialog === undefined || leg.stage === "ended") {
    respond(draft, leg, request, 481);
    return false;
  }
  const accepted = acceptDialogRequest(leg.dialog, request);
  if (!accepted.ok) {
    respond(draft, leg, request, accepted.status);
    return false;
  }
  leg.dialog = accepted.dialog;
  return true;
}

/** RFC 6086: touch tones, and nothing else. */
function info(draft: CallDraft, leg: BrowserLeg, request: SipRequest): void {
  if (!acceptInDialog(draft, leg, request)) return;
  const reading = readInfo(request);
  if (!reading.ok) {
    draft.log("info.refused", { leg: leg.leg, detail: reading.code });
    respond(draft, leg, request, reading.status, { headers: reading.headers });
    return;
  }
  respond(draft, leg, request, 200);
  if (reading.tone !== undefined) digitReceived(draft, leg, { ...reading.tone, source: "info" });
}

function bye(draft: CallDraft, leg: BrowserLeg, request: SipRequest): void {
  if (!acceptInDialog(draft, leg, request)) return;
  respond(draft, leg, request, 200);
  draft.log("leg.ended", { leg: leg.leg, detail: "bye" });
  markEnded(draft, leg);
  releaseMedia(draft, leg);
  legIsGone(draft, leg, { outcome: "completed", cause: `${leg.side}-bye` });
}

function refer(draft: CallDraft, leg: BrowserLeg, request: SipRequest): void {
  if (!acceptInDialog(draft, leg, request)) return;
  const referredBy = header(request, "referred-by")?.slice(0, REFER_FIELD_LIMIT);
  const about: Refer = {
    cseq: cseqOf(request)?.number ?? 0,
    referTo: header(request, "refer-to"),
    referredBy,
    subscribes: header(request, "refer-sub")?.trim().toLowerCase().startsWith("false") !== true,
  };
  receiveRefer(draft, leg, about, ({ status, headers }) => void respond(draft, leg, request, status, { headers }));
}

/**
 * A re-INVITE of the browser (hold, another microphone, new ICE): its gateway answers, as it answered the first offer.
 *
 * DEVIATION (docs/compliance.md#3261-13.2.1): one without an offer is refused 488.
 */
function reInvite(draft: CallDraft, leg: BrowserLeg, request: SipRequest): void {
  const cseq = cseqOf(request)?.number;
  if (leg.lastInviteResponse !== undefined && leg.lastInviteResponse.cseq === cseq) {
    draft.sendSip(leg, leg.lastInviteResponse.text);
    return;
  }
  if (isBeingAnswered(leg, cseq)) return;
  // Glare (RFC 3261 section 14.2): both sides offered at once, or its gateway is being replaced.
  if (leg.pending?.method === "INVITE" || leg.reoffer !== undefined || leg.adoption !== undefined) {
    respond(draft, leg, request, 491);
    return;
  }
  if (!acceptInDialog(draft, leg, request)) return;
  const invite = inviteRemains(request);
  const sdp = bodyText(request);
  if (invite === undefined || sdp === "" || leg.holder === undefined) {
    respond(draft, leg, request, 488);
    return;
  }
  leg.reoffer = { invite, sdp };
  const codecs = leg.codec === undefined ? draft.state.codecs : [leg.codec];
  const ssrc = leg.media?.outgoing.ssrc ?? draft.context.randomUint32();
  draft.command(leg, { kind: "open-webrtc-leg", leg: leg.leg, remoteSdp: sdp, codecs, ssrc });
}

/** Its bridge hands an INVITE over again when it waited too long: the first while the callee is looked for, a later one while its gateway works. */
function isBeingAnswered(leg: BrowserLeg, cseq: number | undefined): boolean {
  const first = leg.side === "caller" && leg.stage === "ringing" ? leg.invite : undefined;
  return cseq !== undefined && (leg.reoffer?.invite ?? first)?.cseq === cseq;
}

function applyResponse(draft: CallDraft, leg: BrowserLeg, response: SipResponse): void {
  const cseq = cseqOf(response);
  if (cseq === undefined) return;
  if (leg.pending !== undefined && cseq.number === leg.pending.cseq && cseq.method === leg.pending.method)
    return applyPending(draft, leg, response);
  if (cseq.method === "INVITE" && leg.side === "callee" && cseq.number === leg.invite?.cseq)
    applyInviteResponse(draft, leg, response);
}

function applyInviteResponse(draft: CallDraft, leg: BrowserLeg, response: SipResponse): void {
  if (response.status < 200) {
    if (response.status > 100) calleeRings(draft, leg);
    return;
  }
  if (response.status >= 300) {
    acknowledgeRefusal(draft, leg, response, leg.invite?.vias[0] ?? "", header(response, "to") ?? "");
    const cancelled = leg.stage === "ended";
    calleeFails(draft, leg, { status: response.status, reason: response.reason });
    if (!cancelled) releaseMedia(draft, leg);
    return;
  }
  if (leg.dialog !== undefined) {
    acknowledge(draft, leg, leg.invite?.cseq ?? 1);
    return;
  }
  answered(draft, leg, response);
}

function answered(draft: CallDraft, leg: BrowserLeg, response: SipResponse): void {
  const invite = leg.invite;
  if (invite === undefined) return;
  const localUri = invite.from.replace(/;tag=[^;]*$/, "");
  const localTag = /;tag=([^;]*)$/.exec(invite.from)?.[1] ?? "";
  leg.dialog = dialogFromResponse(
    { callId: invite.callId, localTag, localUri, remoteUri: invite.to, localCseq: invite.cseq, localSdpId: 1 },
    response,
  );
  if (leg.dialog === undefined) {
    calleeFails(draft, leg, { status: 500, reason: "Bad Answer" });
    return;
  }
  const sdp = bodyText(response);
  const description = readAudioDescription(sdp);
  const group = groupOf(draft, leg);
  const codecs = group?.codecs ?? draft.state.codecs;
  const audio = description === undefined ? undefined : negotiateAudio(description, codecs);
  if (audio === undefined) {
    return offerFailed(draft, leg, invite.cseq);
  }
  leg.remoteSdp = sdp;
  if (leg.stage !== "ended" && group?.winner === undefined) {
    draft.command(leg, { kind: "complete-webrtc-leg", leg: leg.leg, remoteSdp: sdp, codecs });
  }
  calleeAnswers(draft, leg, audio);
}

/** An answer without a codec of the offer: the dialog stands, so it takes a BYE to end it (RFC 3261 section 13.2.2.4). */
function offerFailed(draft: CallDraft, leg: BrowserLeg, cseq: number): void {
  acknowledge(draft, leg, cseq);
  if (leg.stage === "ended") return byeBrowser(draft, leg);
  leg.failure = { status: 488, reason: "Not Acceptable Here" };
  leg.stage = "connected";
  draft.log("leg.failed", { leg: leg.leg, gateway: leg.holder, detail: "callee-answer-unusable" });
  hangUp(draft, leg);
  legIsGone(draft, leg, { outcome: "failed", cause: "callee-answer-unusable" });
}

/** Response to our BYE or re-INVITE. */
function applyPending(draft: CallDraft, leg: BrowserLeg, response: SipResponse): void {
  const pending = leg.pending;
  if (pending === undefined || response.status < 200) return;
  leg.pending = undefined;
  if (pending.method !== "INVITE") return;
  if (response.status >= 300) return reofferRefused(draft, leg, pending.text, response);
  if (leg.dialog !== undefined) leg.dialog = refreshTarget(leg.dialog, response);
  acknowledge(draft, leg, pending.cseq);
  const answer = bodyText(response);
  if (answer !== "") {
    leg.remoteSdp = answer;
    if (leg.media !== undefined) leg.media = { ...leg.media, remoteSdp: answer };
    draft.command(leg, {
      kind: "complete-webrtc-leg",
      leg: leg.leg,
      remoteSdp: answer,
      codecs: leg.codec === undefined ? draft.state.codecs : [leg.codec],
    });
  }
  legAdopted(draft, leg);
  if (leg.offerWaiting !== undefined) offerToBrowser(draft, leg, leg.offerWaiting);
}

function reofferRefused(draft: CallDraft, leg: BrowserLeg, inviteText: string, response: SipResponse): void {
  const via = /^Via: (.*)$/im.exec(inviteText)?.[1]?.trim() ?? "";
  acknowledgeRefusal(draft, leg, response, via, header(response, "to") ?? "");
  // RFC 3261 section 12.2.1.2: these two end the dialog.
  if (response.status === 481 || response.status === 408) {
    markEnded(draft, leg);
    releaseMedia(draft, leg);
    legIsGone(draft, leg, { outcome: "completed", cause: `${leg.side}-gone` });
    return;
  }
  if (response.status === 491) return offerAfterGlare(draft, leg);
  adoptionFailed(draft, leg, `${response.status} ${response.reason}`);
}
