import { readFileSync } from "node:fs";
import { z } from "zod";

/** What counts: each step once, and each test that a step ran. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export const EMPTY_TALLY: Tally = { passed: 0, failed: 0 };

export function addTallies(a: Tally, b: Tally): Tally {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed };
}

const reportSchema = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number().default(0),
  numTodoTests: z.number().default(0),
});

/** Reads vitest's JSON report. A test that did not run counts as failed: a hidden gap is worse than a red line. */
export function readVitestReport(file: string): Tally | undefined {
  try {
    const report = reportSchema.parse(JSON.parse(readFileSync(file, "utf8")));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return undefined;
  }
}

/** The line that ends `npm test`; tools read it. */
export function encodeTally({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`;
}
