/** Faster than any telephone dials; each key costs the Call object a request and a row. */
const KEYS_A_SECOND = 15;
const BURST = 30;

/** How many keys of a leg may be reported now. */
export class KeyAllowance {
  #left = BURST;
  #atMs = 0;

  take(nowMs: number): boolean {
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#atMs) * KEYS_A_SECOND) / 1_000);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
