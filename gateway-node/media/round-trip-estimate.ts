/** Smoothed round trip and its variation, as TCP keeps them (RFC 6298 section 2). */
export class RoundTripEstimate {
  #smoothedMs: number | undefined;
  #variationMs = 0;

  add(sampleMs: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = sampleMs;
      this.#variationMs = sampleMs / 2;
      return;
    }
    this.#variationMs += (Math.abs(this.#smoothedMs - sampleMs) - this.#variationMs) / 4;
    this.#smoothedMs += (sampleMs - this.#smoothedMs) / 8;
  }

  /** An answer that is later than this is hardly to be expected; undefined before the first sample. */
  get lateAfterMs(): number | undefined {
    return this.#smoothedMs === undefined ? undefined : this.#smoothedMs + 4 * this.#variationMs;
  }
}
