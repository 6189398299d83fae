/** Questions to the Worker that are answered by number: each ends with its answer or at its deadline. */
import type { Clock, Timer } from "../clock.ts";

interface Pending<Answer> {
  readonly resolve: (answer: Answer | undefined) => void;
  readonly timer: Timer;
}

export class PendingRequests<Answer> {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #pending = new Map<number, Pending<Answer>>();

  constructor(clock: Clock, deadlineMs: number) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** `undefined`: no answer in time. */
  wait(id: number): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(this.#deadlineMs, () => this.#settle(id, undefined));
      this.#pending.set(id, { resolve, timer });
    });
  }

  answer(id: number, answer: Answer): void {
    this.#settle(id, answer);
  }

  #settle(id: number, answer: Answer | undefined): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    pending.timer.clear();
    pending.resolve(answer);
  }
}
