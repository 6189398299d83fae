/** Where an endpoint can be reached: one entry for each device and each way to it. */
import type { Reachability, SipFlow } from "#protocol/capsule";
import type { GatewayId, GatewayInstanceId, RegionName } from "#protocol/ids";

/** Longest life of a route, whatever its device asked for (decision 8). */
export const ROUTE_LIFETIME_LIMIT_MS = 24 * 60 * 60 * 1_000;

/** A route as its endpoint object stores it. Plain JSON. */
export interface EndpointRoute {
  /** Unique among the routes of its endpoint, and stable over refreshes. */
  readonly routeId: string;
  /** Routes with the same device are ways to the same ringer: `+sip.instance` (RFC 5626), or what stands for it. */
  readonly device: string;
  readonly kind: "phone" | "browser";
  /** Region of the gateway or the bridge that holds the device's flow. */
  readonly region: RegionName;
  /** Phones: the gateway that it registered with. */
  readonly gateway?: GatewayId;
  /** Phones: the run of that gateway which holds the flow. */
  readonly gatewayInstance?: GatewayInstanceId;
  /** Browsers: the bridge shard that holds the socket. */
  readonly bridge?: string;
  /** Browsers: the socket inside its bridge. */
  readonly socket?: string;
  /** Contact URI as registered. */
  readonly contact: string;
  /** Phones: the address that its REGISTER came from. */
  readonly flow?: SipFlow;
  readonly transport: "udp" | "tcp" | "tls" | "ws";
  readonly reachability: Reachability;
  readonly userAgent?: string;
  readonly sipInstance?: string;
  readonly registeredAtMs: number;
  /** End of the lease of its gateway or bridge: until then somebody vouches for the flow. */
  readonly confirmedUntilMs: number;
  /** End of the registration, `ROUTE_LIFETIME_LIMIT_MS` after it at the latest. */
  readonly expiresAtMs: number;
  /** Phones: how often they refresh with their gateway, which the Worker does not hear of. */
  readonly refreshSeconds?: number;
  /** Last measured round trip between device and gateway or bridge. */
  readonly rttMs?: number;
}
