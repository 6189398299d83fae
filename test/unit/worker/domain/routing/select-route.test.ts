import * as fc from "fast-check";
import { parseGatewayInstanceId } from "#protocol/ids";
import { describe, expect, it } from "vitest";
import {
  chosenCandidates,
  nextCandidate,
  rankRoutes,
  recomputeDecision,
} from "../../../../../worker/domain/routing/select-route.ts";
import type { RankedCandidate, RoutingInput } from "../../../../../worker/domain/routing/select-route.ts";
import { anyInput, browser, gateway, gatewayId, input, NOW, phone, region } from "./routing-fixtures.ts";

/** `route>gateway:verdict`, in rank order. */
function ranking(changes: Partial<RoutingInput>): readonly string[] {
  return rankRoutes(input(changes)).candidates.map((one) => `${one.routeId}>${one.gateway ?? "-"}:${one.verdict}`);
}

const fromEurope = { callerRegion: region("eu-west"), callerGateway: gatewayId("eu-west") } as const;
const tablet = { device: "tablet" } as const;

describe("fewest crossings", () => {
  const routes = [phone("us", "us-east", tablet), phone("eu", "eu-west", tablet)];
  it("rings the device through the caller's own region, so the same callee is reached differently by each caller", () => {
    expect(ranking({ routes })).toEqual(["us>us-east:chosen", "eu>eu-west:same-device-farther"]);
    expect(ranking({ routes, ...fromEurope })).toEqual(["eu>eu-west:chosen", "us>us-east:same-device-farther"]);
    expect(rankRoutes(input({ routes })).decidedBy).toBe("fewest-crossings");
  });
  it("counts hops along caller, its gateway, the callee's gateway and the callee", () => {
    const [one] = rankRoutes(
      input({
        callerRegion: region("ap-south"),
        routes: [browser("b", "ap-south")],
        gateways: [gateway("us-east"), gateway("eu-west")],
      }),
    ).candidates;
    expect(one).toMatchObject({ gateway: "eu-west", crossings: 3, rttMs: 187 + 68 + 122 });
    expect(one?.path).toEqual({
      callerRegion: "ap-south",
      callerGateway: "us-east",
      callerGatewayRegion: "us-east",
      calleeGateway: "eu-west",
      calleeGatewayRegion: "eu-west",
      calleeRegion: "ap-south",
    });
  });
  it("prefers one long hop to two short ones, which the policy nearest does not", () => {
    // From us-east to a device in ap-south: 187 ms in one hop, or 68 + 1 in two over a route whose phone is in eu-west but rings through us-east.
    const two = { routes: [phone("far", "ap-south", tablet), phone("odd", "us-east", { ...tablet, via: "eu-west" })] };
    expect(rankRoutes(input(two)).candidates.map((one) => [one.routeId, one.crossings, one.rttMs])).toEqual([
      ["far", 1, 187],
      ["odd", 2, 136],
    ]);
    expect(ranking({ ...two, policy: "nearest" })).toEqual(["odd>eu-west:chosen", "far>ap-south:same-device-farther"]);
  });
});

