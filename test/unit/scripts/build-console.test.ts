import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { bundleConsole } from "../../../scripts/build-console.mjs";

const LIMIT_BYTES = 120_000;

it("the page's script stays below 120 kB gzipped, and needs nothing that its policy forbids", async () => {
  const { script, style } = await bundleConsole();
  expect(gzipSync(script, { level: 6 }).length).toBeLessThan(LIMIT_BYTES);
  expect(style).toContain("prefers-color-scheme");
  // Without 'unsafe-eval', and without anything from elsewhere.
  expect(script).not.toMatch(/\beval\(|new Function\(/);
  expect(style).not.toMatch(/url\(\s*["']?https?:/);
});
