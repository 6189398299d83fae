/** Time that tests own: timers fire in order when the clock is moved. */
import type { Clock, Timer } from "../../../../gateway-node/clock.ts";

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #entries = new Set<Entry>();

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** Timers that are set and have not fired. */
  get armed(): number {
    return this.#entries.size;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    this.#order += 1;
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, fire };
    this.#entries.add(entry);
    return { clear: () => void this.#entries.delete(entry) };
  }

  /** Fires what is due on the way, in order of time. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      const next = [...this.#entries]
        .filter((entry) => entry.atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#entries.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fire();
    }
    this.#nowMs = endMs;
  }

  /** Like `advance`, with pending promises carried on after each step. */
  async advanceAsync(byMs: number, stepMs = byMs): Promise<void> {
    for (let spent = 0; spent < byMs; spent += stepMs) {
      this.advance(Math.min(stepMs, byMs - spent));
      await settle();
    }
  }
}

/** Lets everything that waits for a promise only go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
