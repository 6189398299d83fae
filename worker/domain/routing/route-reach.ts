/** Through which gateway a route can be rung now, if through any. */
import type { GatewayId } from "#protocol/ids";
import { healthRank } from "./gateway-status.ts";
import type { GatewayStatus } from "./gateway-status.ts";
import type { RankedCandidate, RouteCandidateInput, RouteVerdict, RoutingInput } from "./routing-decision.ts";
import { selectGatewayForRegion } from "./select-gateway.ts";

export type RouteReach =
  | {
      readonly ok: true;
      readonly gateway: GatewayStatus;
      readonly through: NonNullable<RankedCandidate["through"]>;
      readonly note: string;
    }
  | {
      readonly ok: false;
      readonly verdict: Extract<RouteVerdict, "expired" | "gateway-down" | "no-live-gateway" | "unreachable">;
      readonly note: string;
    };

export function findGateway(gateways: readonly GatewayStatus[], id: GatewayId | undefined): GatewayStatus | undefined {
  return id === undefined ? undefined : gateways.find((status) => status.gateway === id);
}

/** A phone that lost its gateway refreshes in time, or is gone: a late REGISTER is forgiven so long. */
const REFRESH_GRACE_MS = 5_000;

/**
 * Refreshes end at the gateway, so a route is published for far longer than its registration lives, and the run of the
 * gateway that took it vouches for it. Once that run is over, the phone has until its next refresh.
 */
export function registrationHasRunOut(
  route: Pick<RouteCandidateInput, "expiresAtMs" | "gateway" | "gatewayInstance" | "refreshSeconds">,
  gateways: readonly GatewayStatus[],
  nowMs: number,
): boolean {
  if (route.expiresAtMs <= nowMs) return true;
  const own = findGateway(gateways, route.gateway);
  if (own?.sinceMs === undefined || route.refreshSeconds === undefined || route.gatewayInstance === undefined)
    return false;
  const runIsOver = own.state === "down" || own.instance !== route.gatewayInstance;
  return runIsOver && nowMs > own.sinceMs + route.refreshSeconds * 1_000 + REFRESH_GRACE_MS;
}

/** `callerGateway` is the one that carries the caller's side: equal choices fall to it. */
export function reachRoute(
  route: RouteCandidateInput,
  input: RoutingInput,
  callerGateway: GatewayId | undefined,
): RouteReach {
  if (registrationHasRunOut(route, input.gateways, input.nowMs))
    return { ok: false, verdict: "expired", note: "its registration has run out" };
  if (route.reachability === "bridge") return reachBrowser(route, input, callerGateway);
  const own = findGateway(input.gateways, route.gateway);
  if (own?.revoked === true)
    return { ok: false, verdict: "gateway-down", note: `${own.gateway}, which told of it, was revoked` };
  const health = own === undefined ? undefined : healthRank(own.state);
  if (own !== undefined && (health === 0 || health === 1)) {
    return {
      ok: true,
      gateway: own,
      through: "own",
      note: `rings through its own gateway ${own.gateway}${own.state === "suspect" ? ", which is suspect" : ""}`,
    };
  }
  return route.reachability === "open-udp" ? reachOpenPhone(route, own, input) : reachConnectedPhone(route, own, input);
}

function reachBrowser(
  route: RouteCandidateInput,
  input: RoutingInput,
  callerGateway: GatewayId | undefined,
): RouteReach {
  const selection = selectGatewayForRegion(route.region, input.gateways, {
    geography: input.geography,
    ...(callerGateway === undefined ? {} : { prefer: callerGateway }),
  });
  if (!selection.ok) return { ok: false, verdict: "no-live-gateway", note: "no gateway lives to carry its media" };
  return {
    ok: true,
    gateway: selection.gateway,
    through: "media",
    note: `media through ${selection.gateway.gateway}, the nearest to its bridge in ${route.region}`,
  };
}

/** Its own gateway is down, draining or unknown; its address may be tried from elsewhere. */
function reachOpenPhone(route: RouteCandidateInput, own: GatewayStatus | undefined, input: RoutingInput): RouteReach {
  // A draining gateway stays in the choice, behind all that take calls.
  const selection = selectGatewayForRegion(route.region, input.gateways, { geography: input.geography });
  if (!selection.ok) return { ok: false, verdict: "no-live-gateway", note: "its gateway is down and no other lives" };
  const { gateway } = selection;
  if (gateway.gateway === own?.gateway)
    return {
      ok: true,
      gateway,
      through: "own",
      note: `rings through its own gateway ${gateway.gateway}, which is draining: no other lives`,
    };
  return {
    ok: true,
    gateway,
    through: "other",
    note: `rings through ${gateway.gateway}, the nearest that takes calls: its own gateway ${route.gateway ?? "is unknown and"} ${own?.state ?? "does not answer"}`,
  };
}

/** Its own gateway is down, draining or unknown, and nobody else holds its connection. */
function reachConnectedPhone(
  route: RouteCandidateInput,
  own: GatewayStatus | undefined,
  input: RoutingInput,
): RouteReach {
  if (own?.state === "draining") {
    return {
      ok: true,
      gateway: own,
      through: "own",
      note: `rings through ${own.gateway}, which is draining: nobody else holds its connection`,
    };
  }
  if (own !== undefined)
    return { ok: false, verdict: "gateway-down", note: `only ${own.gateway} reaches it, which is down` };
  const who =
    route.gateway === undefined
      ? "its route names no gateway"
      : `its gateway ${route.gateway} is not among the ${input.gateways.length} known`;
  return { ok: false, verdict: "unreachable", note: who };
}
