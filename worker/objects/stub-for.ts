/** The one place that makes object stubs: every name includes what it belongs to, and nothing unchecked reaches a name. */
import type { RegionConfig } from "#region-config";
import type { AccountSid, EndpointId, RegionName, SipDomain } from "#protocol/ids";
import type { CallName } from "../call-token.ts";
import type { AccountObjectApi } from "../domain/accounts/account-object-api.ts";
import type { BridgeName, BridgeObjectApi } from "../domain/bridging/bridge-object-api.ts";
import type { CallIndexObjectApi } from "../domain/call-index/call-index-api.ts";
import type { CallObjectApi } from "../domain/calls/call-object-api.ts";
import type { GatewayChannel, GatewayObjectApi } from "../domain/gateways/gateway-object-api.ts";
import type { RegionObjectApi } from "../domain/gateways/region-object-api.ts";
import type { EndpointObjectApi } from "../domain/location/endpoint-object-api.ts";
import type { RoomObjectApi } from "../domain/rooms/room-object-api.ts";
import { settingsOf } from "../env.ts";
import type { Env, ObjectStub } from "../env.ts";

/** Which object is meant. `account-domain` and `account-key` are directory entries: who owns this name. */
export type ObjectAddress =
  | ({ readonly kind: "bridge" } & BridgeName)
  | {
      readonly kind: "endpoint";
      readonly account: AccountSid;
      readonly region: RegionName;
      readonly identity: EndpointId;
    }
  | ({ readonly kind: "call" } & CallName)
  | ({ readonly kind: "gateway" } & GatewayChannel)
  | { readonly kind: "region"; readonly region: RegionName }
  | { readonly kind: "account"; readonly account: AccountSid }
  | { readonly kind: "account-domain"; readonly sipDomain: SipDomain }
  | { readonly kind: "account-key"; readonly keySid: string }
  | { readonly kind: "room"; readonly account: AccountSid; readonly room: string }
  | { readonly kind: "call-index"; readonly account: AccountSid; readonly region: RegionName; readonly day: number };

interface ApiOf {
  readonly bridge: BridgeObjectApi;
  readonly endpoint: EndpointObjectApi;
  readonly call: CallObjectApi;
  readonly gateway: GatewayObjectApi;
  readonly region: RegionObjectApi;
  readonly account: AccountObjectApi;
  readonly "account-domain": AccountObjectApi;
  readonly "account-key": AccountObjectApi;
  readonly "call-index": CallIndexObjectApi;
  readonly room: RoomObjectApi;
}

export type StubOf<Kind extends ObjectAddress["kind"]> = ObjectStub<ApiOf[Kind]>;

export function stubFor<Kind extends ObjectAddress["kind"]>(
  env: Env,
  address: Extract<ObjectAddress, { readonly kind: Kind }>,
): StubOf<Kind>;
export function stubFor(env: Env, address: ObjectAddress): StubOf<ObjectAddress["kind"]> {
  const hint = placement(settingsOf(env).regions, address);
  switch (address.kind) {
    case "bridge":
      return env.BRIDGE.get(env.BRIDGE.idFromName(objectName(address)), hint);
    case "endpoint":
      return env.ENDPOINT.get(env.ENDPOINT.idFromName(objectName(address)), hint);
    case "call":
      return env.CALL.get(env.CALL.idFromString(address.objectId), hint);
    case "gateway":
      return env.GATEWAY.get(env.GATEWAY.idFromName(objectName(address)), hint);
    case "region":
      return env.REGION.get(env.REGION.idFromName(objectName(address)), hint);
    case "account":
    case "account-domain":
    case "account-key":
      return env.ACCOUNT.get(env.ACCOUNT.idFromName(objectName(address)), hint);
    case "call-index":
      return env.CALL_INDEX.get(env.CALL_INDEX.idFromName(objectName(address)), hint);
    case "room":
      return env.ROOM.get(env.ROOM.idFromName(objectName(address)), hint);
  }
}

/** Parts are joined with a slash, which none of their alphabets has. */
export function objectName(address: Exclude<ObjectAddress, { readonly kind: "call" }>): string {
  switch (address.kind) {
    case "bridge":
      return `bridge/${address.region}/${address.shard}`;
    case "endpoint":
      return `endpoint/${address.account}/${address.region}/${address.identity}`;
    case "gateway":
      return `gateway/${address.region}/${address.gateway}/${address.channel}`;
    case "region":
      return `region/${address.region}`;
    case "account":
      return `account/${address.account}`;
    case "account-domain":
      return `account-domain/${address.sipDomain}`;
    case "account-key":
      return `account-key/${address.keySid}`;
    case "call-index":
      return `call-index/${address.account}/${address.region}/${address.day}`;
    case "room":
      // Rooms are named by applications, in any alphabet.
      return `room/${address.account}/${encodeURIComponent(address.room)}`;
  }
}

/** Objects of a region are asked to live there, those of an account in the central one. Hints count at creation only. */
function placement(regions: RegionConfig, address: ObjectAddress): DurableObjectNamespaceGetDurableObjectOptions {
  const region = "region" in address ? address.region : regions.central;
  const locationHint = regions.regions.find(({ name }) => name === region)?.locationHint;
  return locationHint === undefined ? {} : { locationHint };
}
