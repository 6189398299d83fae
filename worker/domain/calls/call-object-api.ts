/** What other objects may ask of a Call object and what they get. Every call returns at once; nothing here waits for a peer. */
import type { NumberedCommand, NumberedEvent } from "#protocol/call-messages";
import type {
  AccountSid,
  CallSid,
  CallToken,
  EndpointId,
  GatewayId,
  GatewayInstanceId,
  RegionName,
  SipDomain,
} from "#protocol/ids";
import type { LinkAnswer, LinkRequest } from "./call-link.ts";
import type { LinkEnd } from "./call-state.ts";
import type { Ladder } from "../ladder/ladder.ts";

/** Where a gateway's part of a call is reached. */
export interface GatewayAddress {
  readonly gateway: GatewayId;
  readonly instance: GatewayInstanceId;
  readonly region: RegionName;
  readonly channel: number;
}

/** Events of one call from one gateway, in order, with what it has carried out. */
export interface GatewayEvents {
  readonly token: CallToken;
  readonly from: GatewayAddress;
  readonly ackCommand: number;
  readonly events: readonly NumberedEvent[];
}

/** What the Gateway object sends back down its channel. */
export interface GatewayReply {
  readonly ackEvent: number;
  readonly commands: readonly NumberedCommand[];
  /** Whether this gateway still has a part in the call; `false` lets the Gateway object forget it. */
  readonly live: boolean;
  /** Nothing is awaited of it any more but the acknowledgement of these commands, which the Call object need not hear. */
  readonly over?: boolean;
}

/** A SIP message of a browser that belongs to a call: its own INVITE, or anything with one of our tags. */
export interface BrowserSip {
  readonly token: CallToken;
  /** The socket it came over: shard name and socket id inside it. */
  readonly bridge: string;
  readonly socket: string;
  readonly region: RegionName;
  readonly account: AccountSid;
  readonly sipDomain: SipDomain;
  readonly identity: EndpointId;
  /** Device of the route that registered over this socket, if any. */
  readonly device?: string;
  readonly text: string;
}

export interface CallObjectApi {
  gatewayEvents(input: GatewayEvents): Promise<GatewayReply>;
  /** The gateway's channel (re)opened: what has it not seen? */
  resume(input: {
    readonly token: CallToken;
    readonly from: GatewayAddress;
    readonly appliedCommand: number;
  }): Promise<GatewayReply>;
  /** The instance is proven dead. */
  gatewayLost(input: {
    readonly token: CallToken;
    readonly gateway: GatewayId;
    readonly instance: GatewayInstanceId;
  }): Promise<void>;
  /** SIP texts to send back over the same socket, in order. */
  browserSip(input: BrowserSip): Promise<{ readonly messages: readonly string[] }>;
  /** The socket that a browser called from has closed. What is being rung for nobody stops; a talk goes on. */
  browserGone(input: { readonly token: CallToken; readonly bridge: string; readonly socket: string }): Promise<void>;
  /** Another call asks that its leg shall talk with ours (docs/design/transfer.md). Safe to repeat. */
  link(input: LinkRequest): Promise<LinkAnswer>;
  /** The end of the link over there. `known`: whether there is such a link. */
  partnerChanged(input: {
    readonly token: CallToken;
    readonly from: CallToken;
    readonly stream: string;
    readonly end: LinkEnd;
  }): Promise<{ readonly known: boolean }>;
  describe(): Promise<CallRecord | undefined>;
  /** Its entry in the list of calls, as of now. */
  summaries(): Promise<readonly CallSummary[]>;
  /** …and the same told in order, with its SIP messages. */
  ladder(): Promise<{ readonly record: CallRecord; readonly ladder: Ladder } | undefined>;
}

/** One line of the call's log, in the order of things. */
export interface CallLogEntry {
  readonly seq: number;
  readonly atMs: number;
  readonly event: string;
  readonly leg?: string;
  readonly gateway?: string;
  readonly detail?: string;
}

export type CallStatus =
  | "queued"
  | "ringing"
  | "in-progress"
  | "completed"
  | "busy"
  | "failed"
  | "no-answer"
  | "canceled";

/** One Call resource of Twilio's list: the caller's leg (parent) or a dialled device (child). */
export interface CallSummary {
  readonly sid: CallSid;
  readonly parentSid?: CallSid;
  readonly account: AccountSid;
  /** `client:alice`, `sip:…` or the number as dialled. */
  readonly to: string;
  readonly from: string;
  readonly status: CallStatus;
  readonly direction: "inbound" | "outbound-dial";
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly answeredAtMs?: number;
  readonly endedAtMs?: number;
}

/** A leg as `GET /v1/calls/{sid}` shows it. */
export interface CallLegRecord {
  readonly leg: string;
  readonly sid: CallSid;
  readonly identity: string;
  readonly kind: "phone" | "browser" | "number";
  readonly state: string;
  readonly transport?: string;
  readonly device?: string;
  readonly gateway?: string;
  readonly region?: string;
  readonly epoch: number;
  readonly codec?: string;
  readonly statistics?: Readonly<Record<string, number>>;
}

/** What a call has still to do. Of an ended one all of it is gone once its peers have answered. */
export interface CallPending {
  /** Requests that browsers have not answered. */
  readonly requests: number;
  /** When the object wakes by itself. */
  readonly alarmAtMs?: number;
}

export interface CallRecord {
  readonly sid: CallSid;
  readonly account: AccountSid;
  readonly region: RegionName;
  readonly status: CallStatus;
  readonly from: string;
  readonly to: string;
  readonly epoch: number;
  readonly createdAtMs: number;
  readonly answeredAtMs?: number;
  readonly endedAtMs?: number;
  readonly endCause?: string;
  /** The call in which the other party is, after an attended transfer. */
  readonly linkedTo?: CallSid;
  readonly legs: readonly CallLegRecord[];
  /** The stored decision with inputs, ready for `recomputeDecision`; absent when nothing was to be routed. */
  readonly routing?: unknown;
  readonly pending: CallPending;
  readonly log: readonly CallLogEntry[];
  readonly summaries: readonly CallSummary[];
}
