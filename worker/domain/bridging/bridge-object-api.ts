/** What other objects may ask of a Bridge object: one shard of a region's browser sockets. */
import type { RegionName } from "#protocol/ids";
import { parseRegionName } from "#protocol/ids";

/** Shards of a region; each holds at most `BRIDGE_SOCKET_LIMIT` sockets. */
export const BRIDGE_SHARDS = 8;
export const BRIDGE_SOCKET_LIMIT = 1_000;

export interface BridgeName {
  readonly region: RegionName;
  readonly shard: number;
}

export interface BridgeObjectApi {
  /** `ok: false`: the socket is gone, nothing was sent. */
  send(input: { readonly socket: string; readonly text: string }): Promise<{ readonly ok: boolean }>;
}

/** The name that routes and calls carry, such as `us-east.3`. */
export function formatBridgeName(name: BridgeName): string {
  return `${name.region}.${name.shard}`;
}

export function parseBridgeName(text: string): BridgeName | undefined {
  const dot = text.lastIndexOf(".");
  const region = parseRegionName(text.slice(0, Math.max(0, dot)));
  const shard = /^[0-9]{1,2}$/.test(text.slice(dot + 1)) ? Number(text.slice(dot + 1)) : BRIDGE_SHARDS;
  return region === undefined || shard >= BRIDGE_SHARDS ? undefined : { region, shard };
}
