import { fileURLToPath } from "node:url";
import { runSteps } from "./test/run-steps.ts";
import { checkSteps } from "./test/steps.ts";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
process.exit(await runSteps(root, checkSteps()));
