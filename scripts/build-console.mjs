/**
 * Builds the softphone page into dist/console, from where the Worker's bundle takes it as text.
 * Plain JavaScript: wrangler runs it with whatever Node there is.
 */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The softphone, and the page of one call, which the softphone's start does not wait for. */
const ENTRIES = { console: "worker/console/main.tsx", call: "worker/console/call-page/main.tsx" };

/**
 * @param {keyof typeof ENTRIES} page
 * @returns {Promise<{ script: string, style: string }>} minified
 */
export async function bundleConsole(page = "console") {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: { [page]: ENTRIES[page] },
    outdir: "dist/console",
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: ["chrome120", "firefox121", "safari17.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "error",
  });
  const textOf = (/** @type {string} */ extension) =>
    outputFiles.find(({ path }) => path.endsWith(extension))?.text ?? "";
  return { script: textOf(".js"), style: textOf(".css") };
}

/** Written beside and moved, and only when changed: several builds may run at once, and a Worker may be watching. */
async function place(/** @type {string} */ name, /** @type {string} */ text) {
  const file = join(ROOT, "dist/console", name);
  const known = await readFile(file, "utf8").catch(() => undefined);
  if (known === text) return;
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, text);
  await rename(draft, file);
}

async function main() {
  await mkdir(join(ROOT, "dist/console"), { recursive: true });
  for (const page of /** @type {const} */ (["console", "call"])) {
    const { script, style } = await bundleConsole(page);
    await place(`${page}.js.txt`, script);
    await place(`${page}.css.txt`, style);
  }
  await place("icon.svg.txt", await readFile(join(ROOT, "worker/console/icon.svg"), "utf8"));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
