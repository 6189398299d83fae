/** One call as a function: state and input in, state and effects out. No clock, no storage, no sockets. */
import { dialogFromInvite } from "#sip/dialog/create-dialog";
import type { SipMessage } from "#sip/message/sip-message";
import { fromOf, toOf, callIdOf, cseqOf, bodyText } from "#sip/message/typed-headers";
import { header, headerValues } from "#sip/message/headers";
import { parseSipUri } from "#sip/message/sip-uri";
import { serializeNameAddr } from "#sip/message/name-addr";
import { callTag } from "#protocol/ids";
import type { GatewayId, LegId, RegionName } from "#protocol/ids";
import { adoptionFailed, gatewayLost, retryAdoption, strandLeg } from "./adoption.ts";
import { calleeFails } from "./answer.ts";
import { answerOfApplication } from "./application.ts";
import { applyBrowserMessage, legOfMessage } from "./browser-messages.ts";
import { CallDraft } from "./call-draft.ts";
import { applyPartnerInput, remindPartner, tellPartner } from "./call-link.ts";
import { withSignalling } from "./call-ladder.ts";
import { hasRoomAt } from "./call-room.ts";
import type { CallContext, CallEffect, CallInput } from "./call-input.ts";
import type { BrowserSip } from "./call-object-api.ts";
import type { BrowserLeg, CallLeg, CallState, InviteHeads, PhoneLeg } from "./call-state.ts";
import { passDeadlines } from "./deadlines.ts";
import { applyGatewayEvent } from "./gateway-events.ts";
import { endCall } from "./hang-up.ts";
import { targetLocated } from "./forwarding.ts";
import { advance, roomFull } from "./instructions.ts";
import { waitingTarget } from "./ring-group.ts";
import { doubtRoomHost, roomEntered, roomUnreachable, watchRoom } from "./room-moves.ts";
import { dropReplacement, isReplacing, replaceFromBrowser, replaceFromPhone } from "./replace.ts";
import { settle } from "./settle.ts";
import { sameAccount, startCall } from "./start-call.ts";

export interface CallDecision {
  readonly state: CallState | undefined;
  readonly effects: readonly CallEffect[];
}

const CALLER = "a" as LegId;

/** Applies one input. The given state is not changed. Inputs that make no sense in it change nothing. */
export function applyCallInput(before: CallState | undefined, input: CallInput, context: CallContext): CallDecision {
  return withSignalling(decide(before, input, context), input, context.nowMs);
}

function decide(before: CallState | undefined, input: CallInput, context: CallContext): CallDecision {
  if (before === undefined) return openCall(input, context);
  const draft = new CallDraft(structuredCopy(before), context);
  applyTo(draft, input);
  settle(draft);
  tellPartner(draft);
  return { state: draft.state, effects: draft.effects };
}

/** The state is JSON; the pure folders have no structuredClone. */
function structuredCopy(state: CallState): CallState {
  return JSON.parse(JSON.stringify(state)) as CallState;
}

function openCall(input: CallInput, context: CallContext): CallDecision {
  if (input.kind === "phone-invite") return openFromPhone(input, context);
  if (input.kind === "browser-invite") return openFromBrowser(input, context);
  return { state: undefined, effects: [] };
}

function emptyState(
  context: CallContext,
  about: Pick<CallState, "account" | "sipDomain" | "from" | "fromDisplayName" | "to"> & { readonly region: RegionName },
): CallState {
  return {
    sid: context.newSid(undefined),
    token: context.token,
    createdAtMs: context.nowMs,
    status: "queued",
    codecs: [],
    epoch: 1,
    legs: [],
    groups: [],
    parties: [],
    trunkStream: context.randomHex(8),
    log: [],
    logSeq: 0,
    ...about,
  };
}

