import { runStep } from "./run-step.ts";
import type { StepOutcome } from "./run-step.ts";
import type { TestStep } from "./steps.ts";
import { addTallies, EMPTY_TALLY, encodeTally } from "./tally.ts";

/** Runs all steps whatever fails, prints what each took and the closing line; the result is the exit code. */
export async function runSteps(
  root: string,
  steps: readonly TestStep[],
  leftOut: readonly string[] = [],
): Promise<number> {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => abort.abort());
  const outcomes: StepOutcome[] = [];
  for (const step of steps) {
    outcomes.push(await runStep(root, step, abort.signal));
    if (abort.signal.aborted) return 130;
  }
  console.log("");
  for (const { step, ok, seconds } of outcomes) {
    console.log(`${ok ? "ok    " : "FAILED"} ${step.name.padEnd(14)} ${seconds.toFixed(1).padStart(6)} s`);
  }
  for (const line of leftOut) console.log(line);
  const total = outcomes.map(({ tally }) => tally).reduce(addTallies, EMPTY_TALLY);
  console.log(encodeTally(total));
  return total.failed > 0 ? 1 : 0;
}
