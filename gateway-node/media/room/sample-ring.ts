/** Samples by their timestamp: packets may come in any order, of any length, and more than once. */

/** 512 ms: the longest delay, late packets and a made-up stall fit. A power of two. */
const SIZE = 4_096;
const MASK = SIZE - 1;
/** No G.711 code decodes to this. */
export const MISSING = -0x8000;

export class SampleRing {
  readonly #samples = new Int16Array(SIZE).fill(MISSING);

  /** True when samples from `from` to before `end` fit beside each other. */
  static fits(from: number, end: number): boolean {
    return end - from <= SIZE;
  }

  /** Decodes `payload` to `at` and on. */
  write(at: number, payload: Uint8Array, decode: Int16Array): void {
    for (let offset = 0; offset < payload.length; offset++)
      this.#samples[(at + offset) & MASK] = decode[payload[offset] ?? 0] ?? 0;
  }

  /** The sample at `at`, or `MISSING`. */
  peek(at: number): number {
    return this.#samples[at & MASK] ?? MISSING;
  }

  /** Whether nothing is missing from `at` on. */
  holds(at: number, count: number): boolean {
    for (let offset = 0; offset < count; offset++) if (this.peek(at + offset) === MISSING) return false;
    return true;
  }

  forget(from: number, end: number): void {
    if (end - from >= SIZE) {
      this.#samples.fill(MISSING);
      return;
    }
    for (let at = from; at < end; at++) this.#samples[at & MASK] = MISSING;
  }

  clear(): void {
    this.#samples.fill(MISSING);
  }
}
