import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const read = (file: string): string => readFileSync(`${ROOT}${file}`, "utf8");
const document = read("docs/operations.md");

describe("docs/operations.md", () => {
  it.each([
    "worker/log.ts",
    "gateway-node/observability/log-event.ts",
    "gateway-node/sip-transport/sip-stack-options.ts",
  ])("tells of every log event of %s", (file) => {
    const events = [...read(file).matchAll(/readonly event: "([^"]+)"/g)].map(([, name = ""]) => name);
    expect(events.length).toBeGreaterThan(2);
    expect(events.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
  });

  it("tells of every option of npm start", () => {
    const options = [...read("scripts/start/options.ts").matchAll(/"(--[a-z-]+)/g)].map(([, name = ""]) => name);
    expect(options.length).toBeGreaterThan(5);
    expect(options.filter((name) => !document.includes(`\`${name}`))).toEqual([]);
  });

  it.each([
    ["protocol/control-frames.ts", /export type ControlRefusal =([^;]+);/],
    ["worker/domain/accounts/account-object-api.ts", /export type AccessTokenFault =([^;]+);/],
  ])("tells of every refusal of %s", (file, type) => {
    const [, union = ""] = type.exec(read(file)) ?? [];
    const codes = [...union.matchAll(/"([^"]+)"/g)].map(([, code = ""]) => code.replace(/^token-/, ""));
    expect(codes.length).toBeGreaterThan(5);
    expect(codes.filter((code) => !document.includes(`\`${code}\``))).toEqual([]);
  });
});
