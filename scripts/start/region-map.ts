import { readFileSync } from "node:fs";
import { relative } from "node:path";
import type { RegionConfig } from "#region-config";
import { parseRegionConfig, withHost } from "#region-config";
import { StartProblem } from "./problem.ts";

/** Reads the region file, with every mistake in it as one line, and puts its gateways on `host` when one is given. */
export function readRegionConfig(file: string, host: string | undefined): RegionConfig {
  const name = shortName(file);
  const outcome = parseRegionConfig(parseFile(file, name));
  if (!outcome.ok) {
    throw new StartProblem(
      "region-config-invalid",
      outcome.problems.map(
        ({ path, code, detail }) => `${name}: ${path === "" ? "the file" : path}: ${detail} (${code}); mend it there`,
      ),
    );
  }
  return host === undefined ? outcome.config : withHost(outcome.config, host);
}

function parseFile(file: string, name: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new StartProblem(
      "region-config-unreadable",
      `${name} cannot be read: give the region file with --region-config`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const detail = error instanceof Error ? error.message.replaceAll("\n", " ") : "";
    throw new StartProblem("region-config-unreadable", `${name} is not JSON (${detail}): mend it there`);
  }
}

function shortName(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") ? file : path;
}
