/**
 * SIP towards browsers, message by message. The transport is reliable (RFC 7118), so nothing here retransmits.
 *
 * DEVIATION (docs/compliance.md#3261-13.3.1.4): that goes for a 2xx too, which would be sent again on any transport.
 */
import { callTag } from "#protocol/ids";
import { createRequest } from "#sip/message/build";
import { withTopHeader } from "#sip/message/headers";
import type { SipRequest, SipResponse } from "#sip/message/sip-message";
import { sipMessageText } from "#sip/message/serializer";
import { createAck, createDialogRequest } from "#sip/dialog/dialog-request";
import { createCancelFromCapsule, createResponseFromCapsule } from "#sip/dialog/invite-remains";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg, CallLeg, InviteHeads } from "./call-state.ts";
import { callerUri } from "./caller-identity.ts";
import { noteHold } from "./hold.ts";
import type { Refusal } from "./refusal.ts";

export const ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER";
const SDP = "application/sdp";

interface ResponseOptions {
  readonly reason?: string;
  readonly sdp?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

export function contactOf(draft: CallDraft, leg: CallLeg): string {
  return `<sip:${callTag(draft.state.token, leg.leg)}@${draft.state.sipDomain};transport=ws>`;
}

function addVia(draft: CallDraft, request: SipRequest, branch: string): SipRequest {
  return withTopHeader(request, "via", `SIP/2.0/WS ${draft.state.sipDomain};branch=${branch}`);
}

function newBranch(draft: CallDraft): string {
  return `z9hG4bK${draft.context.randomHex(12)}`;
}

/** Final or provisional response to the browser's first INVITE, kept for its repeats. */
export function respondToInvite(
  draft: CallDraft,
  leg: BrowserLeg,
  status: number,
  options: ResponseOptions = {},
): void {
  if (leg.invite !== undefined) respondTo(draft, leg, leg.invite, status, options);
}

/** Answers the re-INVITE that waits for its gateway; without SDP it is refused, and all stays as it was. */
export function answerReoffer(draft: CallDraft, leg: BrowserLeg, status: number, sdp?: string): void {
  const reoffer = leg.reoffer;
  if (reoffer === undefined) return;
  leg.reoffer = undefined;
  if (sdp !== undefined) {
    leg.localSdp = sdp;
    noteHold(draft, leg, leg.remoteSdp, reoffer.sdp);
    leg.remoteSdp = reoffer.sdp;
    if (leg.media !== undefined) leg.media = { ...leg.media, localSdp: sdp, remoteSdp: reoffer.sdp };
  }
  respondTo(draft, leg, reoffer.invite, status, sdp === undefined ? {} : { sdp });
}

function respondTo(
  draft: CallDraft,
  leg: BrowserLeg,
  invite: InviteHeads,
  status: number,
  options: ResponseOptions,
): void {
  const response = createResponseFromCapsule(invite, status, {
    toTag: callTag(draft.state.token, leg.leg),
    reason: options.reason,
    contact: contactOf(draft, leg),
    headers: [["Allow", ALLOW], callSidHeader(draft), ...(options.headers ?? [])],
    ...(options.sdp === undefined ? {} : { body: options.sdp, contentType: SDP }),
  });
  const text = sipMessageText(response);
  leg.lastInviteResponse = { cseq: invite.cseq, text };
  draft.sendSip(leg, text);
}

/** So that a page can ask the API about its call. */
function callSidHeader(draft: CallDraft): readonly [string, string] {
  return ["X-Nearside-Call-Sid", draft.state.sid];
}

export function refuseBrowser(draft: CallDraft, leg: BrowserLeg, refusal: Refusal): void {
  const headers: (readonly [string, string])[] =
    refusal.retryAfterSeconds === undefined ? [] : [["Retry-After", String(refusal.retryAfterSeconds)]];
  const all = [...headers, ...(refusal.headers ?? [])];
  respondToInvite(draft, leg, refusal.status, { reason: refusal.reason, headers: all });
}

/** First INVITE to a callee's browser, with our offer. */
export function inviteBrowser(draft: CallDraft, leg: BrowserLeg, offer: string): void {
  if (leg.contact === undefined) return;
  const { state } = draft;
  const callId = `${draft.context.randomHex(12)}@${state.sipDomain}`;
  const group = state.groups.find(({ id }) => id === leg.group);
  const from = `${callerUri(draft, group)};tag=${callTag(state.token, leg.leg)}`;
  const to = `<sip:${leg.identity}@${state.sipDomain}>`;
  const via = `SIP/2.0/WS ${state.sipDomain};branch=${newBranch(draft)}`;
  leg.invite = { vias: [via], from, to, callId, cseq: 1, recordRoutes: [], requestUri: leg.contact };
  leg.localSdp = offer;
  const request = createRequest({
    method: "INVITE",
    requestUri: leg.contact,
    headers: [
      ["Via", via],
      ["Max-Forwards", "70"],
      ["From", from],
      ["To", to],
      ["Call-ID", callId],
      ["CSeq", "1 INVITE"],
      ["Contact", contactOf(draft, leg)],
      ["Allow", ALLOW],
      callSidHeader(draft),
      ...(group?.referredBy === undefined ? [] : [["Referred-By", group.referredBy] as const]),
    ],
    body: offer,
    contentType: SDP,
  });
  draft.sendSip(leg, sipMessageText(request));
}

/** CANCEL has the Via of the INVITE that it ends (RFC 3261 section 9.1). */
export function cancelBrowser(draft: CallDraft, leg: BrowserLeg, reason?: string): void {
  if (leg.invite === undefined) return;
  const cancel = createCancelFromCapsule(leg.invite, reason === undefined ? [] : [["Reason", reason]]);
  draft.sendSip(leg, sipMessageText(withTopHeader(cancel, "via", leg.invite.vias[0] ?? "")));
}

/** ACK to a final refusal belongs to the INVITE's transaction: same Via, To of the response (section 17.1.1.3). */
export function acknowledgeRefusal(
  draft: CallDraft,
  leg: BrowserLeg,
  response: SipResponse,
  via: string,
  to: string,
): void {
  if (leg.invite === undefined) return;
  const cseq = response.headers.find((field) => field.name === "cseq")?.value.split(" ")[0] ?? String(leg.invite.cseq);
  const ack = createRequest({
    method: "ACK",
    requestUri: leg.dialog?.remoteTarget ?? leg.invite.requestUri,
    headers: [
      ["Via", via],
      ["Max-Forwards", "70"],
      ["From", leg.invite.from],
      ["To", to],
      ["Call-ID", leg.invite.callId],
      ["CSeq", `${cseq} ACK`],
    ],
  });
  draft.sendSip(leg, sipMessageText(ack));
}

/** ACK to a 2xx is a request of the dialog with a Via of its own (section 13.2.2.4). */
export function acknowledge(draft: CallDraft, leg: BrowserLeg, cseq: number): void {
  if (leg.dialog === undefined) return;
  draft.sendSip(
    leg,
    sipMessageText(addVia(draft, createAck(leg.dialog, cseq, { contact: contactOf(draft, leg) }), newBranch(draft))),
  );
}

export function byeBrowser(draft: CallDraft, leg: BrowserLeg): void {
  sendInDialog(draft, leg, "BYE");
}

/** Re-INVITE with a new offer; waits when another request of ours is under way. */
export function offerToBrowser(draft: CallDraft, leg: BrowserLeg, offer: string): void {
  if (leg.pending?.method === "INVITE") {
    leg.offerWaiting = offer;
    return;
  }
  leg.offerWaiting = undefined;
  leg.localSdp = offer;
  sendInDialog(draft, leg, "INVITE", offer);
}

export interface Notification {
  readonly event: string;
  readonly subscriptionState: string;
  readonly body: string;
}

/** NOTIFY of a transfer that the browser asked for; its response changes nothing. */
export function notifyBrowser(draft: CallDraft, leg: BrowserLeg, notification: Notification): void {
  if (leg.dialog === undefined) return;
  const { event, subscriptionState, body } = notification;
  const { request, dialog } = createDialogRequest(leg.dialog, "NOTIFY", {
    contact: contactOf(draft, leg),
    headers: [
      ["Event", event],
      ["Subscription-State", subscriptionState],
    ],
    body,
    contentType: "message/sipfrag;version=2.0",
  });
  leg.dialog = dialog;
  draft.sendSip(leg, sipMessageText(addVia(draft, request, newBranch(draft))));
}

/** INFO: what it says is of the moment, so it is not repeated over the next socket. */
export function informBrowser(draft: CallDraft, leg: BrowserLeg, contentType: string, body: string): void {
  if (leg.dialog === undefined) return;
  const made = createDialogRequest(leg.dialog, "INFO", { contact: contactOf(draft, leg), body, contentType });
  leg.dialog = made.dialog;
  draft.sendSip(leg, sipMessageText(addVia(draft, made.request, newBranch(draft))));
}

function sendInDialog(draft: CallDraft, leg: BrowserLeg, method: "BYE" | "INVITE", body?: string): void {
  if (leg.dialog === undefined) return;
  const made = createDialogRequest(leg.dialog, method, {
    contact: contactOf(draft, leg),
    ...(body === undefined ? {} : { body, contentType: SDP, headers: [["Allow", ALLOW]] }),
  });
  leg.dialog = made.dialog;
  const text = sipMessageText(addVia(draft, made.request, newBranch(draft)));
  leg.pending = { method, cseq: made.dialog.localCseq, text };
  draft.sendSip(leg, text);
}
