/** Selection of routes for an invitation (decision 9): pure, total, recomputable from what it stores. */
import type { GatewayId, RegionName } from "#protocol/ids";
import { compareBy, decidingRule } from "./lexicographic.ts";
import { findGateway, reachRoute } from "./route-reach.ts";
import type { RouteReach } from "./route-reach.ts";
import type {
  RankedCandidate,
  RouteCandidateInput,
  RoutePath,
  RoutingDecision,
  RoutingInput,
  RoutingRule,
} from "./routing-decision.ts";
import { criteriaOf, pathFigures, rulesOf } from "./routing-rules.ts";
import type { ReachableRoute } from "./routing-rules.ts";
import { selectGatewayForRegion } from "./select-gateway.ts";

export type {
  RankedCandidate,
  RouteCandidateInput,
  RoutePath,
  RouteVerdict,
  RoutingDecision,
  RoutingInput,
  RoutingPolicy,
  RoutingRule,
} from "./routing-decision.ts";
export type { GatewayState, GatewayStatus } from "./gateway-status.ts";
export { ROUTING_POLICIES } from "./routing-decision.ts";

/** The caller's end of every path. */
interface CallerSide {
  readonly gateway?: GatewayId;
  readonly region: RegionName;
}

type Reached = ReachableRoute & { readonly reach: Extract<RouteReach, { ok: true }> };
type Unreached = { readonly route: RouteCandidateInput; readonly reach: Extract<RouteReach, { ok: false }> };

/** Ranks every route of a callee for one invitation. The order of `routes` and `gateways` makes no difference. */
export function rankRoutes(input: RoutingInput): RoutingDecision {
  const caller = callerSide(input);
  const reached: Reached[] = [];
  const unreached: Unreached[] = [];
  for (const route of input.routes) {
    const reach = reachRoute(route, input, caller.gateway);
    if (!reach.ok) {
      unreached.push({ route, reach });
      continue;
    }
    const figures = pathFigures(input.geography, [
      input.callerRegion,
      caller.region,
      reach.gateway.region,
      route.region,
    ]);
    reached.push({ route, reach, gateway: reach.gateway, confirmed: route.confirmedUntilMs > input.nowMs, figures });
  }
  const criteria = criteriaOf(input.policy);
  reached.sort((a, b) => compareBy(criteria, a, b));
  unreached.sort((a, b) => (a.route.routeId < b.route.routeId ? -1 : 1));

  const [first, second] = reached;
  const separating = first !== undefined && second !== undefined ? decidingRule(criteria, first, second) : undefined;
  return {
    policy: input.policy,
    rules: rulesOf(input.policy),
    decidedBy: first === undefined ? "no-candidate" : (separating ?? "only-candidate"),
    candidates: [
      ...describeReached(reached, caller, input),
      ...unreached.map((one) => describeUnreached(one, caller, input)),
    ],
    inputs: input,
    decidedAtMs: input.nowMs,
  };
}

/** Decides again from the stored inputs alone; a test, or anyone who doubts a decision, compares the two. */
export function recomputeDecision(decision: RoutingDecision): RoutingDecision {
  return rankRoutes(decision.inputs);
}

/** The routes that ring, best first. */
export function chosenCandidates(decision: RoutingDecision): readonly RankedCandidate[] {
  return decision.candidates.filter((candidate) => candidate.verdict === "chosen");
}

/**
 * What to ring when a route failed without its device having had a say (no 100, connection refused, gateway lost): the best route
 * of the same device that was not tried; under `ring: "nearest"` the best of any device. A device that answered, even with a
 * refusal, has been reached and has no next route.
 */
export function nextCandidate(
  decision: RoutingDecision,
  failed: string,
  tried: readonly string[],
): RankedCandidate | undefined {
  const device = decision.candidates.find((candidate) => candidate.routeId === failed)?.device;
  return decision.candidates.find(
    (candidate) =>
      candidate.gateway !== undefined &&
      candidate.routeId !== failed &&
      !tried.includes(candidate.routeId) &&
      (candidate.device === device || decision.inputs.ring === "nearest"),
  );
}

/** A phone's side is the gateway where its INVITE came in, dead or alive; a browser's is the nearest one that lives. */
function callerSide(input: RoutingInput): CallerSide {
  const given = findGateway(input.gateways, input.callerGateway);
  if (given !== undefined) return { gateway: given.gateway, region: given.region };
  if (input.callerGateway !== undefined) return { gateway: input.callerGateway, region: input.callerRegion };
  const selection = selectGatewayForRegion(input.callerRegion, input.gateways, { geography: input.geography });
  return selection.ok
    ? { gateway: selection.gateway.gateway, region: selection.gateway.region }
    : { region: input.callerRegion };
}

function describeReached(
  reached: readonly Reached[],
  caller: CallerSide,
  input: RoutingInput,
): readonly RankedCandidate[] {
  const criteria = criteriaOf(input.policy);
  const rings = new Map<string, Reached>();
  return reached.map((candidate, index): RankedCandidate => {
    const { route, reach, figures } = candidate;
    const before = reached[index - 1];
    const behindBy = before === undefined ? undefined : decidingRule(criteria, before, candidate);
    const sameDevice = rings.get(route.device);
    const nearest = reached[0];
    const common = {
      routeId: route.routeId,
      device: route.device,
      path: pathOf(route, caller, input, reach),
      gateway: reach.gateway.gateway,
      through: reach.through,
      ...figures,
      ...(behindBy === undefined ? {} : { behindBy }),
    };
    const lease = candidate.confirmed ? "" : "; nobody vouches for its flow any more";
    const summary = `${crossingWords(figures.crossings)}, ${figures.rttMs} ms; ${reach.note}${lease}`;
    if (sameDevice !== undefined) {
      return {
        ...common,
        verdict: "same-device-farther",
        reason: behind(sameDevice, candidate, input, "the same device", summary),
      };
    }
    if (input.ring === "nearest" && nearest !== undefined && index > 0) {
      return {
        ...common,
        verdict: "other-device-nearer",
        reason: behind(nearest, candidate, input, "another device", summary),
      };
    }
    rings.set(route.device, candidate);
    return { ...common, verdict: "chosen", reason: summary };
  });
}

function crossingWords(crossings: number): string {
  if (crossings === 0) return "no region crossing";
  return crossings === 1 ? "1 region crossing" : `${crossings} region crossings`;
}

function behind(winner: Reached, loser: Reached, input: RoutingInput, whose: string, summary: string): string {
  const rule: RoutingRule = decidingRule(criteriaOf(input.policy), winner, loser) ?? "name";
  return `behind route ${winner.route.routeId} of ${whose} by ${rule}: ${summary}`;
}

function describeUnreached({ route, reach }: Unreached, caller: CallerSide, input: RoutingInput): RankedCandidate {
  return {
    routeId: route.routeId,
    device: route.device,
    path: pathOf(route, caller, input),
    crossings: 0,
    rttMs: 0,
    distanceKm: 0,
    verdict: reach.verdict,
    reason: reach.note,
  };
}

function pathOf(
  route: RouteCandidateInput,
  caller: CallerSide,
  input: RoutingInput,
  reach?: Extract<RouteReach, { ok: true }>,
): RoutePath {
  return {
    callerRegion: input.callerRegion,
    ...(caller.gateway === undefined ? {} : { callerGateway: caller.gateway }),
    callerGatewayRegion: caller.region,
    ...(reach === undefined ? {} : { calleeGateway: reach.gateway.gateway, calleeGatewayRegion: reach.gateway.region }),
    calleeRegion: route.region,
  };
}
