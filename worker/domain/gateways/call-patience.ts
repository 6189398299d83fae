/**
 * How long a Call object that fails is asked again. One that is merely away, with its machine or its region, comes back; one
 * that fails for good must not hold up the channel that it shares with other calls. Pure.
 */
import type { CallToken, RegionName } from "#protocol/ids";

/** While other calls of its region answer. A deployment or the move of an object takes less. */
export const CALL_PATIENCE_MS = 30_000;
/** While none of them does: then it is not this call that is broken. */
export const REGION_PATIENCE_MS = 300_000;

interface Failing {
  readonly sinceMs: number;
  readonly lastMs: number;
}

export class CallPatience {
  readonly #failing = new Map<CallToken, Failing>();
  readonly #answeredAtMs = new Map<RegionName, number>();

  answered(call: CallToken, region: RegionName, nowMs: number): void {
    this.#failing.delete(call);
    this.#answeredAtMs.set(region, nowMs);
  }

  /** Whether to ask again. Once not, the call counts as new. */
  failed(call: CallToken, region: RegionName, nowMs: number): "again" | "give-up" {
    this.#forgetOld(nowMs);
    const sinceMs = this.#failing.get(call)?.sinceMs ?? nowMs;
    this.#failing.set(call, { sinceMs, lastMs: nowMs });
    const othersAnswer = (this.#answeredAtMs.get(region) ?? 0) > sinceMs;
    if (nowMs - sinceMs < (othersAnswer ? CALL_PATIENCE_MS : REGION_PATIENCE_MS)) return "again";
    this.forget(call);
    return "give-up";
  }

  forget(call: CallToken): void {
    this.#failing.delete(call);
  }

  /** Failures with so long a pause between them are two stories. */
  #forgetOld(nowMs: number): void {
    for (const [call, { lastMs }] of this.#failing) if (nowMs - lastMs >= CALL_PATIENCE_MS) this.forget(call);
  }
}
