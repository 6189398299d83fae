const FIRST_MS = 250;
const LONGEST_MS = 8_000;

/** Doubles with each failed try; `random` in 0..1 keeps a thousand pages from coming back in the same moment. */
export function reconnectDelayMs(failedTries: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failedTries, 16));
  return Math.round(full / 2 + (full / 2) * random);
}