function openFromPhone(input: Extract<CallInput, { kind: "phone-invite" }>, context: CallContext): CallDecision {
  const { event, from } = input;
  const state = emptyState(context, {
    account: event.account,
    sipDomain: event.sipDomain,
    region: from.region,
    from: event.from,
    fromDisplayName: event.fromDisplayName,
    to: event.to,
  });
  const leg: PhoneLeg = {
    kind: "phone",
    leg: event.leg,
    sid: state.sid,
    side: "caller",
    identity: event.from,
    region: from.region,
    stage: "ringing",
    epoch: 1,
    holder: from.gateway,
    transport: event.flow.transport,
    capsule: event.capsule,
  };
  state.legs.push(leg);
  state.parties.push({
    gateway: from.gateway,
    instance: from.instance,
    region: from.region,
    channel: from.channel,
    lastEvent: 0,
    lastCommand: 0,
    outbox: [],
  });
  const draft = new CallDraft(state, context);
  startCall(draft, event.capsule.remoteOffer ?? "", event.toHost);
  settle(draft);
  return { state: draft.state, effects: draft.effects };
}

function openFromBrowser(input: Extract<CallInput, { kind: "browser-invite" }>, context: CallContext): CallDecision {
  const { sip, request } = input;
  const target = parseSipUri(request.requestUri);
  const from = fromOf(request);
  const to = toOf(request);
  const cseq = cseqOf(request);
  const callId = callIdOf(request);
  const dialog = dialogFromInvite(request, callTag(context.token, CALLER), 1);
  if (
    target === undefined ||
    from === undefined ||
    to === undefined ||
    cseq === undefined ||
    callId === undefined ||
    dialog === undefined
  )
    return { state: undefined, effects: [] };
  const state = emptyState(context, {
    account: sip.account,
    sipDomain: sip.sipDomain,
    region: sip.region,
    from: sip.identity,
    fromDisplayName: from.displayName,
    to: target.user ?? "",
  });
  const invite: InviteHeads = {
    vias: headerValues(request, "via"),
    from: serializeNameAddr(from),
    to: serializeNameAddr(to),
    callId,
    cseq: cseq.number,
    recordRoutes: headerValues(request, "record-route"),
    requestUri: request.requestUri,
  };
  const leg: BrowserLeg = {
    kind: "browser",
    leg: CALLER,
    sid: state.sid,
    side: "caller",
    identity: sip.identity,
    region: sip.region,
    stage: "ringing",
    epoch: 1,
    holder: undefined,
    bridge: sip.bridge,
    socket: sip.socket,
    ...(sip.device === undefined ? {} : { device: sip.device }),
    invite,
    dialog,
    remoteSdp: bodyText(request),
    sdpVersion: 1,
  };
  state.legs.push(leg);
  const draft = new CallDraft(state, context);
  startCall(draft, leg.remoteSdp ?? "", target.host);
  settle(draft);
  return { state: draft.state, effects: draft.effects };
}

function applyTo(draft: CallDraft, input: CallInput): void {
  switch (input.kind) {
    case "phone-invite":
    case "browser-invite":
      return;
    case "located":
      return located(draft, input);
    case "browser-replaces":
      return replaceFromBrowser(draft, input.sip, input.request);
    case "gateway-event":
      return gatewayEvent(draft, input);
    case "browser-message":
      return browserMessage(draft, input);
    case "gateway-lost":
      return gatewayLost(draft, input.gateway, input.instance);
    case "gateway-unreachable":
      return gatewayUnreachable(draft, input.gateway);
    case "browser-found": {
      const leg = draft.leg(input.leg);
      if (leg?.kind !== "browser") return;
      leg.bridge = input.bridge;
      leg.socket = input.socket;
      if (leg.pending !== undefined && leg.pending.text !== input.sent) draft.sendSip(leg, leg.pending.text);
      return;
    }
    case "browser-gone":
      return browserGone(draft, input);
    case "browser-unreachable": {
      const leg = draft.leg(input.leg);
      if (leg !== undefined && leg.side === "callee" && leg.stage === "calling")
        calleeFails(draft, leg, { status: 480, reason: "Temporarily Unavailable" });
      return;
    }
    case "application-answered": {
      const heard = answerOfApplication(draft, input.id, input.answer);
      return heard === undefined ? undefined : advance(draft, heard);
    }
    case "time-passed":
      return passDeadlines(draft);
    case "room-entered":
      return roomEntered(draft, input.host);
    case "room-refused":
      return input.code === "room-full" ? roomFull(draft) : roomUnreachable(draft);
    case "link-asked":
    case "link-answered":
    case "partner-changed":
    case "partner-told":
    case "partner-gone":
      return applyPartnerInput(draft, input);
    case "retry-adoption":
      remindPartner(draft);
      retryAdoption(draft);
      return watchRoom(draft);
  }
}

