import * as fc from "fast-check";
import { parseGatewayId, parseRegionName } from "#protocol/ids";
import type { GatewayId, RegionName } from "#protocol/ids";
import type { RegionGeography } from "#region-config";
import type { GatewayStatus } from "../../../../../worker/domain/routing/gateway-status.ts";
import { ROUTING_POLICIES } from "../../../../../worker/domain/routing/select-route.ts";
import type { RouteCandidateInput, RoutingInput } from "../../../../../worker/domain/routing/select-route.ts";

export const region = (text: string): RegionName => parseRegionName(text) as RegionName;
export const gatewayId = (text: string): GatewayId => parseGatewayId(text) as GatewayId;

export const NOW = 1_700_000_000_000;

export const GEOGRAPHY: RegionGeography = {
  regions: [
    { name: region("us-east"), latitude: 39.04, longitude: -77.49 },
    { name: region("eu-west"), latitude: 53.35, longitude: -6.26 },
    { name: region("ap-south"), latitude: 19.08, longitude: 72.88 },
  ],
  roundTripMs: [
    [region("us-east"), region("eu-west"), 68],
    [region("us-east"), region("ap-south"), 187],
    [region("eu-west"), region("ap-south"), 122],
  ],
};

export type GatewayTraits = Partial<Omit<GatewayStatus, "gateway" | "region">> & { readonly region?: string };

/** A gateway; its region is its name unless told otherwise. */
export function gateway(name: string, { region: at = name, ...traits }: GatewayTraits = {}): GatewayStatus {
  return {
    gateway: gatewayId(name),
    region: region(at),
    host: "127.0.0.1",
    trunkPort: 5062,
    channels: 2,
    state: "up",
    legs: 0,
    cpu: 0,
    updatedAtMs: NOW,
    ...traits,
  };
}

type RouteTraits = Partial<Omit<RouteCandidateInput, "region" | "gateway">>;

export function phone(
  routeId: string,
  at: string,
  traits: RouteTraits & { readonly via?: string } = {},
): RouteCandidateInput {
  const { via = at, ...rest } = traits;
  return {
    routeId,
    device: routeId,
    kind: "phone",
    region: region(at),
    gateway: gatewayId(via),
    contact: `sip:${routeId}@192.0.2.1`,
    transport: "udp",
    reachability: "open-udp",
    registeredAtMs: NOW - 1_000,
    confirmedUntilMs: NOW + 10_000,
    expiresAtMs: NOW + 60_000,
    ...rest,
  };
}

export function browser(routeId: string, at: string, traits: RouteTraits = {}): RouteCandidateInput {
  return {
    routeId,
    device: routeId,
    kind: "browser",
    region: region(at),
    bridge: "b0",
    socket: `${routeId}-socket`,
    contact: `sip:${routeId}@x.invalid;transport=ws`,
    transport: "ws",
    reachability: "bridge",
    registeredAtMs: NOW - 1_000,
    confirmedUntilMs: NOW + 10_000,
    expiresAtMs: NOW + 60_000,
    ...traits,
  };
}

export function input(changes: Partial<RoutingInput> = {}): RoutingInput {
  return {
    callerRegion: region("us-east"),
    callerGateway: gatewayId("us-east"),
    routes: [],
    gateways: [gateway("us-east"), gateway("eu-west"), gateway("ap-south")],
    geography: GEOGRAPHY,
    policy: "fewest-regions",
    nowMs: NOW,
    ...changes,
  };
}

const anyRegion = fc.constantFrom("us-east", "eu-west", "ap-south");

const anyGateways: fc.Arbitrary<GatewayStatus[]> = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom("gw-a", "gw-b", "gw-c", "gw-d", "gw-e"),
      at: anyRegion,
      state: fc.constantFrom("up", "suspect", "down", "draining"),
      legs: fc.integer({ min: 0, max: 2 }),
    }),
    { selector: (one) => one.name, maxLength: 5 },
  )
  .map((all) => all.map(({ name, at, state, legs }) => gateway(name, { region: at, state, legs })));

const anyRoutes: fc.Arbitrary<RouteCandidateInput[]> = fc
  .uniqueArray(
    fc.record({
      id: fc.constantFrom("r1", "r2", "r3", "r4", "r5", "r6"),
      device: fc.constantFrom("desk", "mobile", "tab"),
      at: anyRegion,
      via: fc.constantFrom("gw-a", "gw-b", "gw-c", "gw-d", "gw-e", "gw-unknown"),
      reachability: fc.constantFrom("open-udp", "connection", "bridge"),
      age: fc.integer({ min: 0, max: 3 }),
      left: fc.integer({ min: -1, max: 3 }),
      lease: fc.integer({ min: -1, max: 1 }),
      preference: fc.constantFrom(undefined, 0.2, 1),
      recentSuccesses: fc.constantFrom(undefined, 0, 3),
      recentFailures: fc.constantFrom(undefined, 0, 2),
    }),
    { selector: (one) => one.id, maxLength: 6 },
  )
  .map((all) =>
    all.map(({ id, device, at, via, reachability, age, left, lease, ...history }) => {
      const common = {
        device,
        registeredAtMs: NOW - age,
        expiresAtMs: NOW + left,
        confirmedUntilMs: NOW + lease,
        ...history,
      };
      return reachability === "bridge" ? browser(id, at, common) : phone(id, at, { ...common, via, reachability });
    }),
  );

export const anyInput: fc.Arbitrary<RoutingInput> = fc.record({
  callerRegion: anyRegion.map(region),
  callerGateway: fc.option(fc.constantFrom("gw-a", "gw-b", "gw-unknown").map(gatewayId), { nil: undefined }),
  routes: anyRoutes,
  gateways: anyGateways,
  geography: fc.constant(GEOGRAPHY),
  policy: fc.constantFrom(...ROUTING_POLICIES),
  ring: fc.constantFrom("all", "nearest"),
  nowMs: fc.constant(NOW),
});
