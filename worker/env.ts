/** The Worker's bindings, and its settings, read once for each isolate. */
import type { AccountObjectApi } from "./domain/accounts/account-object-api.ts";
import type { BridgeObjectApi } from "./domain/bridging/bridge-object-api.ts";
import type { CallIndexObjectApi } from "./domain/call-index/call-index-api.ts";
import type { CallObjectApi } from "./domain/calls/call-object-api.ts";
import type { GatewayObjectApi } from "./domain/gateways/gateway-object-api.ts";
import type { RegionObjectApi } from "./domain/gateways/region-object-api.ts";
import type { EndpointObjectApi } from "./domain/location/endpoint-object-api.ts";
import type { RoomObjectApi } from "./domain/rooms/room-object-api.ts";
import { readSettings } from "./settings.ts";
import type { TextSettings, WorkerSettings } from "./settings.ts";

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
export interface Env extends TextSettings {
  readonly BRIDGE: ObjectNamespace<BridgeObjectApi>;
  readonly ENDPOINT: ObjectNamespace<EndpointObjectApi>;
  readonly CALL: ObjectNamespace<CallObjectApi>;
  readonly GATEWAY: ObjectNamespace<GatewayObjectApi>;
  readonly REGION: ObjectNamespace<RegionObjectApi>;
  readonly ACCOUNT: ObjectNamespace<AccountObjectApi>;
  readonly CALL_INDEX: ObjectNamespace<CallIndexObjectApi>;
  readonly ROOM: ObjectNamespace<RoomObjectApi>;
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
