/** What a region file says: the map of the world as data. `load.ts` is the only way to get one of these from a file. */
import type { GatewayId, RegionName } from "../protocol/ids.ts";

/** Where Cloudflare may be asked to place the objects of a region. A hint is not residency. */
export const LOCATION_HINTS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"] as const;
export type LocationHint = (typeof LOCATION_HINTS)[number];

export interface RegionEntry {
  readonly name: RegionName;
  /** Degrees north, -90 to 90. */
  readonly latitude: number;
  /** Degrees east, -180 to 180. */
  readonly longitude: number;
  readonly locationHint: LocationHint;
}

export interface GatewayEntry {
  /** Unique over all regions. */
  readonly id: GatewayId;
  readonly region: RegionName;
  /** Where phones, and the trunks of other gateways, reach it: an address or a name. */
  readonly host: string;
  readonly sip: SipPorts;
  /** UDP port of the media trunk between gateways, and of probes. */
  readonly trunkPort: number;
  /** First and last UDP port for RTP and for browsers' media. */
  readonly rtpPorts: readonly [first: number, last: number];
  /** TCP port of the metrics page. */
  readonly metricsPort: number;
  /** Control channels that it keeps open; calls are hashed over them. */
  readonly channels: number;
  /** Addresses offered to browsers when they differ from `host`, best first. */
  readonly mediaHosts?: readonly string[];
}

export interface SipPorts {
  readonly udp: number;
  readonly tcp: number;
  readonly tls: number;
}

/** A measured round trip between two regions; valid both ways, so each pair stands once. */
export type MeasuredRoundTrip = readonly [a: RegionName, b: RegionName, ms: number];

/** The part of a region file that distances are computed from. */
export interface RegionGeography {
  readonly regions: readonly Pick<RegionEntry, "name" | "latitude" | "longitude">[];
  readonly roundTripMs: readonly MeasuredRoundTrip[];
}

export interface RegionConfig extends RegionGeography {
  /** Where the platform's central services run. */
  readonly central: RegionName;
  /** Taken when nothing tells where a request came from. */
  readonly defaultRegion: RegionName;
  readonly regions: readonly RegionEntry[];
  readonly gateways: readonly GatewayEntry[];
  /** Lets `?region=NAME` pick the region of a WebSocket: for development, never on the open network. */
  readonly allowDevelopmentRegionQuery?: boolean;
}

/** One mistake in a region file. `path` is a JSON path such as `gateways[2].sip.udp`; `code` is stable. */
export interface RegionConfigProblem {
  readonly path: string;
  readonly code: RegionConfigProblemCode;
  readonly detail: string;
}

export type RegionConfigProblemCode =
  | "value-missing"
  | "key-unknown"
  | "type-wrong"
  | "list-empty"
  | "name-invalid"
  | "host-invalid"
  | "number-out-of-range"
  | "location-hint-unknown"
  | "range-reversed"
  | "region-duplicate"
  | "region-unknown"
  | "gateway-duplicate"
  | "port-duplicate"
  | "port-inside-rtp-range"
  | "rtp-ranges-overlap"
  | "round-trip-same-region"
  | "round-trip-duplicate"
  | "round-trip-asymmetric";
