/** From a call's document to its ladder: messages, decisions, moves and media merged in order. Pure. */
import { describeCall } from "../calls/call-record.ts";
import type { CallLegRecord } from "../calls/call-object-api.ts";
import type { KeptMessage } from "../calls/call-ladder.ts";
import type { CallLeg, CallState } from "../calls/call-state.ts";
import { endWords, eventWords, upper } from "./event-words.ts";
import type { LegWords } from "./event-words.ts";
import { gatewayMoves } from "./gateway-moves.ts";
import type { Ladder, LadderEntry, LadderLeg, LadderMessageEntry, LadderParty, LadderPartyId } from "./ladder.ts";
import { messageLabel, messageMeaning } from "./message-words.ts";
import type { MessageStanding } from "./message-words.ts";
import { routingWords } from "./routing-words.ts";

type Side = "caller" | "callee";

export function buildLadder(state: CallState): Ladder {
  const legs = describeCall(state).legs.map((leg) => describeLeg(state, leg));
  const messages = (state.ladder?.messages ?? []).toSorted((a, b) => a.atMs - b.atMs);
  const startMs = Math.min(state.createdAtMs, messages[0]?.atMs ?? state.createdAtMs);
  const wordsOf = (id: string | undefined): LegWords | undefined => legWords(legs, id);
  const events = state.log.map((entry): LadderEntry => {
    const { event, leg, gateway, atMs } = entry;
    const words = eventWords(entry, wordsOf(leg));
    return {
      ...words,
      atMs: since(startMs, atMs),
      event,
      ...(leg === undefined ? {} : { leg }),
      ...(gateway === undefined ? {} : { gateway }),
    };
  });
  const moves = gatewayMoves(state.log, wordsOf).map((move) => ({ ...move, atMs: since(startMs, move.atMs) }));
  return {
    sid: state.sid,
    from: state.from,
    to: state.to,
    status: state.status,
    outcome: outcomeOf(state),
    isLive: state.endedAtMs === undefined,
    startedAtMs: startMs,
    ...(state.answeredAtMs === undefined ? {} : { answeredAtMs: state.answeredAtMs }),
    ...(state.endedAtMs === undefined ? {} : { endedAtMs: state.endedAtMs }),
    parties: partiesOf(state, legs),
    entries: mergeInOrder(messageEntries(state, messages, { startMs, wordsOf }), events),
    omittedMessages: state.ladder?.omitted ?? 0,
    routing: state.groups.flatMap(({ targets }) =>
      targets.flatMap(({ identity, routing }) => (routing === undefined ? [] : [routingWords(routing, identity)])),
    ),
    legs,
    moves,
  };
}

/** A document's clock may be some milliseconds behind that of a gateway. */
function since(startMs: number, atMs: number): number {
  return Math.max(0, Math.round(atMs - startMs));
}

/** What shares a millisecond is told in the order of cause: message, call, decision, and what follows from it. */
function mergeInOrder(messages: readonly LadderEntry[], events: readonly LadderEntry[]): readonly LadderEntry[] {
  return [...messages, ...events].toSorted((a, b) => a.atMs - b.atMs || rankOf(a) - rankOf(b));
}

function rankOf(entry: LadderEntry): number {
  if (entry.kind === "message") return 0;
  if (entry.event === "call.invited") return 1;
  return entry.kind === "decision" ? 2 : 3;
}

function describeLeg(state: CallState, record: CallLegRecord): LadderLeg {
  const { leg, identity, kind, transport, gateway, region, codec, statistics } = record;
  return {
    leg,
    side: sideOf(state, leg),
    identity,
    kind,
    state: record.state,
    transport,
    gateway,
    region,
    codec,
    statistics,
  };
}

/** A leg that takes another one's place stands on its side, whoever sent the INVITE (RFC 3891). */
function sideOf(state: CallState, id: string): Side {
  let leg = state.legs.find((entry) => entry.leg === id);
  for (let hops = 0; leg?.replaces !== undefined && hops < state.legs.length; hops += 1) {
    const { replaces }: CallLeg = leg;
    leg = state.legs.find((entry) => entry.leg === replaces);
  }
  return leg?.side ?? (id === "a" ? "caller" : "callee");
}

function legWords(legs: readonly LadderLeg[], id: string | undefined): LegWords | undefined {
  const leg = legs.find((entry) => entry.leg === id);
  if (leg === undefined) return undefined;
  const alike = legs.filter(({ identity, kind }) => identity === leg.identity && kind === leg.kind);
  const number = alike.length > 1 ? ` ${alike.indexOf(leg) + 1}` : "";
  const name = leg.identity;
  return {
    side: leg.side,
    device: `${name}'s ${leg.kind}${number}`,
    whose: `${name}'s side`,
    isBrowser: leg.kind === "browser",
  };
}

