/** Distances between regions, measured where the file has a measurement, otherwise estimated from coordinates. */
import type { RegionName } from "../protocol/ids.ts";
import type { RegionConfig, RegionGeography } from "./schema.ts";

/** Mean radius of the Earth (IUGG). */
const EARTH_RADIUS_KM = 6_371.0088;
/** Half the circumference: stands for "not on the map", so that such a region always loses and the figure stays storable as JSON. */
const FARTHEST_KM = 20_038;
/** Inside a region: gateways of one region are taken to be one network hop apart. */
const SAME_REGION_MS = 1;
/** Light in fibre covers about 200 km in a millisecond, one way. */
const FIBRE_KM_PER_MS = 200;
/** Cables are longer than great circles: 1.25 to 1.6 times for the measured pairs of `local.json`. */
const CABLE_STRETCH = 1.5;

function coordinates(
  geography: RegionGeography,
  name: RegionName,
): { readonly latitude: number; readonly longitude: number } | undefined {
  return geography.regions.find((region) => region.name === name);
}

function haversine(degrees: number): number {
  return Math.sin((degrees * Math.PI) / 360) ** 2;
}

/** Great-circle distance by the haversine formula; `FARTHEST_KM` when a region is not on the map. */
export function distanceKm(geography: RegionGeography, a: RegionName, b: RegionName): number {
  if (a === b) return 0;
  const from = coordinates(geography, a);
  const to = coordinates(geography, b);
  if (from === undefined || to === undefined) return FARTHEST_KM;
  const radians = Math.PI / 180;
  const h =
    haversine(to.latitude - from.latitude) +
    Math.cos(from.latitude * radians) * Math.cos(to.latitude * radians) * haversine(to.longitude - from.longitude);
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The estimate for two regions without a measurement: there and back at fibre speed along a stretched great circle, plus the hop inside a region. */
export function estimatedRoundTripMs(km: number): number {
  return SAME_REGION_MS + (2 * km * CABLE_STRETCH) / FIBRE_KM_PER_MS;
}

export function roundTripMs(geography: RegionGeography, a: RegionName, b: RegionName): number {
  if (a === b) return SAME_REGION_MS;
  const measured = geography.roundTripMs.find(([x, y]) => (x === a && y === b) || (x === b && y === a));
  return measured === undefined ? estimatedRoundTripMs(distanceKm(geography, a, b)) : measured[2];
}

/** Only what distances need: small enough to be stored with each decision. */
export function regionGeography(config: RegionGeography): RegionGeography {
  return {
    regions: config.regions.map(({ name, latitude, longitude }) => ({ name, latitude, longitude })),
    roundTripMs: config.roundTripMs,
  };
}

/** The same map with every gateway on one host. Media addresses of their own belong to the old hosts and go. */
export function withHost(config: RegionConfig, host: string): RegionConfig {
  return { ...config, gateways: config.gateways.map((gateway) => ({ ...gateway, host, mediaHosts: undefined })) };
}
