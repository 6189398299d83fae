import { describe, expect, it } from "vitest";
import { parseGatewayId, parseGatewayInstanceId, parseRegionName } from "../../../../../protocol/ids.ts";
import type { EndpointRoute } from "../../../../../worker/domain/location/endpoint-route.ts";
import { ROUTE_LIFETIME_LIMIT_MS } from "../../../../../worker/domain/location/endpoint-route.ts";
import { admitRoute, DEVICE_LIMIT, isHeldBy, liveRoutes } from "../../../../../worker/domain/location/route-table.ts";

const NOW = 1_000_000;

function route(device: string, overrides: Partial<EndpointRoute> = {}): EndpointRoute {
  return {
    routeId: `gw/${device}`,
    device,
    kind: "phone",
    region: parseRegionName("us-east")!,
    gateway: parseGatewayId("us-east")!,
    contact: "sip:a@10.0.0.1",
    transport: "udp",
    reachability: "open-udp",
    registeredAtMs: NOW,
    confirmedUntilMs: NOW + 60_000,
    expiresAtMs: NOW + 60_000,
    ...overrides,
  };
}

interface Taken {
  readonly stored: readonly EndpointRoute[];
  readonly added: EndpointRoute;
  readonly instead?: string;
}

const ten = Array.from({ length: DEVICE_LIMIT }, (_, index) => route(`d${index}`));

describe("an endpoint's table of routes", () => {
  it.each([
    { what: "an eleventh device", stored: ten, added: route("new"), outcome: { ok: false, code: "too-many-devices" } },
    {
      what: "one that is over already",
      stored: [],
      added: route("d", { expiresAtMs: NOW }),
      outcome: { ok: false, code: "route-expired" },
    },
  ])("refuses $what", ({ stored, added, outcome }) => {
    expect(admitRoute(stored, added, NOW)).toEqual(outcome);
  });

  it.each([
    { what: "a newer route of a known device when it is full", stored: ten, added: route("d3") },
    {
      what: "a new device when it is full, in place of the oldest that an earlier run of its gateway left behind",
      stored: ten.map((one, index) => ({
        ...one,
        gatewayInstance: parseGatewayInstanceId((index < 8 ? "a" : "b").repeat(32)),
        registeredAtMs: NOW - (index === 5 ? 9_000 : 1_000),
      })),
      added: route("new", { gatewayInstance: parseGatewayInstanceId("b".repeat(32)) }),
      instead: "d5",
    },
    {
      what: "a new device when another's route has run out",
      stored: [...ten.slice(1), route("d0", { expiresAtMs: NOW })],
      added: route("new"),
    },
  ])("takes $what", ({ stored, added, instead }: Taken) => {
    const admission = admitRoute(stored, added, NOW);
    expect(admission).toMatchObject({ ok: true });
    expect(admission.ok ? admission.instead : "refused").toBe(instead);
  });

  it("keeps no route longer than a day", () => {
    const endless = route("d", { expiresAtMs: Number.MAX_SAFE_INTEGER, confirmedUntilMs: Number.MAX_SAFE_INTEGER });
    const limit = NOW + ROUTE_LIFETIME_LIMIT_MS;
    expect(admitRoute([], endless, NOW)).toMatchObject({ route: { expiresAtMs: limit, confirmedUntilMs: limit } });
  });

  it("drops a route at the very millisecond of its end", () => {
    expect(
      liveRoutes([route("a", { expiresAtMs: NOW }), route("b", { expiresAtMs: NOW + 1 })], NOW).map(
        ({ device }) => device,
      ),
    ).toEqual(["b"]);
  });

  it.each([
    { what: "its own gateway", holder: { kind: "gateway", gateway: parseGatewayId("us-east")! }, held: true },
    { what: "another gateway", holder: { kind: "gateway", gateway: parseGatewayId("eu-west")! }, held: false },
    { what: "a socket", holder: { kind: "socket", bridge: "us-east.1", socket: "s" }, held: false },
  ] as const)("says whether $what holds a phone's route", ({ holder, held }) => {
    expect(isHeldBy(route("a"), holder)).toBe(held);
  });
});
