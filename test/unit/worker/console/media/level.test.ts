import { expect, it } from "vitest";
import { levelOf } from "../../../../../worker/console/media/level.ts";

it("silence is 0, full scale 1, and a quiet voice well between", () => {
  const at = (decibels: number): number => levelOf(new Float32Array(64).fill(10 ** (decibels / 20)));
  expect(levelOf(new Float32Array(64))).toBe(0);
  expect([0, -30, -60, -90].map((decibels) => Number(at(decibels).toFixed(3)))).toEqual([1, 0.5, 0, 0]);
});
