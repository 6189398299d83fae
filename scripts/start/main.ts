import { fileURLToPath } from "node:url";
import { parseStartOptions } from "./options.ts";
import { StartAborted, StartProblem } from "./problem.ts";
import { findAncestor, isRunning } from "./process-table.ts";
import { Stack } from "./stack.ts";

const NPM_CHECK_MS = 250;

// Whatever a child creates is private as well.
process.umask(0o077);
const startedAtMs = performance.now();
const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const options = parseStartOptions(process.argv.slice(2), root);
const stack = new Stack(root, options, (line) => console.log(line));
let stopReason: string | undefined;

// A terminal that went away must not keep us from stopping our children.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop(signal));
process.once("disconnect", () => stop("the starting process ended"));
watchNpm();

try {
  await stack.start();
  console.log(`ready in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
} catch (error) {
  await fail(error);
}

function stop(reason: string): void {
  if (stopReason !== undefined) return;
  stopReason = reason;
  console.log(`stopping (${reason}) ...`);
  void stack.close().then(() => {
    console.log("stopped");
    process.exit(process.exitCode ?? 0);
  });
}

async function fail(error: unknown): Promise<void> {
  if (error instanceof StartAborted) return;
  process.exitCode = 1;
  if (error instanceof StartProblem) for (const line of error.lines) console.error(line);
  else console.error(error);
  await stack.close();
  process.exit(1);
}

/** SIGKILL to npm reaches nobody else, so we look whether it is still there. */
function watchNpm(): void {
  if (process.platform !== "linux" || process.env["npm_lifecycle_event"] !== "start") return;
  const npm = findAncestor(/\bnpm\b/);
  if (npm === undefined) return;
  setInterval(() => {
    if (!isRunning(npm)) stop("npm ended");
  }, NPM_CHECK_MS).unref();
}
