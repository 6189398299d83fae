/** The nearest gateway that works: for browsers' media, for phones that any gateway may ring, and for adoption. */
import { distanceKm, roundTripMs } from "#region-config";
import type { RegionGeography } from "#region-config";
import type { GatewayId, RegionName } from "#protocol/ids";
import { healthRank } from "./gateway-status.ts";
import type { GatewayStatus } from "./gateway-status.ts";
import { compareBy } from "./lexicographic.ts";
import type { Criterion } from "./lexicographic.ts";

export interface SelectGatewayOptions {
  readonly geography: RegionGeography;
  /** Gateways that must not be chosen, such as the one that just died. */
  readonly exclude?: readonly GatewayId[];
  /** Taken when it is as healthy and as near as the best: usually the other party's, so that media makes no trunk hop. */
  readonly prefer?: GatewayId;
}

export type GatewaySelection =
  | { readonly ok: true; readonly gateway: GatewayStatus; readonly rttMs: number; readonly distanceKm: number }
  | { readonly ok: false; readonly code: "no-live-gateway" };

/** Health comes first: a draining gateway is chosen only when no other lives, a dead one never. */
export function selectGatewayForRegion(
  region: RegionName,
  gateways: readonly GatewayStatus[],
  options: SelectGatewayOptions,
): GatewaySelection {
  const { geography, exclude = [], prefer } = options;
  const criteria: readonly Criterion<GatewayStatus, string>[] = [
    { rule: "health", of: (gateway) => healthRank(gateway.state) ?? Infinity },
    { rule: "same-region", of: (gateway) => (gateway.region === region ? 0 : 1) },
    { rule: "round-trip", of: (gateway) => roundTripMs(geography, region, gateway.region) },
    { rule: "distance", of: (gateway) => distanceKm(geography, region, gateway.region) },
    { rule: "preferred", of: (gateway) => (gateway.gateway === prefer ? 0 : 1) },
    { rule: "legs", of: (gateway) => gateway.legs },
    { rule: "name", of: (gateway) => gateway.gateway },
  ];
  const [best] = gateways
    .filter((gateway) => healthRank(gateway.state) !== undefined && !exclude.includes(gateway.gateway))
    .sort((a, b) => compareBy(criteria, a, b));
  if (best === undefined) return { ok: false, code: "no-live-gateway" };
  return {
    ok: true,
    gateway: best,
    rttMs: roundTripMs(geography, region, best.region),
    distanceKm: distanceKm(geography, region, best.region),
  };
}
