import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { addTallies, encodeTally, readVitestReport } from "../../../../scripts/test/tally.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nearside-tally-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("readVitestReport", () => {
  it("counts a test that was skipped or is still to be written as failed", () => {
    const file = join(folder, "report.json");
    writeFileSync(file, JSON.stringify({ numPassedTests: 7, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 }));
    expect(readVitestReport(file)).toEqual({ passed: 7, failed: 4 });
  });

  it("has no answer when there is no report, or half of one", () => {
    const file = join(folder, "half.json");
    writeFileSync(file, '{"numPassedTests": 7');
    expect(readVitestReport(file)).toBeUndefined();
    expect(readVitestReport(join(folder, "none.json"))).toBeUndefined();
  });
});

it("ends with the line that tools read", () => {
  expect(encodeTally(addTallies({ passed: 2, failed: 1 }, { passed: 40, failed: 0 }))).toBe("42 passed, 1 failed");
});
