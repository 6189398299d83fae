import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import {
  distanceKm,
  estimatedRoundTripMs,
  parseRegionConfig,
  regionGeography,
  roundTripMs,
  withHost,
} from "#region-config";
import type { RegionConfig, RegionGeography } from "#region-config";
import { parseRegionName } from "#protocol/ids";
import type { RegionName } from "#protocol/ids";

const region = (text: string): RegionName => parseRegionName(text) as RegionName;
const outcome = parseRegionConfig(
  JSON.parse(readFileSync(new URL("../../../region-config/local.json", import.meta.url), "utf8")),
);
const local = (outcome as { config: RegionConfig }).config;
const [us, eu, ap] = [region("us-east"), region("eu-west"), region("ap-south")];

it.each([
  ["us-east", "eu-west", 5_440],
  ["eu-west", "ap-south", 7_600],
  ["us-east", "ap-south", 12_880],
])("puts %s and %s about %i km apart", (a, b, km) => {
  expect(Math.abs(distanceKm(local, region(a), region(b)) / km - 1)).toBeLessThan(0.02);
});

it("knows a quarter of the equator and pole to pole", () => {
  const map: RegionGeography = {
    roundTripMs: [],
    regions: [
      { name: us, latitude: 0, longitude: 0 },
      { name: eu, latitude: 0, longitude: 90 },
      { name: ap, latitude: 90, longitude: 0 },
    ],
  };
  expect(distanceKm(map, us, eu)).toBeCloseTo(10_007.56, 1);
  expect(distanceKm(map, us, ap)).toBeCloseTo(10_007.56, 1);
});

it("is a metric: zero at home, the same both ways, never longer than half the Earth", () => {
  const place = fc.record({
    latitude: fc.double({ min: -90, max: 90, noNaN: true }),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  });
  fc.assert(
    fc.property(place, place, place, (a, b, c) => {
      const map: RegionGeography = {
        roundTripMs: [],
        regions: [
          { name: us, ...a },
          { name: eu, ...b },
          { name: ap, ...c },
        ],
      };
      expect(distanceKm(map, us, us)).toBe(0);
      expect(distanceKm(map, us, eu)).toBe(distanceKm(map, eu, us));
      expect(distanceKm(map, us, eu)).toBeLessThan(20_038);
      expect(distanceKm(map, us, ap)).toBeLessThanOrEqual(distanceKm(map, us, eu) + distanceKm(map, eu, ap) + 1e-3);
    }),
  );
});

it("takes the measured round trip in either direction", () => {
  expect([roundTripMs(local, us, eu), roundTripMs(local, eu, us), roundTripMs(local, ap, us)]).toEqual([68, 68, 187]);
});

it("estimates a round trip that nobody measured from the distance", () => {
  const unmeasured = { ...local, roundTripMs: [] };
  expect(roundTripMs(unmeasured, us, eu)).toBe(estimatedRoundTripMs(distanceKm(local, us, eu)));
  expect(estimatedRoundTripMs(2_000)).toBe(31);
});

it("estimates each measured pair of the local file within a third", () => {
  for (const [a, b, ms] of local.roundTripMs)
    expect(Math.abs(estimatedRoundTripMs(distanceKm(local, a, b)) / ms - 1)).toBeLessThan(0.34);
});

it("puts a region that is not on the map farther than any other", () => {
  expect(distanceKm(local, us, region("mars"))).toBeGreaterThan(20_000);
  expect(roundTripMs(local, us, region("mars"))).toBeGreaterThan(roundTripMs(local, us, ap));
});

it("takes one millisecond inside a region", () => {
  expect(roundTripMs(local, us, us)).toBe(1);
});

it("keeps only what distances need when a decision is stored", () => {
  expect(regionGeography(local)).toEqual({
    roundTripMs: local.roundTripMs,
    regions: local.regions.map(({ name, latitude, longitude }) => ({ name, latitude, longitude })),
  });
});

it("moves every gateway to another host and nothing else", () => {
  const withMedia: RegionConfig = {
    ...local,
    gateways: local.gateways.map((gateway) => ({ ...gateway, mediaHosts: ["192.0.2.7"] })),
  };
  expect(withHost(withMedia, "10.1.2.3")).toEqual({
    ...local,
    gateways: local.gateways.map((gateway) => ({ ...gateway, host: "10.1.2.3" })),
  });
});
