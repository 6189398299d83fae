/**
 * INVITE with Replaces (RFC 3891): another device of somebody who talks, or a page that was loaded again, takes the place of
 * one of the call's dialogs. The other party notices a moment of silence at most.
 */
import type { ReplaceReceivedEvent } from "#protocol/call-messages";
import { callTag, parseCallTag } from "#protocol/ids";
import type { AccountSid, SipDomain } from "#protocol/ids";
import { dialogFromInvite } from "#sip/dialog/create-dialog";
import type { DialogState } from "#sip/dialog/dialog-state";
import { inviteRemains } from "#sip/dialog/invite-remains";
import { parseReplaces } from "#sip/dialog/replaces";
import type { Replaces } from "#sip/dialog/replaces";
import { reasonPhrase } from "#sip/message/build";
import { header } from "#sip/message/headers";
import type { SipRequest } from "#sip/message/sip-message";
import { bodyText } from "#sip/message/typed-headers";
import { supportedCodecs } from "#sip/sdp/negotiate";
import { refuseBrowser, respondToInvite } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserSip, GatewayAddress } from "./call-object-api.ts";
import { closeRoomPort } from "./call-room.ts";
import type { BrowserLeg, CallLeg, CallState, PhoneLeg } from "./call-state.ts";
import { hangUp, markEnded, releaseMedia } from "./hang-up.ts";
import { joinMedia } from "./join.ts";
import { sameAccount } from "./start-call.ts";

interface Sender {
  readonly identity: string;
  readonly account: AccountSid;
  readonly sipDomain: SipDomain;
}

interface Problem {
  readonly status: number;
  readonly code: string;
}

/** A call takes so many; each leg stays in its document. */
const REPLACEMENT_LIMIT = 50;

export function replaceFromPhone(draft: CallDraft, from: GatewayAddress, event: ReplaceReceivedEvent): void {
  const taken = draft.leg(event.leg) !== undefined;
  const fresh: PhoneLeg = {
    kind: "phone",
    leg: event.leg,
    sid: draft.state.sid,
    side: "caller",
    identity: event.from,
    region: from.region,
    stage: "ringing",
    // What it says before our first command carries the epoch that it began with.
    epoch: 1,
    holder: from.gateway,
    transport: event.flow.transport,
    capsule: event.capsule,
  };
  if (taken) return refuse(draft, fresh, 503);
  const sender = { identity: event.from, account: event.account, sipDomain: event.sipDomain };
  const old = admit(draft, fresh, sender, { replaces: event.replaces, offer: event.capsule.remoteOffer ?? "" });
  if (old?.codec !== undefined) draft.command(fresh, { kind: "answer-leg", leg: fresh.leg, codec: old.codec });
}

export function replaceFromBrowser(draft: CallDraft, sip: BrowserSip, request: SipRequest): void {
  const leg = draft.newReplacementLeg();
  const dialog = dialogFromInvite(request, callTag(draft.state.token, leg), 1);
  const fresh: BrowserLeg = {
    kind: "browser",
    leg,
    sid: draft.state.sid,
    side: "caller",
    identity: sip.identity,
    region: sip.region,
    stage: "ringing",
    epoch: draft.state.epoch,
    holder: undefined,
    bridge: sip.bridge,
    socket: sip.socket,
    ...(sip.device === undefined ? {} : { device: sip.device }),
    invite: inviteRemains(request),
    dialog,
    remoteSdp: bodyText(request),
    sdpVersion: 1,
  };
  const offer = fresh.remoteSdp ?? "";
  const old = admit(draft, fresh, sip, { replaces: header(request, "replaces"), offer });
  if (old?.codec === undefined) return;
  fresh.holder = draft.context.nearestGateway(fresh.region, [], draft.peerOf(old)?.holder);
  if (fresh.holder === undefined || dialog === undefined) return dropReplacement(draft, fresh, 503);
  draft.command(fresh, {
    kind: "open-webrtc-leg",
    leg,
    remoteSdp: offer,
    codecs: [old.codec],
    ssrc: draft.context.randomUint32(),
  });
}

/** Takes the new leg into the call beside the one that it replaces, or refuses it. */
function admit(
  draft: CallDraft,
  fresh: CallLeg,
  sender: Sender,
  { replaces: value, offer }: { readonly replaces: string | undefined; readonly offer: string },
): CallLeg | undefined {
  const replaces = value === undefined ? undefined : parseReplaces(value);
  const old = replaces === undefined ? undefined : legOfDialog(draft.state, replaces);
  const problem = replaces === undefined ? MALFORMED : problemOf(draft, old, { replaces, sender, offer });
  if (problem === undefined && old !== undefined) {
    fresh.replaces = old.leg;
    fresh.codec = old.codec;
    draft.state.legs.push(fresh);
    draft.log("leg.replacing", { leg: fresh.leg, detail: old.leg });
    return old;
  }
  const { status, code } = problem ?? NO_DIALOG;
  draft.log("leg.replacement-refused", { detail: code });
  draft.effects.push({ kind: "count", name: `call.replacement-refused.${code}` });
  refuse(draft, fresh, status);
  return undefined;
}

