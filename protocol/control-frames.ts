/**
 * Frames of the control channel: JSON text messages on a WebSocket that the gateway dials
 * (`/control?gateway=ID&channel=N`, subprotocol `nearside.control.1`). docs/design/control-channel.md tells the order.
 * Unknown kinds and unknown fields are ignored and counted, so that releases may differ by one.
 */
import type { Reachability, SipFlow } from "./capsule.ts";
import type { NumberedCommand, NumberedEvent } from "./call-messages.ts";
import type { AccountSid, CallToken, EndpointId, GatewayId, GatewayInstanceId, SipDomain } from "./ids.ts";

export const CONTROL_SUBPROTOCOL = "nearside.control.1";
export const CONTROL_PROTOCOL_VERSION = 1;
/** Longest frame that either side accepts, in characters. */
export const CONTROL_FRAME_LIMIT = 256 * 1024;
/**
 * Longest event, in characters as JSON: a command that carries its capsule to an adopter, and an envelope, still fit a frame.
 */
export const CALL_EVENT_LIMIT = 192 * 1024;
/** Most calls that one frame names; `hello-calls` names the others. */
export const RESUMED_CALLS_A_FRAME = 1_000;
/** Answered by the runtime without waking the object. */
export const CONTROL_PING = "ping";
export const CONTROL_PONG = "pong";

/** The text that a gateway signs with its Ed25519 key to prove who it is. */
export function enrolmentText(nonce: string, gateway: GatewayId, instance: GatewayInstanceId, channel: number): string {
  return `nearside-control-1\n${nonce}\n${gateway}\n${instance}\n${channel}`;
}

/** A phone's route as its gateway publishes it. */
export interface PublishedRoute {
  readonly sipDomain: SipDomain;
  readonly endpoint: EndpointId;
  /** Stable for one device: a hash of +sip.instance, or of the Contact when there is none. */
  readonly device: string;
  /** Contact URI as registered. */
  readonly contact: string;
  readonly flow: SipFlow;
  readonly reachability: Reachability;
  readonly userAgent?: string;
  /** `+sip.instance` (RFC 5626) without angle brackets. */
  readonly sipInstance?: string;
  readonly expiresAtMs: number;
  /** The expires that the phone was granted: as long as its gateway lives it refreshes that often, and the Worker does not hear of it. */
  readonly refreshSeconds?: number;
}

/** What a gateway still holds of a call when a channel (re)opens. */
export interface ResumedCall {
  readonly call: CallToken;
  /** Highest command number that it carried out. */
  readonly appliedCommand: number;
}

/** Where the trunk of another gateway is, for probes and keep-alives. */
export interface TrunkPeer {
  readonly gateway: GatewayId;
  readonly host: string;
  readonly port: number;
}

export interface GatewayLoad {
  readonly legs: number;
  readonly bindings: number;
  /** Share of one core used since the last report, 0 to 1. */
  readonly cpu: number;
}

export type GatewayFrame =
  | {
      readonly kind: "hello";
      readonly protocol: number;
      readonly gateway: GatewayId;
      readonly instance: GatewayInstanceId;
      readonly channel: number;
      readonly channels: number;
      readonly signature: string;
      /** The first of them, and all of them when there are no more than fit. */
      readonly calls: readonly ResumedCall[];
      /** Whether `hello-calls` follow the welcome. */
      readonly moreCalls?: boolean;
    }
  /** Further calls of a hello, before anything else that follows the welcome. A Worker that does not know the kind asks the calls it remembers. */
  | { readonly kind: "hello-calls"; readonly calls: readonly ResumedCall[]; readonly moreCalls: boolean }
  /** `ackCommand`: every command up to this number was carried out. */
  | {
      readonly kind: "call-events";
      readonly call: CallToken;
      readonly ackCommand: number;
      /** At least one, in the order of their numbers. */
      readonly events: readonly NumberedEvent[];
    }
  /** Sent when commands were carried out and no event went out within a second. */
  | { readonly kind: "command-ack"; readonly call: CallToken; readonly ackCommand: number }
  | {
      readonly kind: "heartbeat";
      readonly load: GatewayLoad;
      readonly counters: Readonly<Record<string, number>>;
      readonly draining: boolean;
    }
  | {
      readonly kind: "credential-request";
      readonly id: number;
      readonly sipDomain: SipDomain;
      readonly endpoint: EndpointId;
    }
  | { readonly kind: "route-added"; readonly id: number; readonly route: PublishedRoute }
  | {
      readonly kind: "route-removed";
      readonly id: number;
      readonly sipDomain: SipDomain;
      readonly endpoint: EndpointId;
      readonly device: string;
      readonly reason: RouteRemovalReason;
    }
  /** Trunk keep-alives of a neighbour stopped. Suspicion only. */
  | { readonly kind: "suspicion"; readonly gateway: GatewayId; readonly silentMs: number }
  | { readonly kind: "probe-result"; readonly id: number; readonly gateway: GatewayId; readonly alive: boolean }
  /** An in-dialog request for a leg that this gateway does not hold. */
  | { readonly kind: "stray-request"; readonly call: CallToken; readonly leg: string; readonly method: string }
  | { readonly kind: "tickets-wanted"; readonly count: number };

export type RouteRemovalReason = "expired" | "unregistered" | "flow-failed" | "replaced" | "gateway-shutdown";

/** Digest secrets of one user (RFC 7616 section 3.4.2: H(user:realm:password)), lower-case hex. */
export interface EndpointCredentials {
  readonly account: AccountSid;
  readonly ha1Md5: string;
  readonly ha1Sha256: string;
}

export type WorkerFrame =
  | { readonly kind: "challenge"; readonly nonce: string }
  | {
      readonly kind: "welcome";
      readonly protocol: number;
      readonly tickets: readonly CallToken[];
      readonly neighbours: readonly TrunkPeer[];
      readonly heartbeatMs: number;
    }
  /** The socket closes after this one; `final` says that trying again with the same key and version is useless. */
  | { readonly kind: "refused"; readonly code: ControlRefusal; readonly detail: string; readonly final: boolean }
  /** `ackEvent`: every event up to this number is stored. */
  | ({ readonly kind: "call-command"; readonly call: CallToken; readonly ackEvent: number } & NumberedCommand)
  | { readonly kind: "event-ack"; readonly call: CallToken; readonly ackEvent: number }
  /** The call is over or unknown: drop what is left of it. `endLegs`: nobody else will end its legs, so say BYE to them. */
  | { readonly kind: "call-gone"; readonly call: CallToken; readonly endLegs?: boolean }
  | { readonly kind: "credentials"; readonly id: number; readonly credentials?: EndpointCredentials }
  | { readonly kind: "route-stored"; readonly id: number; readonly ok: boolean; readonly code?: string }
  /** `roundTripMs`: what the map says of the way to the target, for a gateway that has not measured it. */
  | { readonly kind: "probe"; readonly id: number; readonly target: TrunkPeer; readonly roundTripMs?: number }
  | { readonly kind: "neighbours"; readonly neighbours: readonly TrunkPeer[] }
  | { readonly kind: "tickets"; readonly tickets: readonly CallToken[] };

export type ControlRefusal =
  | "gateway-not-enrolled"
  | "gateway-revoked"
  | "signature-invalid"
  | "protocol-unsupported"
  | "hello-expected"
  | "frame-invalid"
  | "frame-too-long"
  | "superseded";

/** WebSocket close codes of the control channel (RFC 6455 section 7.4.2: private use). */
export const CONTROL_CLOSE = { refused: 4403, superseded: 4409, protocolError: 4400 } as const;
