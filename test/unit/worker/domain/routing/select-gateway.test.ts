import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GatewayStatus } from "../../../../../worker/domain/routing/gateway-status.ts";
import { selectGatewayForRegion } from "../../../../../worker/domain/routing/select-gateway.ts";
import type { SelectGatewayOptions } from "../../../../../worker/domain/routing/select-gateway.ts";
import { anyInput, gateway, gatewayId, GEOGRAPHY, region } from "./routing-fixtures.ts";

function pick(at: string, gateways: readonly GatewayStatus[], options: Partial<SelectGatewayOptions> = {}): string {
  const selection = selectGatewayForRegion(region(at), gateways, { geography: GEOGRAPHY, ...options });
  return selection.ok ? selection.gateway.gateway : selection.code;
}

describe("the nearest gateway to a region", () => {
  const cases: readonly (readonly [
    rule: string,
    at: string,
    gateways: readonly GatewayStatus[],
    expected: string,
    options?: Partial<SelectGatewayOptions>,
  ])[] = [
    ["same region before any other", "eu-west", [gateway("us-east"), gateway("eu-west", { legs: 500 })], "eu-west"],
    ["shortest round trip among other regions", "us-east", [gateway("ap-south"), gateway("eu-west")], "eu-west"],
    [
      "fewest legs inside a region",
      "us-east",
      [gateway("a", { region: "us-east", legs: 2 }), gateway("b", { region: "us-east", legs: 1 })],
      "b",
    ],
    [
      "name when all is equal",
      "us-east",
      [gateway("b", { region: "us-east" }), gateway("a", { region: "us-east" })],
      "a",
    ],
    [
      "a working one far away before a draining one at home",
      "eu-west",
      [gateway("eu-west", { state: "draining" }), gateway("ap-south")],
      "ap-south",
    ],
    [
      "a working one far away before a suspect one at home",
      "eu-west",
      [gateway("eu-west", { state: "suspect" }), gateway("ap-south")],
      "ap-south",
    ],
    [
      "a suspect one before a draining one",
      "eu-west",
      [gateway("eu-west", { state: "draining" }), gateway("ap-south", { state: "suspect" })],
      "ap-south",
    ],
    [
      "a draining one when nothing else lives",
      "eu-west",
      [gateway("eu-west", { state: "down" }), gateway("ap-south", { state: "draining" })],
      "ap-south",
    ],
    ["never a dead one", "eu-west", [gateway("eu-west", { state: "down" })], "no-live-gateway"],
    ["nothing among none", "eu-west", [], "no-live-gateway"],
    [
      "not an excluded one",
      "eu-west",
      [gateway("eu-west"), gateway("us-east")],
      "us-east",
      { exclude: [gatewayId("eu-west")] },
    ],
    [
      "the preferred one among equally near, whatever its legs",
      "us-east",
      [gateway("a", { region: "us-east", legs: 0 }), gateway("b", { region: "us-east", legs: 9 })],
      "b",
      { prefer: gatewayId("b") },
    ],
    [
      "not the preferred one when it is farther",
      "us-east",
      [gateway("us-east"), gateway("eu-west")],
      "us-east",
      { prefer: gatewayId("eu-west") },
    ],
    [
      "not the preferred one when it is draining",
      "us-east",
      [gateway("a", { region: "us-east" }), gateway("b", { region: "us-east", state: "draining" })],
      "a",
      { prefer: gatewayId("b") },
    ],
  ];
  it.each(cases.map((one) => [one[0], one] as const))("is %s", (_rule, [, at, gateways, expected, options]) => {
    expect(pick(at, gateways, options)).toBe(expected);
  });
});

it("says how far away its choice is", () => {
  expect(selectGatewayForRegion(region("us-east"), [gateway("eu-west")], { geography: GEOGRAPHY })).toMatchObject({
    ok: true,
    rttMs: 68,
    distanceKm: expect.closeTo(5_440, -2),
  });
});

it("does not depend on the order of gateways and leaves it as it was", () => {
  fc.assert(
    fc.property(anyInput, ({ gateways, callerRegion }) => {
      const frozen = Object.freeze([...gateways]);
      expect(selectGatewayForRegion(callerRegion, frozen, { geography: GEOGRAPHY })).toEqual(
        selectGatewayForRegion(callerRegion, [...gateways].reverse(), { geography: GEOGRAPHY }),
      );
    }),
  );
});
