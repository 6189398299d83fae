/** What other objects may ask of a Region object: the gateways of its region, their keys, health and load. */
import type { GatewayLoad } from "#protocol/control-frames";
import type { GatewayId, GatewayInstanceId, RegionName } from "#protocol/ids";
import type { GatewayStatus } from "../routing/gateway-status.ts";

export type EnrolledKey =
  | { readonly state: "enrolled"; /** Raw Ed25519 key, base64url. */ readonly publicKey: string }
  | { readonly state: "revoked" }
  | { readonly state: "unknown" };

export type SuspicionReason = "channel-closed" | "trunk-silent" | "heartbeat-missing";

/** `grace`: its trunk answered, ask again later. `ignored`: it was not up, or another instance runs. */
export type SuspicionVerdict = "alive" | "grace" | "dead" | "ignored";

export interface GatewayReport {
  readonly gateway: GatewayId;
  readonly instance: GatewayInstanceId;
  readonly load: GatewayLoad;
  readonly counters: Readonly<Record<string, number>>;
  readonly draining: boolean;
}

/** A gateway as people look at it. */
export interface GatewayDetails {
  readonly status: GatewayStatus;
  readonly enrolled: boolean;
  readonly bindings: number;
  readonly counters: Readonly<Record<string, number>>;
}

export interface RegionObjectApi {
  /** Another key than before replaces it: the channels of the old one close, as after `revoke`. */
  enrol(input: { readonly gateway: GatewayId; readonly publicKey: string }): Promise<void>;
  /** Returns once every channel of the gateway was told, or could not be: then it is told every 10 s until it is. */
  revoke(gateway: GatewayId): Promise<{ readonly known: boolean }>;
  publicKeyOf(gateway: GatewayId): Promise<EnrolledKey>;
  /** A good hello. A new instance proves the death of the one before it. `accepted: false`: this key is no longer good. */
  gatewayUp(input: {
    readonly gateway: GatewayId;
    readonly instance: GatewayInstanceId;
    readonly channel: number;
    readonly publicKey: string;
  }): Promise<{ readonly accepted: boolean }>;
  report(report: GatewayReport): Promise<void>;
  /** Returns when the proof is done. `instance` is unknown to a neighbour: then the present one is meant. */
  suspect(input: {
    readonly gateway: GatewayId;
    readonly instance?: GatewayInstanceId;
    readonly reason: SuspicionReason;
  }): Promise<SuspicionVerdict>;
  /** Another region says that one of its gateways changed. */
  noteFarGateway(status: GatewayStatus): Promise<void>;
  /** The gateways of this region. */
  snapshot(): Promise<readonly GatewayStatus[]>;
  /** The gateways of all regions, as this region last heard of them. */
  fleetSnapshot(): Promise<readonly GatewayStatus[]>;
  details(): Promise<{ readonly region: RegionName; readonly gateways: readonly GatewayDetails[] }>;
}
