/** The fleet as an isolate saw it last: routing reads this, so no region object is on the path of each call. */
import type { RegionName } from "#protocol/ids";
import type { GatewayStatus } from "../domain/routing/gateway-status.ts";
import type { Env } from "../env.ts";
import { regionLinkOf } from "./object-region-link.ts";

/** The region object's own view is at most as old again, which makes the two seconds of decision 9. */
const ISOLATE_CACHE_MS = 1_000;

/** …unless it says that no gateway near by is up: that is about to change, and calls would be refused for it. */
const IMPAIRED_CACHE_MS = 100;

interface CachedFleet {
  readonly fleet: readonly GatewayStatus[];
  readonly readAtMs: number;
}

const fleets = new WeakMap<Env, Map<RegionName, CachedFleet>>();

/** All gateways as `region` knows them, at most two seconds old; the last known when the region object is silent. */
export async function fleetSnapshot(env: Env, region: RegionName): Promise<readonly GatewayStatus[]> {
  const cache = fleets.get(env) ?? new Map<RegionName, CachedFleet>();
  fleets.set(env, cache);
  const cached = cache.get(region);
  if (cached !== undefined && Date.now() - cached.readAtMs < lifetimeMs(cached.fleet, region)) return cached.fleet;
  // Each caller asks for itself: a promise may not be shared between requests of an isolate.
  try {
    const fleet = await regionLinkOf(env).region(region).fleetSnapshot();
    cache.set(region, { fleet, readAtMs: Date.now() });
    return fleet;
  } catch (error) {
    if (cached === undefined) throw error;
    return cached.fleet;
  }
}

/** A gateway came or went: who shares the isolate with its region object need not wait for the next second. */
export function forgetFleetSnapshots(env: Env): void {
  fleets.delete(env);
}

function lifetimeMs(fleet: readonly GatewayStatus[], region: RegionName): number {
  const near = fleet.filter((status) => status.region === region);
  return near.length > 0 && near.every(({ state }) => state !== "up") ? IMPAIRED_CACHE_MS : ISOLATE_CACHE_MS;
}
