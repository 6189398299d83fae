/**
 * How many stray requests the Worker is told of: anybody can write a tag that looks like ours, and each report costs it a
 * request. A phone whose leg has moved sends one or two.
 */
import type { Clock } from "../clock.ts";

export const STRAYS_A_SOURCE = 5;
/** Of all sources: those of UDP can be forged. */
export const STRAYS_IN_ALL = 50;
const WINDOW_MS = 1_000;

export class StrayLimit {
  readonly #clock: Clock;
  #windowEndsAtMs = 0;
  #inAll = 0;
  /** No longer than `STRAYS_IN_ALL`. */
  readonly #bySource = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  allows(source: string): boolean {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#windowEndsAtMs) {
      this.#windowEndsAtMs = nowMs + WINDOW_MS;
      this.#inAll = 0;
      this.#bySource.clear();
    }
    const ofSource = this.#bySource.get(source) ?? 0;
    if (ofSource >= STRAYS_A_SOURCE || this.#inAll >= STRAYS_IN_ALL) return false;
    this.#bySource.set(source, ofSource + 1);
    this.#inAll += 1;
    return true;
  }
}
