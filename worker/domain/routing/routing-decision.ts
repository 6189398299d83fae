/** Input and output of route selection, as stored on a call and served by the API. Plain JSON, complete enough to decide again. */
import type { RegionGeography } from "#region-config";
import type { GatewayId, RegionName } from "#protocol/ids";
import type { EndpointRoute } from "../location/endpoint-route.ts";
import type { GatewayStatus } from "./gateway-status.ts";

/** What an account or an endpoint may choose between. */
export type RoutingPolicy = "fewest-regions" | "preference" | "nearest" | "history";

export const ROUTING_POLICIES: readonly RoutingPolicy[] = ["fewest-regions", "preference", "nearest", "history"];

/** A route with what is known of it beyond its registration. */
export interface RouteCandidateInput extends EndpointRoute {
  /** The q of its Contact (RFC 3261 section 20.10), 0 to 1; 1 when it gave none. */
  readonly preference?: number;
  /** Recent invitations over this route that were answered by the device at all, and those that were not. */
  readonly recentSuccesses?: number;
  readonly recentFailures?: number;
}

export interface RoutingInput {
  readonly callerRegion: RegionName;
  /** The gateway where the invitation came in; none for a browser, whose media gateway is chosen then. */
  readonly callerGateway?: GatewayId;
  readonly routes: readonly RouteCandidateInput[];
  readonly gateways: readonly GatewayStatus[];
  readonly geography: RegionGeography;
  readonly policy: RoutingPolicy;
  /** `all`, the default: every device rings at once. `nearest`: only the best one. */
  readonly ring?: "all" | "nearest";
  readonly nowMs: number;
}

/** The criteria, in words that do not change: reports and tests name them. */
export type RoutingRule =
  | "gateway-health"
  | "lease"
  | "fewest-crossings"
  | "round-trip"
  | "distance"
  | "preference"
  | "history"
  | "fewest-legs"
  | "latest-registration"
  | "name";

export type RouteVerdict =
  /** Rings. */
  | "chosen"
  /** Another route of the same device rings; this one is next if that fails. */
  | "same-device-farther"
  /** Another device rings, under `ring: "nearest"`. */
  | "other-device-nearer"
  /** The registration has run out. */
  | "expired"
  /** Only its own gateway reaches it, and that one is down. */
  | "gateway-down"
  /** Any gateway would do, and none lives. */
  | "no-live-gateway"
  /** A phone's route that names no gateway, or one that no region knows. */
  | "unreachable";

/** Regions and gateways that a call over this route passes, in order. */
export interface RoutePath {
  readonly callerRegion: RegionName;
  readonly callerGateway?: GatewayId;
  readonly callerGatewayRegion: RegionName;
  readonly calleeGateway?: GatewayId;
  readonly calleeGatewayRegion?: RegionName;
  /** Where the device is. */
  readonly calleeRegion: RegionName;
}

export interface RankedCandidate {
  readonly routeId: string;
  readonly device: string;
  readonly path: RoutePath;
  /** Rings the phone, or carries the browser's media. */
  readonly gateway?: GatewayId;
  /** `own`: the gateway it registered with. `other`: a live one in its place. `media`: the nearest to the browser's bridge. */
  readonly through?: "own" | "other" | "media";
  /** Hops from region to region along the path; 0 when it has no gateway, as the next two. */
  readonly crossings: number;
  readonly rttMs: number;
  readonly distanceKm: number;
  readonly verdict: RouteVerdict;
  /** For people; the verdict and the rule are for programs. */
  readonly reason: string;
  /** The rule that put it behind the candidate before it. */
  readonly behindBy?: RoutingRule;
}

export interface RoutingDecision {
  readonly policy: RoutingPolicy;
  /** The order of criteria that this policy applies. */
  readonly rules: readonly RoutingRule[];
  /** What separated the best candidate from the second. */
  readonly decidedBy: RoutingRule | "only-candidate" | "no-candidate";
  /** Reachable routes first, best first. */
  readonly candidates: readonly RankedCandidate[];
  readonly inputs: RoutingInput;
  readonly decidedAtMs: number;
}
