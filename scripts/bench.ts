import { globSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Command } from "commander";
import type { BenchRow, BenchRun } from "../bench/bench-row.ts";
import { encodeBenchTable, missedGoals } from "./bench/table.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const resultFile = join(root, "bench/results/latest.json");
const command = new Command()
  .name("npm run bench --")
  .description("Runs every benchmark beside its peer and writes bench/results/latest.json.")
  .argument("[words...]", "only benchmark files whose names contain one of these")
  .parse();
const files = globSync("bench/*.bench.ts", { cwd: root })
  .filter((file) => command.args.length === 0 || command.args.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) command.error("error: no benchmark has such a name");

const rows: BenchRow[] = [];
const failures: string[] = [];
// One after the other: two at once would measure each other.
for (const file of files) {
  console.log(`running ${file} ...`);
  try {
    rows.push(...(await runBench(file)));
  } catch (error) {
    console.error(error);
    failures.push(`${file} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

console.log(`\n${encodeBenchTable(rows)}`);
writeResults();
const complaints = [...failures, ...missedGoals(rows)];
for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length > 0 ? 1 : 0);

async function runBench(file: string): Promise<readonly BenchRow[]> {
  const module: unknown = await import(pathToFileURL(join(root, file)).href);
  if (!isBenchModule(module)) throw new TypeError(`${file} exports no function run()`);
  return module.run();
}

function isBenchModule(module: unknown): module is { readonly run: BenchRun } {
  return typeof module === "object" && module !== null && "run" in module && typeof module.run === "function";
}

/** A reader of the file sees the last whole run. A run of some benchmarks only is no such thing. */
function writeResults(): void {
  if (command.args.length > 0) return;
  const machine = {
    cores: cpus().length,
    node: process.version,
    platform: process.platform,
  };
  mkdirSync(dirname(resultFile), { recursive: true });
  const text = JSON.stringify({ at: new Date().toISOString(), machine, failures, rows }, undefined, 2);
  writeFileSync(`${resultFile}.tmp`, `${text}\n`);
  renameSync(`${resultFile}.tmp`, resultFile);
  console.log("written to bench/results/latest.json");
}
