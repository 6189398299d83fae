/** A second, slower selection written from the rules alone: enumerate every pair of route and gateway, weigh it, take the least. */
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { chosenCandidates, rankRoutes } from "../../../../../worker/domain/routing/select-route.ts";
import type { RouteCandidateInput, RoutingInput } from "../../../../../worker/domain/routing/select-route.ts";
import type { GatewayStatus } from "../../../../../worker/domain/routing/gateway-status.ts";
import { anyInput } from "./routing-fixtures.ts";

const MS: Readonly<Record<string, number>> = {
  "eu-west us-east": 68,
  "ap-south us-east": 187,
  "ap-south eu-west": 122,
};
const ms = (a: string, b: string): number => (a === b ? 0 : (MS[[a, b].sort().join(" ")] ?? 0));
const hops = (path: readonly string[]): (readonly [string, string])[] =>
  path.slice(1).map((to, i) => [path[i] ?? to, to] as const);
const crossings = (path: readonly string[]): number => hops(path).filter(([a, b]) => a !== b).length;
const total = (path: readonly string[]): number => hops(path).reduce((sum, [a, b]) => sum + ms(a, b), 0);
const HEALTH = { up: 0, suspect: 1, draining: 2, down: 3 } as const;

type Weight = readonly (number | string)[];
function least<T>(items: readonly T[], weigh: (item: T) => Weight): T | undefined {
  const smaller = (a: Weight, b: Weight): boolean => {
    const at = a.findIndex((value, i) => value !== b[i]);
    const [x, y] = [a[at], b[at]];
    return at >= 0 && x !== undefined && y !== undefined && x < y;
  };
  return items.reduce<T | undefined>(
    (best, item) => (best === undefined || smaller(weigh(item), weigh(best)) ? item : best),
    undefined,
  );
}

const alive = (question: RoutingInput): GatewayStatus[] => question.gateways.filter((one) => one.state !== "down");
const nearest = (question: RoutingInput, to: string, prefer?: string): GatewayStatus | undefined =>
  least(alive(question), (one) => [
    HEALTH[one.state],
    ms(one.region, to),
    one.gateway === prefer ? 0 : 1,
    one.legs,
    one.gateway,
  ]);

function gatewayFor(
  question: RoutingInput,
  route: RouteCandidateInput,
  callerGateway: string | undefined,
): GatewayStatus | undefined {
  const own = question.gateways.find((one) => one.gateway === route.gateway);
  if (route.expiresAtMs <= question.nowMs) return undefined;
  if (route.reachability === "bridge") return nearest(question, route.region, callerGateway);
  if (own?.state === "up" || own?.state === "suspect") return own;
  return route.reachability === "open-udp"
    ? nearest(question, route.region)
    : own?.state === "draining"
      ? own
      : undefined;
}

function reference(question: RoutingInput): readonly string[] {
  const known = question.gateways.find((one) => one.gateway === question.callerGateway);
  const side = question.callerGateway === undefined ? nearest(question, question.callerRegion) : known;
  const callerGateway = question.callerGateway ?? side?.gateway;
  const pairs = question.routes.flatMap((route) => {
    const gateway = gatewayFor(question, route, callerGateway);
    if (gateway === undefined) return [];
    const path = [question.callerRegion, side?.region ?? question.callerRegion, gateway.region, route.region];
    const share = ((route.recentSuccesses ?? 0) + 1) / ((route.recentSuccesses ?? 0) + (route.recentFailures ?? 0) + 2);
    const near = [crossings(path), total(path)];
    const middle = {
      "fewest-regions": near,
      nearest: [...near].reverse(),
      preference: [-(route.preference ?? 1), ...near],
      history: [-share, ...near],
    }[question.policy];
    // Distance never decides here: three regions with three different round trips.
    const weight = [
      HEALTH[gateway.state],
      route.confirmedUntilMs > question.nowMs ? 0 : 1,
      ...middle,
      gateway.legs,
      -route.registeredAtMs,
      route.routeId,
    ];
    return [{ route, gateway, weight }];
  });
  const devices = [...new Set(pairs.map(({ route }) => route.device))];
  const best = devices.map((device) =>
    least(
      pairs.filter(({ route }) => route.device === device),
      ({ weight }) => weight,
    ),
  );
  const ringing = question.ring === "nearest" ? [least(pairs, ({ weight }) => weight)] : best;
  return ringing.flatMap((one) => (one === undefined ? [] : [`${one.route.routeId}>${one.gateway.gateway}`])).sort();
}

it("chooses what an exhaustive search over routes and gateways chooses", () => {
  fc.assert(
    fc.property(anyInput, (question) => {
      expect(
        chosenCandidates(rankRoutes(question))
          .map((one) => `${one.routeId}>${one.gateway}`)
          .sort(),
      ).toEqual(reference(question));
    }),
    { numRuns: 2_000 },
  );
});
