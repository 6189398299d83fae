import { beforeEach, describe, expect, it } from "vitest";
import { parseCallToken, parseRegionName } from "../../../../../protocol/ids.ts";
import {
  CALL_PATIENCE_MS,
  CallPatience,
  REGION_PATIENCE_MS,
} from "../../../../../worker/domain/gateways/call-patience.ts";

const [broken, other] = ["a", "b"].map((letter) => parseCallToken(letter.repeat(40))!) as [never, never];
const [here, there] = ["us-east", "eu-west"].map((name) => parseRegionName(name)!) as [never, never];
const STEP_MS = 4_000;

let patience: CallPatience;

beforeEach(() => {
  patience = new CallPatience();
});

/** Fails every four seconds; when it was given up, if ever. */
function failUntil(endMs: number, meanwhile: (nowMs: number) => void = () => undefined): number | undefined {
  for (let nowMs = 0; nowMs <= endMs; nowMs += STEP_MS) {
    if (patience.failed(broken, here, nowMs) === "give-up") return nowMs;
    meanwhile(nowMs + 1);
  }
  return undefined;
}

describe("patience with a Call object that fails", () => {
  it("ends after half a minute when other calls of its region answer", () => {
    const givenUpAtMs = failUntil(120_000, (nowMs) => patience.answered(other, here, nowMs));
    expect(givenUpAtMs).toBe(Math.ceil(CALL_PATIENCE_MS / STEP_MS) * STEP_MS);
  });

  it("outlasts an absence of all calls of its region, whatever others answer", () => {
    const givenUpAtMs = failUntil(600_000, (nowMs) => patience.answered(other, there, nowMs));
    expect(givenUpAtMs).toBe(Math.ceil(REGION_PATIENCE_MS / STEP_MS) * STEP_MS);
  });

  it("does not count what was answered before the first failure", () => {
    patience.answered(other, here, -1);
    expect(failUntil(120_000)).toBeUndefined();
  });

  it("begins anew with each answer", () => {
    expect(failUntil(24_000, (nowMs) => patience.answered(other, here, nowMs))).toBeUndefined();
    patience.answered(broken, here, 25_000);
    expect(patience.failed(broken, here, 40_000)).toBe("again");
  });

  it("begins anew after a long pause", () => {
    expect(failUntil(20_000, (nowMs) => patience.answered(other, here, nowMs))).toBeUndefined();
    expect(patience.failed(broken, here, 20_000 + CALL_PATIENCE_MS)).toBe("again");
  });
});
