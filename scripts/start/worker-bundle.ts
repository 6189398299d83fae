import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LocalFolder } from "./local-folder.ts";
import { readIfPresent } from "./local-folder.ts";
import { StartProblem } from "./problem.ts";

/** All that decides what the bundle contains. */
const SOURCES = ["worker/**/*", "protocol/**/*.ts", "sip/**/*.ts", "region-config/**/*"];
const SOURCE_FILES = ["wrangler.toml", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.base.json"];
/** Beside the bundle: the hash of the sources it was built from. */
export const BUNDLE_STAMP = "sources.sha256";

/** Builds the Worker as `wrangler deploy` would, unless its sources are those of the last build. Returns whether it built. */
export async function ensureWorkerBundle(root: string, folder: LocalFolder, signal: AbortSignal): Promise<boolean> {
  const hash = hashSources(root);
  if (readIfPresent(join(folder.bundle, BUNDLE_STAMP)) === hash) return false;
  const draft = `${folder.bundle}.new`;
  rmSync(draft, { recursive: true, force: true });
  await buildWorker(root, draft, signal);
  writeFileSync(join(draft, BUNDLE_STAMP), hash);
  rmSync(folder.bundle, { recursive: true, force: true });
  renameSync(draft, folder.bundle);
  return true;
}

/** Runs `wrangler deploy --dry-run`; its output is shown only when it fails. */
export async function buildWorker(root: string, outdir: string, signal?: AbortSignal): Promise<void> {
  // Not bin/wrangler.js, which starts this in a second process that outlives a SIGKILL of the first.
  const wrangler = join(root, "node_modules/wrangler/wrangler-dist/cli.js");
  if (!existsSync(wrangler)) throw new StartProblem("tool-missing", "wrangler is not installed: run npm ci");
  signal?.throwIfAborted();
  const child = spawn(process.execPath, ["--no-warnings", wrangler, "deploy", "--dry-run", "--outdir", outdir], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...WRANGLER_ENVIRONMENT, WRANGLER_LOG_PATH: join(dirname(outdir), "wrangler.log") },
  });
  const kill = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", kill, { once: true });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("close", resolve);
  });
  signal?.removeEventListener("abort", kill);
  signal?.throwIfAborted();
  if (code !== 0 || !existsSync(join(outdir, "index.js"))) {
    throw new StartProblem("build-failed", [
      "the Worker does not build: mend what wrangler says",
      ...output.split("\n").filter((line) => line.trim() !== ""),
    ]);
  }
}

const WRANGLER_ENVIRONMENT = { WRANGLER_SEND_METRICS: "false", CI: "1", NO_COLOR: "1" };

export function hashSources(root: string): string {
  const hash = createHash("sha256");
  const files = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: root, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of [...files.sort(), ...SOURCE_FILES.map((name) => join(root, name))]) {
    const text = readIfPresent(file);
    if (text !== undefined) hash.update(`${file.slice(root.length)}\0${text.length}\0${text}`);
  }
  return hash.digest("hex");
}

export type BundleModuleKind = "esModule" | "text" | "data" | "wasm";

export interface BundleModule {
  /** The name that other modules import it by. */
  readonly name: string;
  readonly kind: BundleModuleKind;
  readonly file: string;
}

/** The modules that wrangler wrote, the main one first, as workerd wants them. */
export function listBundleModules(folder: string): readonly BundleModule[] {
  const modules = readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((name): BundleModule[] => {
    const kind = moduleKind(name);
    return kind === undefined ? [] : [{ name, kind, file: join(folder, name) }];
  });
  return modules.sort(
    (a, b) => Number(b.name === "index.js") - Number(a.name === "index.js") || (a.name < b.name ? -1 : 1),
  );
}

/** wrangler's default rules (https://developers.cloudflare.com/workers/wrangler/bundling/); its maps and README are no modules. */
function moduleKind(name: string): BundleModuleKind | undefined {
  if (/\.m?js$/.test(name)) return "esModule";
  if (/\.(txt|html|sql)$/.test(name)) return "text";
  if (name.endsWith(".bin")) return "data";
  return name.endsWith(".wasm") ? "wasm" : undefined;
}
