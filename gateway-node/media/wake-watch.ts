/**
 * Notices that this process did not run for a while: stopped, starved, or its machine frozen. What waited in its sockets by
 * then is too old for a talk, and its legs may have moved meanwhile without its knowing: both ends would hear it twice.
 */

/** How often `tick` is to be called. */
export const WAKE_TICK_MS = 100;
/** Neighbours suspect after 200 ms and prove within another 100; nobody listens to audio that is older than this. */
export const ASLEEP_LIMIT_MS = 500;

export class WakeWatch {
  #tickAtMs: number;
  #awakeAtMs = -Infinity;

  constructor(nowMs: number) {
    this.#tickAtMs = nowMs;
  }

  tick(nowMs: number): void {
    // The timers of a process that wakes may run before its sockets are read, so one more turn belongs to the sleep.
    if (nowMs - this.#tickAtMs > ASLEEP_LIMIT_MS) this.#awakeAtMs = nowMs + WAKE_TICK_MS;
    this.#tickAtMs = nowMs;
  }

  /** Whether a packet that is read now may have waited through a sleep. */
  slept(nowMs: number): boolean {
    return nowMs < this.#awakeAtMs || nowMs - this.#tickAtMs > ASLEEP_LIMIT_MS;
  }
}
