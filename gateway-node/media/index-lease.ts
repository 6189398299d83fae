/**
 * Leased use of an outgoing SRTP index (docs/design/capsule.md; `OutgoingStreamLease`). The Call object stores the limit,
 * the holder stops before it, an adopter starts at it: no index is used twice even when the holder died without a word.
 * Limits stay within 28,000 of what the receiver saw, well below 2^15, so its guess of the rollover counter stays right.
 */
import { ADOPTION_LEASE_STEP } from "#protocol/capsule";

export const LEASE_STEP = 28_000;
const RENEW_BELOW = 24_000;
export class IndexLease {
  /** Use of indices at and beyond this is forbidden. */
  limit: number;
  #wanted: number;

  private constructor(limit: number) {
    this.limit = limit;
    this.#wanted = limit;
  }

  static fresh(index: number): IndexLease {
    return new IndexLease(index + LEASE_STEP);
  }

  /**
   * An adopter may use the first step before the Call object confirms it: raising the epoch made it the only holder, and a
   * further adopter is only named after the step was stored or this gateway is gone without having been heard.
   */
  static adopted(storedLimit: number): IndexLease {
    return new IndexLease(storedLimit + ADOPTION_LEASE_STEP);
  }

  /** The limit to ask for now, once for each step; `undefined` when nothing is to be asked. */
  wanted(nextIndex: number): number | undefined {
    if (this.limit - nextIndex >= RENEW_BELOW) return undefined;
    const limit = nextIndex + LEASE_STEP;
    // Asked already: repeat only when another step was used up meanwhile, in case the answer was lost.
    if (limit - this.#wanted < LEASE_STEP - RENEW_BELOW && this.#wanted > this.limit) return undefined;
    this.#wanted = limit;
    return limit;
  }

  /** Where an adopter must start: what was asked for may have been granted already. */
  get claimed(): number {
    return Math.max(this.limit, this.#wanted);
  }

  /** A limit that the Call object stored. Older answers change nothing. */
  grant(limit: number): void {
    if (limit > this.limit) this.limit = limit;
  }
}
