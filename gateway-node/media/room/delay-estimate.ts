/**
 * How late a stream must be played so that its packets are there in time. A packet's transit (arrival less timestamp, in
 * samples, against an unknown zero) is followed by its least and greatest value over the last seconds.
 */
import { FRAME_SAMPLES } from "../frame-scheduler.ts";
import { RTP_CLOCK_PER_MS } from "../rtp-packet.ts";

export const MIN_DELAY_MS = 40;
export const MAX_DELAY_MS = 120;
/** Two of these windows are looked at: what is older is forgotten, so clocks may drift and routes may change. */
const WINDOW_MS = 3_000;

export class DelayEstimate {
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #least = Number.POSITIVE_INFINITY;
  #greatest = Number.NEGATIVE_INFINITY;
  #leastBefore = Number.POSITIVE_INFINITY;
  #greatestBefore = Number.NEGATIVE_INFINITY;

  /** True once a packet was seen. */
  get known(): boolean {
    return this.#least !== Number.POSITIVE_INFINITY;
  }

  /** The least transit of late. */
  get leastTransit(): number {
    return Math.min(this.#least, this.#leastBefore);
  }

  onPacket(transit: number, nowMs: number): void {
    const ageMs = nowMs - this.#startedAtMs;
    if (ageMs >= WINDOW_MS) {
      const recent = ageMs < 2 * WINDOW_MS;
      this.#leastBefore = recent ? this.#least : Number.POSITIVE_INFINITY;
      this.#greatestBefore = recent ? this.#greatest : Number.NEGATIVE_INFINITY;
      this.#startedAtMs = nowMs;
      this.#least = transit;
      this.#greatest = transit;
    }
    if (transit < this.#least) this.#least = transit;
    if (transit > this.#greatest) this.#greatest = transit;
  }

  /** The timestamp that should be played at `atMs`. */
  playoutAt(atMs: number): number {
    return Math.round(atMs * RTP_CLOCK_PER_MS - this.leastTransit - this.delaySamples);
  }

  /** A frame that straddles two packets needs the second one too, which left a frame later. */
  get delaySamples(): number {
    const spread = Math.max(this.#greatest, this.#greatestBefore) - this.leastTransit + FRAME_SAMPLES;
    return Math.min(MAX_DELAY_MS * RTP_CLOCK_PER_MS, Math.max(MIN_DELAY_MS * RTP_CLOCK_PER_MS, spread));
  }
}
