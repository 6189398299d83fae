/** The Worker's settings: text variables to typed values, with every problem at once. */
import { parseRegionConfig } from "#region-config";
import type { RegionConfig } from "#region-config";
import bundledRegions from "../region-config/local.json" with { type: "json" };

/** As wrangler.toml and its secrets give them. */
export interface TextSettings {
  /** JSON text of a region file; `region-config/local.json` when absent. */
  readonly REGION_CONFIG?: string;
  readonly OPERATOR_TOKEN?: string;
  /** 64 hex digits. */
  readonly CALL_TOKEN_KEY?: string;
  readonly DEVELOPMENT?: string;
  /** SIP domains that the sign-in of the console suggests, comma-separated. */
  readonly DEVELOPMENT_SIP_DOMAINS?: string;
}

export interface WorkerSettings {
  readonly regions: RegionConfig;
  readonly operatorToken: string;
  readonly callTokenKey: string;
  /** `?region=NAME` may pick the region, callbacks may go to private addresses. */
  readonly development: boolean;
  readonly developmentSipDomains: readonly string[];
}

export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
  readonly code = "configuration-invalid";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the Worker's settings have ${problems.length} problem(s): ${problems.join("; ")}`);
    this.problems = problems;
  }
}

export function readSettings(env: TextSettings): WorkerSettings {
  const problems: string[] = [];
  const regions = readRegions(env.REGION_CONFIG, problems);
  const operatorToken = env.OPERATOR_TOKEN ?? "";
  if (operatorToken.length < 16) problems.push("OPERATOR_TOKEN must be set, 16 characters at least");
  const callTokenKey = env.CALL_TOKEN_KEY ?? "";
  if (!/^[0-9a-fA-F]{64}$/.test(callTokenKey)) problems.push("CALL_TOKEN_KEY must be 64 hex digits");
  const development = env.DEVELOPMENT ?? "false";
  if (development !== "true" && development !== "false") problems.push('DEVELOPMENT must be "true" or "false"');
  if (problems.length > 0 || regions === undefined) throw new ConfigurationError(problems);
  return Object.freeze({
    regions,
    operatorToken,
    callTokenKey,
    development: development === "true",
    developmentSipDomains: (env.DEVELOPMENT_SIP_DOMAINS ?? "").split(",").filter((domain) => domain !== ""),
  });
}

function readRegions(text: string | undefined, problems: string[]): RegionConfig | undefined {
  let value: unknown = bundledRegions;
  if (text !== undefined && text !== "") {
    try {
      value = JSON.parse(text);
    } catch {
      problems.push("REGION_CONFIG must be JSON");
      return undefined;
    }
  }
  const outcome = parseRegionConfig(value);
  if (outcome.ok) return outcome.config;
  problems.push(...outcome.problems.map(({ path, code, detail }) => `REGION_CONFIG ${path}: ${code}, ${detail}`));
  return undefined;
}
