import { expect, it } from "vitest";
import { percentile, sum } from "../../../bench/support/statistics.ts";

it.each([
  [[3, 1, 2], 0.5, 2],
  [[4, 1, 3, 2], 0.5, 2],
  [[5], 0.99, 5],
  [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.95, 10],
  [[1, 2], 0, 1],
  [[], 0.5, Number.NaN],
])("of %j the share %d does not exceed %d", (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});

it("adds up anything that can be gone through", () => {
  expect(
    sum(
      new Map([
        ["a", 1],
        ["b", 2],
      ]).values(),
    ),
  ).toBe(3);
});
