/** Calls at a steady rate, whatever becomes of them: the load does not wait for whom it loads. */
import { setTimeout as sleep } from "node:timers/promises";
import type { SipPhone } from "./sip-phone.ts";

export interface CallPair {
  readonly caller: SipPhone;
  readonly callee: string;
}

export interface LoadStep {
  readonly rate: number;
  readonly started: number;
  readonly completed: number;
  readonly failed: number;
  /** From the first call of the step until the last one that it started had ended. */
  readonly elapsedMs: number;
  /** First INVITE to 200, of calls that completed. */
  readonly answeredMs: readonly number[];
  /** By message, how often. */
  readonly failures: Readonly<Record<string, number>>;
}

/** Between two looks at the clock; calls that are due go together. */
const TICK_MS = 5;

/** Sets up and ends calls at `rate` a second for `ms`, pairs in turn, then waits for those under way. */
export async function runLoadStep(pairs: readonly CallPair[], rate: number, ms: number): Promise<LoadStep> {
  const answeredMs: number[] = [];
  const failures: Record<string, number> = {};
  const running: Promise<void>[] = [];
  const one = async ({ caller, callee }: CallPair): Promise<void> => {
    try {
      const call = await caller.call(callee);
      await call.hangUp();
      answeredMs.push(call.answeredMs);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      failures[message] = (failures[message] ?? 0) + 1;
    }
  };
  const startedAt = performance.now();
  for (let at = 0; at < ms; at = performance.now() - startedAt) {
    for (const due = Math.ceil((at * rate) / 1000); running.length < due;) {
      const pair = pairs[running.length % pairs.length];
      if (pair === undefined) throw new Error("no phones to call with");
      running.push(one(pair));
    }
    await sleep(TICK_MS);
  }
  await Promise.all(running);
  const completed = answeredMs.length;
  const elapsedMs = performance.now() - startedAt;
  return {
    rate,
    started: running.length,
    completed,
    failed: running.length - completed,
    elapsedMs,
    answeredMs,
    failures,
  };
}
