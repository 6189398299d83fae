/** The SIP messages of a call as it remembers them: those of phones come from gateways, those of browsers pass by here. */
import { LADDER_BATCH, LADDER_CODECS } from "#protocol/ladder";
import type { LadderMessage, LadderSdp } from "#protocol/ladder";
import { parseLegId } from "#protocol/ids";
import type { LegId } from "#protocol/ids";
import { ladderMessage } from "#sip/ladder/ladder-message";
import { parseSipMessage } from "#sip/message/parser";
import type { SipMessage } from "#sip/message/sip-message";
import { callIdOf, cseqOf } from "#sip/message/typed-headers";
import { legOfMessage } from "./browser-messages.ts";
import type { CallInput } from "./call-input.ts";
import type { CallDecision } from "./call-machine.ts";
import type { CallState } from "./call-state.ts";

/** A message, and the gateway or bridge that it passed. */
export interface KeptMessage extends LadderMessage {
  readonly via: string;
}

export interface CallLadder {
  /** In the order in which they became known. */
  messages: KeptMessage[];
  /** So many were left out: from the middle here, or by a gateway. */
  omitted: number;
}

/** The call's document is copied and written with each input: beginning and end of a long call say most. */
export const LADDER_FIRST = 80;
export const LADDER_LAST = 80;

/** Adds to a decided input what it shows of the call's signalling. The state of the decision is the input's own copy. */
export function withSignalling(decision: CallDecision, input: CallInput, nowMs: number): CallDecision {
  const { state, effects } = decision;
  if (state === undefined) return decision;
  if (input.kind === "gateway-event" && input.event.kind === "leg-signalling") {
    const { messages, omitted = 0 } = input.event;
    const kept = messages.slice(0, LADDER_BATCH);
    for (const message of kept) keep(state, { ...fieldsOf(message, input.event.leg), via: input.from.gateway });
    if (omitted > 0) ladderOf(state).omitted += omitted;
  }
  keepIncoming(state, input, nowMs);
  for (const effect of effects) {
    if (effect.kind !== "send-sip") continue;
    const parsed = parseSipMessage(effect.text);
    if (parsed.ok) keepBrowserMessage(state, effect.leg, parsed.message, { atMs: nowMs, sent: true });
  }
  return decision;
}

function keepIncoming(state: CallState, input: CallInput, atMs: number): void {
  const begins = input.kind === "browser-invite" || input.kind === "browser-replaces";
  if (!begins && input.kind !== "browser-message") return;
  const message = begins ? input.request : input.message;
  const leg = legOfMessage(message) ?? invitingLeg(state, message);
  const cseq = cseqOf(message)?.number;
  if (leg === undefined || cseq === undefined) return;
  keepBrowserMessage(state, leg, message, { atMs, sent: false });
  // Its bridge answers so before it hands an INVITE over.
  if (begins) keep(state, { leg, atMs, sent: true, method: "INVITE", cseq, status: 100, via: viaOf(state, leg) });
}

/** An INVITE and its CANCEL bear no tag of ours. */
function invitingLeg(state: CallState, message: SipMessage): LegId | undefined {
  const callId = callIdOf(message);
  return state.legs.find((leg) => leg.kind === "browser" && leg.side === "caller" && leg.invite?.callId === callId)
    ?.leg;
}

function keepBrowserMessage(
  state: CallState,
  leg: LegId,
  message: SipMessage,
  about: { readonly atMs: number; readonly sent: boolean },
): void {
  const short = ladderMessage(message, { leg, ...about });
  if (short === undefined) return;
  const isRepeat = state.ladder?.messages.some((other) => isSame(other, short)) === true;
  keep(state, { ...short, ...(isRepeat ? { repeat: true } : {}), via: viaOf(state, leg) });
}

/** Over a reliable transport only what went to a lost socket is sent again. */
function isSame(a: LadderMessage, b: LadderMessage): boolean {
  return (
    a.leg === b.leg &&
    a.sent === b.sent &&
    a.method === b.method &&
    a.cseq === b.cseq &&
    (a.status ?? 0) === (b.status ?? 0) &&
    (b.status ?? 200) >= 200
  );
}

function viaOf(state: CallState, id: LegId): string {
  const leg = state.legs.find((entry) => entry.leg === id);
  return leg?.kind === "browser" ? leg.bridge : "";
}

function keep(state: CallState, message: KeptMessage): void {
  const ladder = ladderOf(state);
  ladder.messages.push(message);
  if (ladder.messages.length <= LADDER_FIRST + LADDER_LAST) return;
  ladder.messages.splice(LADDER_FIRST, 1);
  ladder.omitted += 1;
}

function ladderOf(state: CallState): CallLadder {
  return (state.ladder ??= { messages: [], omitted: 0 });
}

/** A gateway of a later release may say more, and none should say much. */
function fieldsOf(message: LadderMessage, first: LegId): LadderMessage {
  const { atMs, sent, method, cseq, status, repeat, sdp, cause } = message;
  return {
    leg: parseLegId(message.leg) ?? first,
    atMs,
    sent,
    method: method.slice(0, 16),
    cseq,
    ...(status === undefined ? {} : { status }),
    ...(repeat === true ? { repeat } : {}),
    ...(sdp === undefined ? {} : { sdp: sdpOf(sdp) }),
    ...(cause === undefined ? {} : { cause }),
  };
}

function sdpOf({ codecs, direction }: LadderSdp): LadderSdp {
  return { codecs: codecs.slice(0, LADDER_CODECS).map((name) => name.slice(0, 24)), direction };
}
