/** The way of a call over the map, read from its record: pure, so that it can be shown in tests. */
import type { CallRecord } from "../api/types.ts";

/** One end of the call and the gateway that carries it. */
export interface PathEnd {
  readonly name: string;
  readonly gateway: string | undefined;
  readonly region: string | undefined;
  readonly kind: "phone" | "browser" | "number";
  readonly isMoving: boolean;
  readonly codec: string | undefined;
}

export interface CallPath {
  readonly mine: PathEnd;
  readonly theirs: PathEnd;
}

/** My gateway is another than it was. */
export interface GatewayMove {
  readonly whose: "mine" | "theirs";
  readonly from: string;
  readonly to: string;
}

type Leg = CallRecord["legs"][number];

/** `outgoing`: I called. Somebody may call another device of their own, so the names alone do not tell. */
export function callPathOf(record: CallRecord, identity: string, outgoing: boolean): CallPath | undefined {
  const caller = record.legs.find(({ leg }) => leg === "a");
  if (caller === undefined) return undefined;
  const others = record.legs.filter((leg) => leg !== caller);
  // A page that was loaded again is another leg than before, and so is whoever somebody was transferred to.
  const mine = outgoing && isThere(caller) ? caller : furthest(others.filter((leg) => leg.identity === identity));
  const rest = others.filter((leg) => leg !== mine);
  const theirs = !outgoing && isThere(caller) ? caller : furthest(rest);
  if (mine === undefined) return undefined;
  return {
    mine: endOf(mine, identity),
    theirs:
      theirs === undefined
        ? { ...endOf(mine, record.to), name: record.to, kind: "number" }
        : endOf(theirs, theirs === caller ? record.from : theirs.identity),
  };
}

export function gatewayMoves(before: CallPath | undefined, now: CallPath): readonly GatewayMove[] {
  if (before === undefined) return [];
  return (["mine", "theirs"] as const).flatMap((whose) => {
    const from = before[whose].gateway;
    const to = now[whose].gateway;
    return from === undefined || to === undefined || from === to ? [] : [{ whose, from, to }];
  });
}

function isThere({ state }: Leg): boolean {
  return state !== "ended";
}

const PROGRESS: readonly string[] = ["ended", "calling", "ringing", "answered", "connected", "moving"];

/** Of several devices that ring, the one that got furthest is the one that talks. */
function furthest(legs: readonly Leg[]): Leg | undefined {
  return legs.toSorted((a, b) => PROGRESS.indexOf(b.state) - PROGRESS.indexOf(a.state))[0];
}

function endOf(leg: Leg, name: string): PathEnd {
  return {
    name,
    gateway: leg.gateway,
    region: leg.region,
    kind: leg.kind,
    isMoving: leg.state === "moving",
    codec: leg.codec,
  };
}
