// Plain JavaScript for Node 20: it runs before anything is installed.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ensureNpmPackages } from "./npm-packages.mjs";

/** The folder of the repository. */
const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/**
 * Installs the npm packages when needed, then runs a TypeScript file on the pinned Node: in this process when it
 * already is that Node (the usual case under `npm run`), else in a child that gets our signals.
 * @param {string} script path from the repository's root
 */
export async function runPinned(script) {
  if (Number(process.versions.node.split(".")[0]) < 20) {
    fail(`Node ${process.versions.node} is too old: install Node 20 or newer (https://nodejs.org)`);
  }
  if (!["linux", "darwin"].includes(process.platform)) fail(`${process.platform} is not supported: use Linux or macOS`);
  const problem = await ensureNpmPackages(ROOT, (line) => console.log(line));
  if (problem !== undefined) fail(problem);
  const file = join(ROOT, script);
  if (process.versions.node === pinnedVersion()) {
    await import(pathToFileURL(file).href);
  } else {
    process.exitCode = await runInChild(file);
  }
}

function pinnedVersion() {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).dependencies.node;
}

/**
 * The IPC channel tells the child when this process is killed: it then stops by itself.
 * @param {string} file
 * @returns {Promise<number>}
 */
function runInChild(file) {
  return new Promise((resolve) => {
    const child = spawn(join(ROOT, "node_modules/.bin/node"), [file, ...process.argv.slice(2)], {
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    });
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
      process.on(signal, () => child.kill(signal));
    }
    child.once("error", (error) => {
      console.error(`the pinned Node does not run (${error.message}): delete node_modules and try again`);
      resolve(1);
    });
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/**
 * @param {string} line
 * @returns {never}
 */
function fail(line) {
  console.error(line);
  process.exit(1);
}
