import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StartProblem } from "../../../../scripts/start/problem.ts";
import { readRegionConfig } from "../../../../scripts/start/region-map.ts";

const local = new URL("../../../../region-config/local.json", import.meta.url).pathname;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "nearside-map-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function problemOf(text: string): StartProblem {
  const file = join(folder, "map.json");
  writeFileSync(file, text);
  try {
    readRegionConfig(file, undefined);
  } catch (error) {
    if (error instanceof StartProblem) return error;
    throw error;
  }
  throw new Error("the file was accepted");
}

describe("readRegionConfig", () => {
  it("reads the local map", () => {
    expect(readRegionConfig(local, undefined).gateways.map(({ id }) => id)).toEqual(["us-east", "eu-west", "ap-south"]);
  });

  it("puts every gateway on the given host", () => {
    const hosts = readRegionConfig(local, "192.0.2.7").gateways.map(({ host }) => host);
    expect(new Set(hosts)).toEqual(new Set(["192.0.2.7"]));
  });

  it("says every mistake, each in a line of its own with its place", () => {
    const text = readFileSync(local, "utf8")
      .replace('"central": "us-east"', '"central": "mars"')
      .replace("5060,", "99999,");
    const { code, lines } = problemOf(text);
    expect(code).toBe("region-config-invalid");
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(lines.join("\n")).toContain("central: ");
    expect(lines.join("\n")).toContain("gateways[0].sip.udp: ");
    for (const line of lines) expect(line).not.toContain("\n");
  });

  it("tells a file that is not JSON from one that is not there", () => {
    expect(problemOf("{").message).toContain("is not JSON");
    expect(() => readRegionConfig(join(folder, "none.json"), undefined)).toThrow("cannot be read");
  });
});
