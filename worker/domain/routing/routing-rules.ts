/** The criteria of route selection, and their order for each policy. */
import { distanceKm, roundTripMs } from "#region-config";
import type { RegionGeography } from "#region-config";
import type { RegionName } from "#protocol/ids";
import { healthRank } from "./gateway-status.ts";
import type { GatewayStatus } from "./gateway-status.ts";
import type { Criterion } from "./lexicographic.ts";
import type { RouteCandidateInput, RoutingPolicy, RoutingRule } from "./routing-decision.ts";

/** A route that can be rung, with the figures that rules look at. */
export interface ReachableRoute {
  readonly route: RouteCandidateInput;
  readonly gateway: GatewayStatus;
  readonly confirmed: boolean;
  readonly figures: PathFigures;
}

export interface PathFigures {
  readonly crossings: number;
  readonly rttMs: number;
  readonly distanceKm: number;
}

/** Figures of a path over these regions in order; neighbours that are equal cost nothing. */
export function pathFigures(geography: RegionGeography, regions: readonly RegionName[]): PathFigures {
  let crossings = 0;
  let rttMs = 0;
  let km = 0;
  for (const [index, region] of regions.entries()) {
    const before = regions[index - 1];
    if (before === undefined || before === region) continue;
    crossings += 1;
    rttMs += roundTripMs(geography, before, region);
    km += distanceKm(geography, before, region);
  }
  // Rounded, so that the order of additions never decides and stored figures read well.
  return { crossings, rttMs: round(rttMs), distanceKm: round(km) };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** Share of invitations that the route answered; unknown routes stand at one half (rule of succession). */
function successShare({ recentSuccesses = 0, recentFailures = 0 }: RouteCandidateInput): number {
  return (recentSuccesses + 1) / (recentSuccesses + recentFailures + 2);
}

const CRITERIA: { readonly [Rule in RoutingRule]: (candidate: ReachableRoute) => number | string } = {
  "gateway-health": ({ gateway }) => healthRank(gateway.state) ?? Infinity,
  lease: ({ confirmed }) => (confirmed ? 0 : 1),
  "fewest-crossings": ({ figures }) => figures.crossings,
  "round-trip": ({ figures }) => figures.rttMs,
  distance: ({ figures }) => figures.distanceKm,
  preference: ({ route }) => -(route.preference ?? 1),
  history: ({ route }) => -successShare(route),
  "fewest-legs": ({ gateway }) => gateway.legs,
  // Of two ways to one device the younger one is the likelier to be open still.
  "latest-registration": ({ route }) => -route.registeredAtMs,
  name: ({ route }) => route.routeId,
};

/** First what makes a call fail, last what makes the order total; the policy decides the middle. */
const MIDDLE: { readonly [Policy in RoutingPolicy]: readonly RoutingRule[] } = {
  "fewest-regions": ["fewest-crossings", "round-trip", "distance"],
  nearest: ["round-trip", "distance", "fewest-crossings"],
  preference: ["preference", "fewest-crossings", "round-trip", "distance"],
  history: ["history", "fewest-crossings", "round-trip", "distance"],
};

export function rulesOf(policy: RoutingPolicy): readonly RoutingRule[] {
  return ["gateway-health", "lease", ...MIDDLE[policy], "fewest-legs", "latest-registration", "name"];
}

export function criteriaOf(policy: RoutingPolicy): readonly Criterion<ReachableRoute, RoutingRule>[] {
  return rulesOf(policy).map((rule) => ({ rule, of: CRITERIA[rule] }));
}
