/** Sums of voices: each member hears everybody but itself. */
import type { G711 } from "../codecs/g711.ts";
import { FRAME_SAMPLES } from "../frame-scheduler.ts";

/** Below this, sums are left as they are; above, they approach full scale and never reach it. */
const KNEE = 24_000;
const HEADROOM = 32_767 - KNEE;

export class Mixer {
  readonly #sum = new Int32Array(FRAME_SAMPLES);
  readonly #payload = new Uint8Array(FRAME_SAMPLES);

  clear(): void {
    this.#sum.fill(0);
  }

  add(frame: Int16Array): void {
    const sum = this.#sum;
    for (let at = 0; at < FRAME_SAMPLES; at++) sum[at] = (sum[at] ?? 0) + (frame[at] ?? 0);
  }

  /** The sum in G.711. The same array is used again by the next call. */
  encode({ encode }: G711): Uint8Array {
    const [sum, payload] = [this.#sum, this.#payload];
    for (let at = 0; at < FRAME_SAMPLES; at++) payload[at] = encode[soften(sum[at] ?? 0) & 0xffff] ?? 0;
    return payload;
  }

  /** The sum without `own`, in G.711. The same array is used again by the next call. */
  encodeWithout(own: Int16Array, { encode }: G711): Uint8Array {
    const [sum, payload] = [this.#sum, this.#payload];
    for (let at = 0; at < FRAME_SAMPLES; at++)
      payload[at] = encode[soften((sum[at] ?? 0) - (own[at] ?? 0)) & 0xffff] ?? 0;
    return payload;
  }
}

/** Clips without a corner: loud moments of many voices get rounder, not harsh. */
export function soften(sample: number): number {
  if (sample <= KNEE && sample >= -KNEE) return sample;
  const over = Math.abs(sample) - KNEE;
  const loud = KNEE + (HEADROOM * over) / (HEADROOM + over);
  return sample < 0 ? -loud : loud;
}