describe("each further rule decides when those before it are equal:", () => {
  const cases: readonly (readonly [rule: string, changes: Partial<RoutingInput>, order: string])[] = [
    ["round-trip", { routes: [phone("a", "ap-south", tablet), phone("e", "eu-west", tablet)] }, "e a"],
    [
      "fewest-legs",
      {
        routes: [phone("a", "us-east", { ...tablet, via: "g1" }), phone("b", "us-east", { ...tablet, via: "g2" })],
        gateways: [gateway("g1", { region: "us-east", legs: 4 }), gateway("g2", { region: "us-east", legs: 3 })],
      },
      "b a",
    ],
    [
      "latest-registration",
      {
        routes: [
          phone("a", "us-east", { ...tablet, registeredAtMs: NOW - 9 }),
          phone("b", "us-east", { ...tablet, registeredAtMs: NOW - 8 }),
        ],
      },
      "b a",
    ],
    ["name", { routes: [phone("b", "us-east", tablet), phone("a", "us-east", tablet)] }, "a b"],
    [
      "lease",
      { routes: [phone("a", "us-east", { ...tablet, confirmedUntilMs: NOW }), phone("b", "ap-south", tablet)] },
      "b a",
    ],
    [
      "gateway-health",
      {
        routes: [phone("a", "us-east", tablet), phone("b", "ap-south", tablet)],
        gateways: [gateway("us-east", { state: "suspect" }), gateway("ap-south")],
      },
      "b a",
    ],
    [
      "preference",
      {
        policy: "preference",
        routes: [phone("a", "us-east", { ...tablet, preference: 0.5 }), phone("b", "ap-south", tablet)],
      },
      "b a",
    ],
    [
      "history",
      {
        policy: "history",
        routes: [phone("a", "us-east", { ...tablet, recentFailures: 1 }), phone("b", "ap-south", tablet)],
      },
      "b a",
    ],
  ];
  it.each(cases)("%s", (rule, changes, order) => {
    const decision = rankRoutes(input(changes));
    expect(decision.candidates.map((one) => one.routeId).join(" ")).toBe(order);
    expect(decision.decidedBy).toBe(rule);
    expect(decision.candidates[1]?.behindBy).toBe(rule);
  });
  it("distance, when no round trip tells them apart", () => {
    const geography = {
      ...input().geography,
      roundTripMs: [
        [region("us-east"), region("eu-west"), 90],
        [region("us-east"), region("ap-south"), 90],
      ] as const,
    };
    const decision = rankRoutes(
      input({ geography, routes: [phone("a", "ap-south", tablet), phone("e", "eu-west", tablet)] }),
    );
    expect([decision.candidates[0]?.routeId, decision.decidedBy]).toEqual(["e", "distance"]);
  });
});

describe("a phone whose gateway is gone", () => {
  const gateways = [gateway("us-east"), gateway("eu-west", { state: "down" }), gateway("ap-south")];
  it("rings through the live gateway nearest to it when its address is open", () => {
    expect(ranking({ routes: [phone("p", "eu-west")], gateways })).toEqual(["p>us-east:chosen"]);
    expect(rankRoutes(input({ routes: [phone("p", "eu-west")], gateways })).candidates[0]).toMatchObject({
      through: "other",
      reason: expect.stringContaining("its own gateway eu-west down"),
    });
  });
  it("waits for its gateway when only that holds its connection", () => {
    expect(
      ranking({ routes: [phone("p", "eu-west", { reachability: "connection", transport: "tls" })], gateways }),
    ).toEqual(["p>-:gateway-down"]);
  });
  it("is unreachable when its gateway is not on the list", () => {
    expect(
      ranking({ routes: [phone("p", "eu-west", { reachability: "connection", via: "ghost" })], gateways }),
    ).toEqual(["p>-:unreachable"]);
    expect(
      ranking({ routes: [{ ...phone("p", "eu-west", { reachability: "connection" }), gateway: undefined }], gateways }),
    ).toEqual(["p>-:unreachable"]);
  });
  it("cannot be rung when nothing lives", () => {
    const dead = ["us-east", "eu-west", "ap-south"].map((name) => gateway(name, { state: "down" }));
    expect(ranking({ routes: [phone("p", "eu-west"), browser("b", "eu-west")], gateways: dead })).toEqual([
      "b>-:no-live-gateway",
      "p>-:no-live-gateway",
    ]);
    expect(rankRoutes(input({ routes: [phone("p", "eu-west")], gateways: dead })).decidedBy).toBe("no-candidate");
  });
  it("loses to another route of the same device that works", () => {
    expect(
      ranking({
        routes: [
          phone("p", "us-east", { ...tablet, via: "eu-west", reachability: "connection" }),
          phone("q", "ap-south", tablet),
        ],
        gateways,
      }),
    ).toEqual(["q>ap-south:chosen", "p>-:gateway-down"]);
  });
});

describe("a revoked gateway", () => {
  it("has told of phones that nobody calls, though they could be reached from elsewhere", () => {
    const gateways = [gateway("us-east"), gateway("eu-west", { state: "down", revoked: true })];
    expect(ranking({ routes: [phone("p", "eu-west")], gateways, ...fromEurope })).toEqual(["p>-:gateway-down"]);
  });
});

