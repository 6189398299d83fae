import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { bundleConsole } from "../../../scripts/build-console.mjs";

it.each([
  { page: "console", limitBytes: 120_000 },
  { page: "call", limitBytes: 30_000 },
] as const)(
  "the script of the $page page stays below $limitBytes bytes gzipped, and needs nothing that its policy forbids",
  async ({ page, limitBytes }) => {
    const { script, style } = await bundleConsole(page);
    expect(gzipSync(script, { level: 6 }).length).toBeLessThan(limitBytes);
    expect(style).toContain("prefers-color-scheme");
    // Without 'unsafe-eval', and without anything from elsewhere.
    expect(script).not.toMatch(/\beval\(|new Function\(/);
    expect(style).not.toMatch(/url\(\s*["']?https?:/);
  },
);

it("the page of a call brings no SIP with it", async () => {
  expect((await bundleConsole("call")).script).not.toContain("z9hG4bK");
});