const MALFORMED: Problem = { status: 400, code: "replaces-malformed" };
const NO_DIALOG: Problem = { status: 481, code: "replaces-no-dialog" };

/** RFC 3891 section 3, in its order. */
function problemOf(
  draft: CallDraft,
  old: CallLeg | undefined,
  about: { readonly replaces: Replaces; readonly sender: Sender; readonly offer: string },
): Problem | undefined {
  if (old === undefined || !sameAccount(draft.state, about.sender)) return NO_DIALOG;
  if (old.identity !== about.sender.identity) return { status: 403, code: "not-own-dialog" };
  if (old.stage === "ended") return { status: 603, code: "dialog-ended" };
  // DEVIATION (docs/compliance.md#3891-3): a device that still rings cannot be relieved.
  if (old.stage === "calling" || old.stage === "ringing") return { status: 481, code: "dialog-early" };
  if (about.replaces.earlyOnly) return { status: 486, code: "dialog-confirmed" };
  if (draft.caller !== old && draft.winner !== old) return { status: 603, code: "dialog-leaving" };
  if (draft.state.legs.some((leg) => leg.replaces === old.leg && leg.stage !== "ended"))
    return { status: 491, code: "replaced-already" };
  if (draft.state.legs.filter(({ replaces }) => replaces !== undefined).length >= REPLACEMENT_LIMIT)
    return { status: 403, code: "too-many" };
  const { codec } = old;
  return codec === undefined || supportedCodecs(about.offer, [codec]).length === 0
    ? { status: 488, code: "codec-of-call-missing" }
    : undefined;
}

/** By Call-ID and both tags; ours is in either place, as the sender is the other side of the dialog or learnt of it from there. */
export function legOfDialog(state: CallState, replaces: Replaces): CallLeg | undefined {
  const [ours, theirs] =
    parseCallTag(replaces.toTag)?.call === state.token
      ? [replaces.toTag, replaces.fromTag]
      : [replaces.fromTag, replaces.toTag];
  const leg = state.legs.find((entry) => callTag(state.token, entry.leg) === ours);
  const dialog = leg === undefined ? undefined : dialogOf(leg);
  return dialog?.callId === replaces.callId && dialog.remoteTag === theirs ? leg : undefined;
}

function dialogOf(leg: CallLeg): DialogState | undefined {
  return leg.kind === "phone" ? leg.capsule?.dialog : leg.dialog;
}

/** It is to take another leg's place and has not yet. */
export function isReplacing(leg: CallLeg): boolean {
  return leg.replaces !== undefined && leg.stage === "ringing";
}

/** The gateway's answer for a browser. */
export function answerReplacement(draft: CallDraft, fresh: BrowserLeg, localSdp: string): void {
  fresh.localSdp = localSdp;
  respondToInvite(draft, fresh, 200, { sdp: localSdp });
  takePlace(draft, fresh);
}

/** The new leg is answered: it is the one that talks from now on. */
export function takePlace(draft: CallDraft, fresh: CallLeg): void {
  const { state } = draft;
  const old = state.legs.find(({ leg }) => leg === fresh.replaces);
  fresh.stage = "answered";
  fresh.answeredAtMs = draft.context.nowMs;
  if (old === undefined || (draft.caller !== old && draft.winner !== old)) return hangUp(draft, fresh);
  closeRoomPort(draft, old);
  if (draft.caller === old) state.main = fresh.leg;
  else state.winner = fresh.leg;
  const group = state.groups.find(({ id }) => id === old.group);
  if (group?.winner === old.leg) group.winner = fresh.leg;
  fresh.group = old.group;
  followTransfer(draft, old, fresh);
  // Another pair of legs, another stream between gateways (protocol/media.ts).
  state.trunkStream = draft.context.randomHex(8);
  draft.log("leg.replaced", { leg: old.leg, gateway: fresh.holder, detail: fresh.leg });
  hangUp(draft, old);
  joinMedia(draft);
}

/** Its subscription ended with its dialog. */
function followTransfer({ state }: CallDraft, old: CallLeg, fresh: CallLeg): void {
  const { transfer } = state;
  if (transfer?.by === old.leg) state.transfer = { ...transfer, by: fresh.leg, subscribes: false };
  else if (transfer?.stays === old.leg) state.transfer = { ...transfer, stays: fresh.leg };
}

/** All stays as it was. */
export function dropReplacement(draft: CallDraft, fresh: CallLeg, status: number): void {
  draft.log("leg.replacement-failed", { leg: fresh.leg, detail: String(status) });
  refuse(draft, fresh, status);
  markEnded(draft, fresh);
  releaseMedia(draft, fresh);
}

function refuse(draft: CallDraft, fresh: CallLeg, status: number): void {
  const refusal = { status, reason: reasonPhrase(status) };
  if (fresh.kind === "phone") draft.command(fresh, { kind: "reject-leg", leg: fresh.leg, ...refusal });
  else refuseBrowser(draft, fresh, refusal);
}
