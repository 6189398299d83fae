/** One figure of ours beside its peer's, measured in the same run on the same machine. */
export interface BenchRow {
  /** What was measured, as a sentence fragment ("parse an INVITE of 1,481 bytes"). */
  readonly name: string;
  /** Unit of `ours` and `peer` ("us", "messages/s", "ms p50"). */
  readonly unit: string;
  readonly ours: number;
  /** Absent when the peer is not installed; the note says which Debian package it needs. */
  readonly peer?: number;
  /** The peer with its version ("sip.js 0.21.2"), or "goal" where we are measured against what we want. */
  readonly peerName: string;
  /** How many times better we are, over 1 in our favour whatever the unit's direction; absent without a peer. */
  readonly ratio?: number;
  /** The ratio to reach; below it the row fails. */
  readonly goal?: number;
  /** What a reader must know to judge the figure (durations, sizes, what was left out). */
  readonly note?: string;
}

/** What each `bench/*.bench.ts` exports as `run`. */
export type BenchRun = () => Promise<readonly BenchRow[]>;

interface Comparison {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: number | undefined;
  readonly peerName: string;
  readonly goal?: number;
  readonly note?: string;
}

/** A row of something of which less is better: time, requests, silence. */
export function lessIsBetter({ peer, ...row }: Comparison): BenchRow {
  return peer === undefined ? row : { ...row, peer, ...ratioOf(peer, row.ours) };
}

/** A row of something of which more is better: calls a second. */
export function moreIsBetter({ peer, ...row }: Comparison): BenchRow {
  return peer === undefined ? row : { ...row, peer, ...ratioOf(row.ours, peer) };
}

/** Nothing against nothing is as good; nothing against something is better than a number can say. */
function ratioOf(over: number, under: number): { readonly ratio?: number } {
  if (over === under) return { ratio: 1 };
  return under === 0 ? {} : { ratio: over / under };
}
