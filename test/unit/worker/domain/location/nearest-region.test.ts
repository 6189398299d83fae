import { describe, expect, it } from "vitest";
import local from "../../../../../region-config/local.json" with { type: "json" };
import { parseRegionConfig } from "../../../../../region-config/index.ts";
import { nearestRegion } from "../../../../../worker/domain/location/nearest-region.ts";

const parsed = parseRegionConfig(local);
if (!parsed.ok) throw new Error("local.json must be valid");

describe("the region of a request", () => {
  it.each([
    { where: "Boston", place: { latitude: 42.36, longitude: -71.06 }, region: "us-east" },
    { where: "Berlin", place: { latitude: 52.52, longitude: 13.4 }, region: "eu-west" },
    { where: "Singapore", place: { latitude: 1.35, longitude: 103.82 }, region: "ap-south" },
    { where: "the far side of the date line", place: { latitude: 60, longitude: 179.9 }, region: "us-east" },
    { where: "nobody knows where", place: undefined, region: "us-east" },
  ])("for $where is $region", ({ place, region }) => {
    expect(nearestRegion(parsed.config, place)).toBe(region);
  });
});
