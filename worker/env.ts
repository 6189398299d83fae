/** Bindings and settings of the Worker: read once for each isolate, every problem at once. */
import { parseRegionConfig } from "#region-config";
import type { RegionConfig } from "#region-config";
import bundledRegions from "../region-config/local.json";
import type { AccountObjectApi } from "./domain/accounts/account-object-api.ts";
import type { BridgeObjectApi } from "./domain/bridging/bridge-object-api.ts";
import type { CallIndexObjectApi } from "./domain/call-index/call-index-api.ts";
import type { CallObjectApi } from "./domain/calls/call-object-api.ts";
import type { GatewayObjectApi } from "./domain/gateways/gateway-object-api.ts";
import type { RegionObjectApi } from "./domain/gateways/region-object-api.ts";
import type { EndpointObjectApi } from "./domain/location/endpoint-object-api.ts";

/** A stub as its users see it: the object's declared methods, and its HTTP door. */
export type ObjectStub<Api> = Api & { fetch(request: Request): Promise<Response> };

/** The part of a Durable Object namespace that `stubFor` uses, typed by what the object promises. */
export interface ObjectNamespace<Api> {
  idFromName(name: string): DurableObjectId;
  idFromString(id: string): DurableObjectId;
  newUniqueId(): DurableObjectId;
  get(id: DurableObjectId, options?: DurableObjectNamespaceGetDurableObjectOptions): ObjectStub<Api>;
}

/** As wrangler.toml binds it. Text variables are checked by `settingsOf`. */
export interface Env {
  readonly BRIDGE: ObjectNamespace<BridgeObjectApi>;
  readonly ENDPOINT: ObjectNamespace<EndpointObjectApi>;
  readonly CALL: ObjectNamespace<CallObjectApi>;
  readonly GATEWAY: ObjectNamespace<GatewayObjectApi>;
  readonly REGION: ObjectNamespace<RegionObjectApi>;
  readonly ACCOUNT: ObjectNamespace<AccountObjectApi>;
  readonly CALL_INDEX: ObjectNamespace<CallIndexObjectApi>;
  /** JSON text of a region file; `region-config/local.json` when absent. */
  readonly REGION_CONFIG?: string;
  readonly OPERATOR_TOKEN?: string;
  /** 64 hex digits. */
  readonly CALL_TOKEN_KEY?: string;
  readonly DEVELOPMENT?: string;
}

export interface WorkerSettings {
  readonly regions: RegionConfig;
  readonly operatorToken: string;
  readonly callTokenKey: string;
  /** `?region=NAME` may pick the region, callbacks may go to private addresses. */
  readonly development: boolean;
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

const settingsByEnv = new WeakMap<Env, WorkerSettings>();

/** The settings of this isolate, parsed at first use. Throws `ConfigurationError` with every problem. */
export function settingsOf(env: Env): WorkerSettings {
  const known = settingsByEnv.get(env);
  if (known !== undefined) return known;
  const settings = readSettings(env);
  settingsByEnv.set(env, settings);
  return settings;
}

type TextSettings = Pick<Env, "REGION_CONFIG" | "OPERATOR_TOKEN" | "CALL_TOKEN_KEY" | "DEVELOPMENT">;

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
  return Object.freeze({ regions, operatorToken, callTokenKey, development: development === "true" });
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
