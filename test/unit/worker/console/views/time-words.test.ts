import { expect, it } from "vitest";
import { durationText, durationWords, momentText } from "../../../../../worker/console/views/time-words.ts";

it("durations are read as on a clock and said as people say them", () => {
  const ms = [-5, 0, 7_400, 61_000, 754_000, 3_723_000];
  expect(ms.map(durationText)).toEqual(["0:00", "0:00", "0:07", "1:01", "12:34", "1:02:03"]);
  expect([0, 1_000, 60_000, 61_000, 125_000].map(durationWords)).toEqual([
    "0 seconds",
    "1 second",
    "1 minute",
    "1 minute 1 second",
    "2 minutes 5 seconds",
  ]);
});

it("moments are told more loosely the longer they are ago", () => {
  const now = new Date(2026, 10, 20, 15, 0);
  expect(momentText(new Date(2026, 10, 20, 9, 5), now)).toMatch(/^0?9:05/);
  expect(momentText(new Date(2026, 10, 19, 9, 5), now)).toMatch(/^Yesterday 0?9:05/);
  expect(momentText(new Date(2026, 10, 16, 9, 5), now)).toMatch(/^\w{3}\S* 0?9:05/);
  expect(momentText(new Date(2025, 3, 2), now)).toContain("2025");
});