describe("a draining gateway", () => {
  const gateways = [gateway("us-east"), gateway("eu-west", { state: "draining" })];
  it("hands its open phones to another", () => {
    expect(ranking({ routes: [phone("p", "eu-west")], gateways, ...fromEurope })).toEqual(["p>us-east:chosen"]);
  });
  it("rings a connection that nobody else holds", () => {
    expect(ranking({ routes: [phone("p", "eu-west", { reachability: "connection" })], gateways })).toEqual([
      "p>eu-west:chosen",
    ]);
  });
  it("carries no browser while another lives, and does when none does", () => {
    expect(ranking({ routes: [browser("b", "eu-west")], gateways })).toEqual(["b>us-east:chosen"]);
    expect(
      ranking({ routes: [browser("b", "eu-west")], gateways: [gateway("eu-west", { state: "draining" })] }),
    ).toEqual(["b>eu-west:chosen"]);
    expect(ranking({ routes: [phone("p", "eu-west")], gateways: [gateway("eu-west", { state: "draining" })] })).toEqual(
      ["p>eu-west:chosen"],
    );
  });
});

describe("a browser", () => {
  it("gets media from the gateway nearest to its bridge", () => {
    expect(ranking({ routes: [browser("b", "eu-west")] })).toEqual(["b>eu-west:chosen"]);
  });
  it("gets media from the caller's gateway among equally near ones", () => {
    const gateways = [gateway("a", { region: "us-east" }), gateway("b", { region: "us-east", legs: 5 })];
    expect(ranking({ routes: [browser("x", "us-east")], gateways, callerGateway: gatewayId("b") })).toEqual([
      "x>b:chosen",
    ]);
    expect(ranking({ routes: [browser("x", "us-east")], gateways, callerGateway: gatewayId("ghost") })).toEqual([
      "x>a:chosen",
    ]);
  });
  it("that calls is given the nearest live gateway", () => {
    const [one] = rankRoutes(
      input({
        callerGateway: undefined,
        callerRegion: region("eu-west"),
        routes: [browser("b", "eu-west")],
        gateways: [gateway("eu-west", { state: "down" }), gateway("us-east")],
      }),
    ).candidates;
    expect(one?.path).toMatchObject({ callerGateway: "us-east", calleeGateway: "us-east" });
    expect(one?.crossings).toBe(2);
  });
});

describe("devices", () => {
  const routes = [phone("a", "us-east"), phone("b", "eu-west"), browser("c", "ap-south")];
  it("that differ all ring", () => {
    expect(ranking({ routes })).toEqual(["a>us-east:chosen", "b>eu-west:chosen", "c>ap-south:chosen"]);
    expect(chosenCandidates(rankRoutes(input({ routes })))).toHaveLength(3);
  });
  it("leave the ringing to the nearest one where that is asked for", () => {
    expect(ranking({ routes, ring: "nearest" })).toEqual([
      "a>us-east:chosen",
      "b>eu-west:other-device-nearer",
      "c>ap-south:other-device-nearer",
    ]);
  });
  describe("whose gateway's run is over", () => {
    const [before, now] = ["a", "b"].map((digit) => parseGatewayInstanceId(digit.repeat(32)));
    const registered = { gatewayInstance: before, refreshSeconds: 60 };
    /** The moment at which 60 s and the grace of 5 s are over. */
    const sinceMs = NOW - 65_000;

    it.each([
      ["is restarted", { instance: now, sinceMs: sinceMs - 1 }, "a>-:expired"],
      ["is restarted, a millisecond before that", { instance: now, sinceMs }, "a>us-east:chosen"],
      ["is down", { instance: before, state: "down", sinceMs: sinceMs - 1 }, "a>-:expired"],
      ["is down, a millisecond before that", { instance: before, state: "down", sinceMs }, "a>eu-west:chosen"],
      ["still runs", { instance: before, sinceMs: 0 }, "a>us-east:chosen"],
      ["is suspect", { instance: before, state: "suspect", sinceMs: 0 }, "a>us-east:chosen"],
      ["is of a release that does not say since when", { instance: now }, "a>us-east:chosen"],
    ] as const)("ring until the phone should have refreshed: its gateway %s", (_what, traits, expected) => {
      const gateways = [gateway("us-east", traits), gateway("eu-west")];
      expect(ranking({ routes: [phone("a", "us-east", registered)], gateways })).toEqual([expected]);
    });

    it("ring on when the gateway did not say how often the phone refreshes", () => {
      const gateways = [gateway("us-east", { instance: now, sinceMs: 0 })];
      const route = phone("a", "us-east", { gatewayInstance: before });
      expect(ranking({ routes: [route], gateways })).toEqual(["a>us-east:chosen"]);
    });
  });
  it("that ran out do not ring, to the millisecond", () => {
    expect(
      ranking({
        routes: [phone("a", "us-east", { expiresAtMs: NOW }), phone("b", "us-east", { expiresAtMs: NOW + 1 })],
      }),
    ).toEqual(["b>us-east:chosen", "a>-:expired"]);
  });
});

