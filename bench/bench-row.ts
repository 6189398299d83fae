/** One figure of ours beside its peer's, measured in the same run on the same machine. */
export interface BenchRow {
  /** What was measured, as a sentence fragment ("parse an INVITE of 1,481 bytes"). */
  readonly name: string;
  /** Unit of `ours` and `peer` ("us", "messages/s", "ms p50"). */
  readonly unit: string;
  readonly ours: number;
  readonly peer: number;
  /** The peer with its version ("sip.js 0.21.2"). */
  readonly peerName: string;
  /** How many times better we are, over 1 in our favour whatever the unit's direction. */
  readonly ratio: number;
  /** The ratio to reach; below it the row fails. */
  readonly goal?: number;
  /** What a reader must know to judge the figure (durations, sizes, what was left out). */
  readonly note?: string;
}

/** What each `bench/*.bench.ts` exports as `run`. */
export type BenchRun = () => Promise<readonly BenchRow[]>;
