import { describe, expect, it } from "vitest";
import { allSteps, checkSteps, selectSteps, withWholeTable } from "../../../../scripts/test/steps.ts";

const names = (only: readonly string[]) => selectSteps(allSteps("/cache"), only).map(({ name }) => name);

describe("the steps of npm test", () => {
  it("go from the fastest to the slowest", () => {
    expect(names([])).toEqual([
      "format",
      "lint",
      "types pure",
      "types worker",
      "types console",
      "types node",
      "unused code",
      "bundle",
      "unit",
      "workerd",
      "integration",
      "e2e",
    ]);
  });

  it("begin with those of npm run check", () => {
    expect(allSteps("/cache").slice(0, 6)).toEqual(checkSteps());
  });

  it("together may not take longer than an hour, even when the tests hang on a busy machine", () => {
    const vitest = allSteps("/cache").filter(({ report }) => report !== undefined);
    const limitMs = vitest.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0);
    expect(limitMs).toBeLessThanOrEqual(60 * 60_000);
  });

  it("take the whole table of pairs and courses only when told so", () => {
    const usual = allSteps("/cache");
    expect(usual.filter(({ env }) => env !== undefined)).toEqual([]);
    const whole = withWholeTable(usual).filter(({ env }) => env?.["CALL_TABLE"] === "all");
    expect(whole.map(({ name }) => name)).toEqual(["e2e"]);
  });

  it.each([
    [["unit"], ["unit"]],
    [["types"], ["types pure", "types worker", "types console", "types node"]],
    [
      ["e2e", "lint"],
      ["lint", "e2e"],
    ],
    [["nothing"], []],
  ])("are chosen by %j", (only, expected) => {
    expect(names(only)).toEqual(expected);
  });
});
