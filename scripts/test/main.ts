import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { describeMissing, installObstacle, installTools, missingTools } from "./debian-packages.ts";
import { runSteps } from "./run-steps.ts";
import { allSteps, selectSteps, withWholeTable } from "./steps.ts";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const steps = allSteps(join(root, ".cache/test"));
const command = new Command()
  .name("npm test --")
  .description("Installs what is missing, then runs every check and test.")
  .option("--only <step...>", `only these steps: ${steps.map(({ name }) => name).join(", ")}`, [])
  .option("--all", "every pair of clients with every course of a call, not a selection of them")
  .option("--no-install", "install no Debian packages")
  .parse();
const { only, all, install } = command.opts<{
  readonly only: readonly string[];
  readonly all?: boolean;
  readonly install: boolean;
}>();

const selected = selectSteps(all === true ? withWholeTable(steps) : steps, only);
if (selected.length === 0) command.error(`error: no step is named ${only.join(" or ")}`);
// Only these two levels drive programs of the system.
const needsTools = selected.some(({ name }) => name === "integration" || name === "e2e");
const leftOut = needsTools ? prepareTools() : [];
for (const line of leftOut) console.log(line);
const exitCode = await runSteps(root, selected, leftOut);
if (leftOut.length > 0 && process.env["CI"] === "true") {
  console.error("CI=true asks for every test, and some were left out");
  process.exit(1);
}
process.exit(exitCode);

function prepareTools(): readonly string[] {
  const missing = install ? installTools(missingTools(), (line) => console.log(line)) : missingTools();
  return describeMissing(missing, install ? installObstacle() : "--no-install was given");
}
