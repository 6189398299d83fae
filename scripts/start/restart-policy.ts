/** A process that lived this long had started well; its death says nothing about the next life. */
export const STEADY_LIFE_MS = 20_000;
/** So many quick deaths in a row are answered at once: a test or an operator kills more than once. */
const IMMEDIATE_RESTARTS = 3;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;

/** How long to wait before a process is started again, after `quickDeaths` lives in a row that were not steady. */
export function restartDelayMs(quickDeaths: number): number {
  if (quickDeaths <= IMMEDIATE_RESTARTS) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** (quickDeaths - IMMEDIATE_RESTARTS - 1), LONGEST_DELAY_MS);
}
