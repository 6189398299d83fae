import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { readVitestReport } from "./tally.ts";
import type { Tally } from "./tally.ts";
import type { TestStep } from "./steps.ts";

/** How a step went; its own success counts as one beside the tests it ran. */
export interface StepOutcome {
  readonly step: TestStep;
  readonly ok: boolean;
  readonly seconds: number;
  readonly tally: Tally;
}

export async function runStep(root: string, step: TestStep, signal: AbortSignal): Promise<StepOutcome> {
  console.log(`\n== ${step.name}: ${step.command.join(" ")}`);
  if (step.report !== undefined) {
    mkdirSync(dirname(step.report), { recursive: true });
    rmSync(step.report, { force: true });
  }
  const startedAtMs = performance.now();
  const code = await runProgram(root, step, signal);
  const tests = step.report === undefined ? { passed: 0, failed: 0 } : readVitestReport(step.report);
  // Tests that left no report did not run to the end.
  const ok = code === 0 && tests !== undefined && tests.failed === 0;
  const { passed, failed } = tests ?? { passed: 0, failed: 0 };
  return {
    step,
    ok,
    seconds: (performance.now() - startedAtMs) / 1000,
    tally: { passed: passed + (ok ? 1 : 0), failed: failed + (ok ? 0 : 1) },
  };
}

/** Its own process group, so that a step that hangs is ended with all that it started. */
function runProgram(root: string, { command, timeoutMs, name, env }: TestStep, signal: AbortSignal): Promise<number> {
  const [program, ...args] = command;
  const child = spawn(join(root, "node_modules/.bin", program), args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
    env: {
      ...process.env,
      ...env,
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_LOG_PATH: join(root, ".cache/test/wrangler.log"),
      PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`,
    },
  });
  const kill = (sent: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null) return;
    try {
      process.kill(-child.pid, sent);
    } catch {
      // It ended in this very moment.
    }
  };
  const end = () => {
    kill("SIGTERM");
    setTimeout(() => kill("SIGKILL"), 5_000).unref();
  };
  const timer = setTimeout(() => {
    console.error(`${name} took longer than ${timeoutMs / 60_000} minutes: ended`);
    end();
  }, timeoutMs);
  signal.addEventListener("abort", end, { once: true });
  return new Promise<number>((resolve) => {
    child.once("error", (error) => {
      console.error(`${program} does not run: ${error.message}`);
      resolve(1);
    });
    child.once("exit", (code) => resolve(code ?? 1));
  }).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  });
}
