/** The calls of one identity as its owner thinks of them: one entry a call, however many devices rang. */
import type { CallSid, EndpointId } from "#protocol/ids";
import type { CallStatus, CallSummary } from "../calls/call-object-api.ts";

/** `in-progress` includes ringing; `missed` and `declined` are incoming, the rest of the failures outgoing. */
export type OwnCallOutcome =
  | "in-progress"
  | "answered"
  | "missed"
  | "declined"
  | "busy"
  | "no-answer"
  | "canceled"
  | "failed";

export interface OwnCall {
  readonly sid: CallSid;
  readonly direction: "outgoing" | "incoming";
  /** Identity or number of the other side. */
  readonly peer: string;
  readonly outcome: OwnCallOutcome;
  readonly createdAtMs: number;
  readonly answeredAtMs?: number;
  readonly endedAtMs?: number;
}

/** `legs`: parents and children that name the identity, in any order. Newest call first. */
export function ownCalls(identity: EndpointId, legs: readonly CallSummary[]): readonly OwnCall[] {
  const byCall = new Map<CallSid, CallSummary[]>();
  for (const leg of legs) {
    const sid = leg.parentSid ?? leg.sid;
    const known = byCall.get(sid);
    if (known === undefined) byCall.set(sid, [leg]);
    else if (!known.some((other) => other.sid === leg.sid)) known.push(leg);
  }
  return [...byCall]
    .flatMap(([sid, ofCall]) => ownCall(identity, sid, ofCall) ?? [])
    .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.sid < b.sid ? 1 : -1));
}

function ownCall(identity: EndpointId, sid: CallSid, legs: readonly CallSummary[]): OwnCall | undefined {
  const me = `client:${identity}`;
  const parent = legs.find((leg) => leg.parentSid === undefined);
  const [any] = legs;
  if (any === undefined) return undefined;
  if (any.from === me) {
    const whole = parent ?? any;
    return { ...entry(sid, "outgoing", whole.to, whole), outcome: outgoingOutcome(whole.status) };
  }
  const rung = legs.filter((leg) => leg.parentSid !== undefined && leg.to === me);
  // The device that answered, else the one that said most about why not.
  const best =
    rung.find(({ answeredAtMs }) => answeredAtMs !== undefined) ?? rung.find(({ status }) => status === "busy");
  const whole = best ?? rung[0] ?? parent ?? any;
  return { ...entry(sid, "incoming", whole.from, whole), outcome: incomingOutcome(whole) };
}

function entry(
  sid: CallSid,
  direction: OwnCall["direction"],
  peer: string,
  { createdAtMs, answeredAtMs, endedAtMs }: CallSummary,
): Omit<OwnCall, "outcome"> {
  return { sid, direction, peer: peer.replace(/^client:/, ""), createdAtMs, answeredAtMs, endedAtMs };
}

function outgoingOutcome(status: CallStatus): OwnCallOutcome {
  if (status === "queued" || status === "ringing") return "in-progress";
  return status === "completed" ? "answered" : status;
}

function incomingOutcome({ status, answeredAtMs }: CallSummary): OwnCallOutcome {
  if (status === "queued" || status === "ringing" || status === "in-progress") return "in-progress";
  if (answeredAtMs !== undefined) return "answered";
  return status === "busy" ? "declined" : "missed";
}
