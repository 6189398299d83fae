import { expect, it } from "vitest";
import { restartDelayMs } from "../../../../scripts/start/restart-policy.ts";

it("answers the first deaths at once, then waits twice as long each time, at most ten seconds", () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 50].map(restartDelayMs)).toEqual([
    0, 0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000,
  ]);
});
