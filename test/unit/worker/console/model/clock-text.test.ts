import { describe, expect, it } from "vitest";
import { sinceText } from "../../../../../worker/console/call-page/clock-text.ts";

describe("times in a ladder", () => {
  it.each([
    [0, "0.000 s"],
    [56, "0.056 s"],
    [59_999, "59.999 s"],
    [60_000, "1:00.0"],
    [125_340, "2:05.3"],
  ])("%d ms after the first INVITE are written %s", (atMs, text) => {
    expect(sinceText(atMs)).toBe(text);
  });
});
