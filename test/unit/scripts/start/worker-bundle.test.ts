import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashSources, listBundleModules } from "../../../../scripts/start/worker-bundle.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "nearside-bundle-"));
});
afterEach(() => rmSync(root, { recursive: true }));

function put(name: string, text = ""): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
}

describe("listBundleModules", () => {
  it("puts the main module first and leaves out what is no module", () => {
    for (const name of ["a.wasm", "b/page.html", "c.bin", "index.js", "index.js.map", "README.md", "sources.sha256"])
      put(name);
    expect(listBundleModules(root)).toEqual([
      { name: "index.js", kind: "esModule", file: join(root, "index.js") },
      { name: "a.wasm", kind: "wasm", file: join(root, "a.wasm") },
      { name: "b/page.html", kind: "text", file: join(root, "b/page.html") },
      { name: "c.bin", kind: "data", file: join(root, "c.bin") },
    ]);
  });
});

describe("hashSources", () => {
  it.each([
    "worker/index.ts",
    "worker/console/page.html",
    "sip/message/parser.ts",
    "protocol/ids.ts",
    "wrangler.toml",
    "package-lock.json",
  ])("changes when %s does", (file) => {
    put("worker/app.ts", "1");
    const before = hashSources(root);
    put(file, "2");
    expect(hashSources(root)).not.toBe(before);
  });

  it("stays when something changes that the Worker does not contain", () => {
    put("worker/app.ts", "1");
    const before = hashSources(root);
    put("gateway-node/main.ts", "2");
    put("README.md", "2");
    expect(hashSources(root)).toBe(before);
  });
});
