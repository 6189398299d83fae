// Plain JavaScript for Node 20: it runs before anything is installed.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, link?: boolean }} LockEntry
 * @typedef {{ packages?: Record<string, LockEntry> }} Lock
 */

/**
 * True when every package that the lock demands is installed in its version. npm writes the same list into
 * node_modules when it has finished, so an installation that was broken off is told from a whole one, which
 * modification times of a fresh clone could not do.
 * @param {Lock} lock package-lock.json
 * @param {Lock | undefined} installed node_modules/.package-lock.json
 */
export function packagesAreCurrent(lock, installed) {
  if (installed?.packages === undefined) return false;
  for (const [path, wanted] of Object.entries(lock.packages ?? {})) {
    if (path === "") continue;
    const found = installed.packages[path];
    // Binaries of other platforms stand in the lock as optional and are not installed here.
    if (found === undefined && (wanted.optional === true || wanted.devOptional === true)) continue;
    if (found === undefined || found.version !== wanted.version || found.integrity !== wanted.integrity) return false;
  }
  return true;
}

/**
 * Runs `npm ci` when node_modules is missing or does not match the lock.
 * @param {string} root
 * @param {(line: string) => void} say
 * @returns {Promise<string | undefined>} what went wrong and how to mend it
 */
export async function ensureNpmPackages(root, say) {
  const lock = readJson(join(root, "package-lock.json"));
  if (lock === undefined) return "package-lock.json is missing or broken: check out the repository again";
  if (packagesAreCurrent(lock, readJson(join(root, "node_modules/.package-lock.json")))) return undefined;
  say("installing npm packages (npm ci, about half a minute) ...");
  const startedAtMs = Date.now();
  const ticker = setInterval(
    () => say(`  still installing, ${Math.round((Date.now() - startedAtMs) / 1000)} s`),
    5_000,
  );
  // Warnings only: npm on Node 20 complains about packages that run on the pinned Node.
  const code = await run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], root);
  clearInterval(ticker);
  if (code === "missing") return "npm is not installed: install Node 20 or newer with npm (https://nodejs.org)";
  if (code !== 0) return `npm ci failed (exit ${code}): read its message above, mend it and try again`;
  return undefined;
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} cwd
 * @param {Readonly<Record<string, string>>} [env] added to the environment
 * @returns {Promise<number | "missing">} exit code; 1 when a signal ended it
 */
function run(command, args, cwd, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: "inherit",
      env: { ...process.env, ...env, PATH: pathWithoutLocalBin(process.env.PATH ?? "") },
    });
    child.once("error", () => resolve("missing"));
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

/**
 * `npm run` puts node_modules/.bin in front, and its `node` is what `npm ci` is about to delete.
 * @param {string} path
 */
function pathWithoutLocalBin(path) {
  return path
    .split(":")
    .filter((entry) => !entry.endsWith("node_modules/.bin"))
    .join(":");
}

/**
 * @param {string} file
 * @returns {Lock | undefined}
 */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