function partiesOf(state: CallState, legs: readonly LadderLeg[]): readonly LadderParty[] {
  const party = (side: Side): LadderParty => {
    const ofSide = legs.filter((leg) => leg.side === side);
    const names = new Set([side === "caller" ? state.from : state.to, ...ofSide.map(({ identity }) => identity)]);
    return { id: side, name: [...names].join(", "), kind: ofSide[0]?.kind === "browser" ? "browser" : "phone" };
  };
  const gateway = (side: Side): LadderParty => ({
    id: `${side}-gateway`,
    name: gatewaysOf(state, legs, side).join(" → "),
    kind: "gateway",
  });
  const worker: LadderParty = { id: "worker", name: "Worker", kind: "worker" };
  const ours = [party("caller"), gateway("caller"), worker];
  return legs.some(({ side }) => side === "callee") ? [...ours, gateway("callee"), party("callee")] : ours;
}

/** In the order in which they carried this side. */
function gatewaysOf(state: CallState, legs: readonly LadderLeg[], side: Side): readonly string[] {
  const ids = new Set(legs.filter((leg) => leg.side === side).map(({ leg }) => leg));
  const browsers = new Set(legs.filter(({ kind }) => kind === "browser").map(({ leg }) => leg));
  const seen = [
    ...(state.ladder?.messages ?? [])
      .filter(({ leg }) => ids.has(leg) && !browsers.has(leg))
      .map(({ via, atMs }) => ({ gateway: via, atMs })),
    ...state.log.flatMap(({ leg, gateway, atMs, event }) =>
      leg !== undefined && ids.has(leg) && gateway !== undefined && !event.startsWith("room.")
        ? [{ gateway, atMs }]
        : [],
    ),
  ].toSorted((a, b) => a.atMs - b.atMs);
  const now = legs.flatMap((leg) => (ids.has(leg.leg) && leg.gateway !== undefined ? [leg.gateway] : []));
  return [...new Set([...seen.map(({ gateway }) => gateway), ...now])];
}

function messageEntries(
  state: CallState,
  messages: readonly KeptMessage[],
  { startMs, wordsOf }: { readonly startMs: number; readonly wordsOf: (leg: string) => LegWords | undefined },
): readonly LadderMessageEntry[] {
  const standings = new Map<string, MessageStanding>();
  return messages.map((message): LadderMessageEntry => {
    const leg = state.legs.find((entry) => entry.leg === message.leg);
    const side = sideOf(state, message.leg);
    const standing = standings.get(message.leg) ?? firstStanding(leg?.side ?? side);
    standings.set(message.leg, standingAfter(standing, message));
    const ours: LadderPartyId = leg?.kind === "browser" ? "worker" : `${side}-gateway`;
    const { via, method, cseq, status, repeat, sdp, cause, sent } = message;
    return {
      kind: "message",
      atMs: since(startMs, message.atMs),
      leg: message.leg,
      device: wordsOf(message.leg)?.device ?? "a device",
      from: sent ? ours : side,
      to: sent ? side : ours,
      via,
      label: messageLabel(message, standing),
      method,
      cseq,
      ...(status === undefined ? {} : { status }),
      repeat: repeat === true,
      ...(sdp === undefined ? {} : { sdp }),
      ...(cause === undefined ? {} : { cause }),
      meaning: messageMeaning(message, standing),
    };
  });
}

function firstStanding(side: Side): MessageStanding {
  return { isCaller: side === "caller", isEstablished: false, wasChallenged: false, finalStatus: undefined };
}

function standingAfter(standing: MessageStanding, { method, status }: KeptMessage): MessageStanding {
  if (method !== "INVITE" || status === undefined || status < 200) return standing;
  return {
    ...standing,
    isEstablished: standing.isEstablished || status < 300,
    wasChallenged: status === 401 || status === 407,
    finalStatus: status,
  };
}

function outcomeOf(state: CallState): string {
  if (state.endedAtMs !== undefined) return upper(endWords(state.endCause ?? "ended"));
  if (state.answeredAtMs !== undefined)
    return state.legs.some(({ side }) => side === "callee") ? "They are talking." : "The call is connected.";
  return state.status === "ringing" ? "It rings." : "The call is being set up.";
}