function located(draft: CallDraft, input: Extract<CallInput, { kind: "located" }>): void {
  const group = draft.state.groups.find(({ id }) => id === input.group);
  const target = waitingTarget(group, input.endpoint);
  if (!draft.ended && group !== undefined && target !== undefined) targetLocated(draft, group, target, input);
}

function gatewayEvent(draft: CallDraft, { event, from, epoch }: Extract<CallInput, { kind: "gateway-event" }>): void {
  if (event.kind === "replace-received") return replaceFromPhone(draft, from, event);
  if (event.kind === "leg-signalling") return;
  const leg = draft.leg(event.leg);
  const statistics = event.kind === "leg-statistics";
  if (leg === undefined || (!statistics && (leg.holder !== from.gateway || epoch < leg.epoch))) return;
  applyGatewayEvent(draft, leg, event);
}

/** Neither library takes an INVITE of its own up again over another socket. */
function browserGone(draft: CallDraft, { bridge, socket }: Extract<CallInput, { kind: "browser-gone" }>): void {
  const leg = draft.state.legs.find(
    (entry) => entry.kind === "browser" && entry.bridge === bridge && entry.socket === socket && isInviting(entry),
  );
  if (leg === undefined) return;
  if (isReplacing(leg)) dropReplacement(draft, leg, 487);
  else endCall(draft, "canceled", "caller-gone");
}

/** Its INVITE waits for its answer. */
function isInviting({ side, stage }: CallLeg): boolean {
  return side === "caller" && stage === "ringing";
}

/** A message without a tag of ours is an INVITE again, or its CANCEL. */
function isOpenedBy(leg: CallLeg, callId: string | undefined): boolean {
  return leg.kind === "browser" && leg.side === "caller" && leg.invite?.callId === callId;
}

/** The leg that a browser's message is about, if it is the sender's own. */
function browserLegOf(state: CallState, sip: BrowserSip, message: SipMessage): BrowserLeg | undefined {
  const id = legOfMessage(message);
  const leg = state.legs.find((entry) => (id === undefined ? isOpenedBy(entry, callIdOf(message)) : entry.leg === id));
  return leg?.kind === "browser" && leg.identity === sip.identity && sameAccount(state, sip) ? leg : undefined;
}

/** `undefined` for a leg of somebody else's, or none at all. */
export function inputOfBrowser(
  state: CallState | undefined,
  sip: BrowserSip,
  message: SipMessage,
): CallInput | undefined {
  if (state !== undefined && browserLegOf(state, sip, message) !== undefined)
    return { kind: "browser-message", sip, message };
  if (message.kind !== "request" || message.method !== "INVITE") return undefined;
  const replaces = header(message, "replaces") !== undefined;
  if (state === undefined) return replaces ? undefined : { kind: "browser-invite", sip, request: message };
  return replaces ? { kind: "browser-replaces", sip, request: message } : undefined;
}

function browserMessage(draft: CallDraft, input: Extract<CallInput, { kind: "browser-message" }>): void {
  const { sip, message } = input;
  const leg = browserLegOf(draft.state, sip, message);
  if (leg === undefined) return;
  leg.bridge = sip.bridge;
  leg.socket = sip.socket;
  applyBrowserMessage(draft, leg, message);
}

/** Commands that could not be handed over wait for the gateway's next channel; legs that only begin there go elsewhere at once. */
function gatewayUnreachable(draft: CallDraft, gateway: GatewayId): void {
  for (const leg of draft.state.legs) {
    if (leg.holder !== gateway || leg.stage === "ended") continue;
    const waiting = leg.stage === "calling" || leg.stage === "ringing";
    if (leg.adoption !== undefined) adoptionFailed(draft, leg, "gateway-unreachable");
    else if (leg.kind === "browser" && waiting) strandLeg(draft, leg, gateway);
    else if (leg.side === "callee" && leg.stage === "calling")
      calleeFails(draft, leg, { status: 503, reason: "Service Unavailable" });
  }
  if (hasRoomAt(draft.state, gateway)) doubtRoomHost(draft);
}
