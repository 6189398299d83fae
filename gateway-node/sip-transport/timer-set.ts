/** The running timers of one transaction. */
import type { SipClock, SipTimer } from "./sip-stack-options.ts";

export class TimerSet<Name extends string> {
  readonly #clock: SipClock;
  readonly #fire: (name: Name) => void;
  /** Four at most: a list is smaller and faster than a map. */
  #running: { readonly name: Name; readonly timer: SipTimer }[] = [];

  constructor(clock: SipClock, fire: (name: Name) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** Replaces a running timer of the same name. */
  setAt(name: Name, atMs: number): void {
    this.#remove(name)?.clear();
    const waitMs = Math.max(0, Math.ceil(atMs - this.#clock.nowMs()));
    const timer = this.#clock.setTimer(waitMs, () => {
      this.#remove(name);
      this.#fire(name);
    });
    this.#running.push({ name, timer });
  }

  clear(): void {
    for (const { timer } of this.#running) timer.clear();
    this.#running = [];
  }

  #remove(name: Name): SipTimer | undefined {
    const index = this.#running.findIndex((running) => running.name === name);
    return index < 0 ? undefined : this.#running.splice(index, 1)[0]?.timer;
  }
}
