/** The only doorway to the map of the world; imported as `#region-config`. */
export { distanceKm, estimatedRoundTripMs, regionGeography, roundTripMs, withHost } from "./distance.ts";
export { parseRegionConfig, REGION_CONFIG_KEYS } from "./load.ts";
export type { RegionConfigOutcome } from "./load.ts";
export { LOCATION_HINTS } from "./schema.ts";
export type {
  GatewayEntry,
  LocationHint,
  MeasuredRoundTrip,
  RegionConfig,
  RegionConfigProblem,
  RegionConfigProblemCode,
  RegionEntry,
  RegionGeography,
  SipPorts,
} from "./schema.ts";