describe("after a route failed", () => {
  const routes = [phone("near", "us-east", tablet), phone("far", "ap-south", tablet), browser("other", "eu-west")];
  const next = (changes: Partial<RoutingInput>, failed: string, tried: readonly string[] = []): string | undefined =>
    nextCandidate(rankRoutes(input(changes)), failed, tried)?.routeId;

  it("the same device is tried over its next route, and over each only once", () => {
    expect(next({ routes }, "near")).toBe("far");
    expect(next({ routes }, "far", ["near", "far"])).toBeUndefined();
  });
  it("another device is tried only where one rings at a time", () => {
    expect(next({ routes }, "other")).toBeUndefined();
    expect(next({ routes, ring: "nearest" }, "near")).toBe("other");
    expect(next({ routes, ring: "nearest" }, "other", ["near"])).toBe("far");
  });
  it("a route that nothing reaches is not tried", () => {
    const gateways = [gateway("us-east"), gateway("ap-south", { state: "down" })];
    const held = [
      phone("near", "us-east", tablet),
      phone("far", "ap-south", { ...tablet, reachability: "connection" }),
    ];
    expect(next({ routes: held, gateways }, "near")).toBeUndefined();
  });
});

it("says how alone a single candidate was", () => {
  expect(rankRoutes(input({ routes: [phone("a", "us-east")] })).decidedBy).toBe("only-candidate");
  expect(rankRoutes(input()).decidedBy).toBe("no-candidate");
});

it("gives the same answer to the same question a thousand times", () => {
  const question = input({
    routes: [phone("a", "us-east", tablet), phone("b", "eu-west", tablet), browser("c", "ap-south")],
  });
  const first = JSON.stringify(rankRoutes(question));
  for (let i = 0; i < 1_000; i++) expect(JSON.stringify(rankRoutes(question))).toBe(first);
});

it("can be decided again from what was stored, and only from that", () => {
  fc.assert(
    fc.property(anyInput, (question) => {
      const decision = rankRoutes(question);
      const stored = JSON.parse(JSON.stringify(decision));
      expect(JSON.stringify(recomputeDecision(stored))).toBe(JSON.stringify(decision));
    }),
  );
});

it("does not depend on the order of routes and gateways, nor change its input", () => {
  fc.assert(
    fc.property(anyInput, fc.infiniteStream(fc.nat()), (question, dice) => {
      const shuffled = <T>(items: readonly T[]): T[] =>
        items
          .map((item) => ({ item, die: dice.next().value }))
          .sort((a, b) => a.die - b.die)
          .map(({ item }) => item);
      const frozen = {
        ...question,
        routes: Object.freeze([...question.routes]),
        gateways: Object.freeze([...question.gateways]),
      };
      const again = { ...question, routes: shuffled(question.routes), gateways: shuffled(question.gateways) };
      expect(rankRoutes(again).candidates).toEqual(rankRoutes(frozen).candidates);
    }),
  );
});

it("never chooses a dead gateway, nor a draining one while another could ring the same route", () => {
  fc.assert(
    fc.property(anyInput, (question) => {
      const works = question.gateways.some((one) => one.state === "up" || one.state === "suspect");
      for (const one of chosenCandidates(rankRoutes(question))) {
        const state = question.gateways.find((status) => status.gateway === one.gateway)?.state;
        const route = question.routes.find((candidate) => candidate.routeId === one.routeId);
        const drainingAllowed = !works || route?.reachability === "connection";
        expect(drainingAllowed ? ["up", "suspect", "draining"] : ["up", "suspect"]).toContain(state);
      }
    }),
  );
});

it("answers for every route once, and rings each reachable device exactly once", () => {
  fc.assert(
    fc.property(anyInput, (question) => {
      const { candidates } = rankRoutes(question);
      expect(candidates.map((one) => one.routeId).sort()).toEqual(question.routes.map((route) => route.routeId).sort());
      const devicesOf = (list: readonly RankedCandidate[]): string[] => list.map((one) => one.device).sort();
      const reachable = new Set(devicesOf(candidates.filter((one) => one.gateway !== undefined)));
      const chosen = devicesOf(candidates.filter((one) => one.verdict === "chosen"));
      expect(chosen).toEqual(question.ring === "all" ? [...reachable] : chosen.slice(0, Math.min(1, reachable.size)));
    }),
  );
});
