import { expect, it } from "vitest";
import { reconnectDelayMs } from "../../../../../worker/console/phone/reconnect-delay.ts";

it("waits 0.25, 0.5, 1, 2, 4 and then 8 seconds at most, at least half of each", () => {
  const tries = [0, 1, 2, 3, 4, 5, 6, 1_000];
  expect(tries.map((tried) => reconnectDelayMs(tried, 1))).toEqual([
    250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000,
  ]);
  expect(tries.map((tried) => reconnectDelayMs(tried, 0))).toEqual([125, 250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
});
