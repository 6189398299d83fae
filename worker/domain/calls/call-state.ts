/** A call as the Call object stores it: one JSON document, so that each input costs one row (docs/cost.md). */
import type { DialogState } from "#sip/dialog/dialog-state";
import type { PhoneLegCapsule, SipFlow, WebRtcLegMedia } from "#protocol/capsule";
import type { CallCommand, NumberedCommand } from "#protocol/call-messages";
import type {
  AccountSid,
  CallSid,
  CallToken,
  EndpointId,
  GatewayId,
  GatewayInstanceId,
  LegId,
  RegionName,
  SipDomain,
} from "#protocol/ids";
import type { CodecName, MediaJoin } from "#protocol/media";
import type { InstructionAction, InstructionState } from "../instructions/instruction-state.ts";
import type { ApplicationRequest } from "../instructions/application-request.ts";
import type { HttpMethod } from "../instructions/instruction.ts";
import type { EndpointSettings } from "../accounts/callee-plan.ts";
import type { CallLadder } from "./call-ladder.ts";
import type { CallLogEntry, CallStatus } from "./call-object-api.ts";
import type { RoomHost } from "../rooms/room-object-api.ts";
import type { RingGroup, RingOutcome } from "./ring-group-state.ts";

/** How far a leg has come. `calling` and `ringing` are before its final response, `answered` before its ACK. */
export type LegStage = "calling" | "ringing" | "answered" | "connected" | "ended";

export interface LegCommon {
  readonly leg: LegId;
  readonly sid: CallSid;
  readonly side: "caller" | "callee";
  readonly identity: string;
  readonly region: RegionName;
  stage: LegStage;
  /** The call's epoch when its present holder took it: events from before are stale. */
  epoch: number;
  /** The gateway that carries it; absent while none does. */
  holder: GatewayId | undefined;
  device?: string;
  /** The group that it rings for; absent for callers. */
  group?: number;
  /** The leg whose place it takes, or took (RFC 3891). */
  replaces?: LegId;
  /** When it was rung first; absent for callers. */
  readonly invitedAtMs?: number;
  /** The route that it rings; absent for callers. */
  routeId?: string;
  codec?: CodecName;
  answeredAtMs?: number;
  endedAtMs?: number;
  /** Final status of a callee that was not connected. */
  failure?: { readonly status: number; readonly reason: string; readonly retryAfterSeconds?: number };
  statistics?: Record<string, number>;
  /** Keys that its peer pressed. */
  digits?: number;
  adoption?: LegAdoption;
}

/** A move in progress: cleared when the peer accepted it. */
export interface LegAdoption {
  readonly startedAtMs: number;
  /** The gateway whose death began it; it may come back as a new instance. */
  readonly from: GatewayId;
  /** Those that could not reach the peer; forgotten `TRY_AGAIN_MS` after the last of them. */
  readonly tried: readonly GatewayId[];
  readonly lastTriedAtMs?: number;
  /** When the gateway that tries now was told. */
  readonly orderedAtMs?: number;
  /** No gateway is trying now; the next that can, should. */
  stranded: boolean;
}

export interface PhoneLeg extends LegCommon {
  readonly kind: "phone";
  readonly transport: SipFlow["transport"];
  capsule: PhoneLegCapsule | undefined;
  /** Only for callees: what an adopter needs to cancel the INVITE, and to send a fresh one. */
  invitation?: PhoneInvitation;
  /** How an ended leg's phone is told, until its gateway has done so. */
  farewell?: Farewell;
}

export type Farewell = Extract<CallCommand, { readonly kind: "end-leg" | "reject-leg" | "cancel-leg" }>;

export interface PhoneInvitation {
  readonly flow: SipFlow;
  readonly requestUri: string;
  readonly callId: string;
  readonly localUri: string;
  readonly remoteUri: string;
  readonly localTag: string;
  readonly viaBranch: string;
  readonly cseq: number;
}

/** What responses to a browser's INVITE repeat, or what a CANCEL of ours repeats. */
export interface InviteHeads {
  readonly vias: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  readonly cseq: number;
  readonly recordRoutes: readonly string[];
  readonly requestUri: string;
}

export interface BrowserLeg extends LegCommon {
  readonly kind: "browser";
  bridge: string;
  socket: string;
  invite: InviteHeads | undefined;
  /** Contact that the INVITE to a callee goes to. */
  readonly contact?: string;
  dialog: DialogState | undefined;
  remoteSdp?: string;
  localSdp?: string;
  /** What its 183 said, until its ACK. */
  earlySdp?: string;
  media?: WebRtcLegMedia;
  sdpVersion: number;
  /** Our in-dialog request that has no final response yet; sent again over the next socket. */
  pending?: { readonly method: string; readonly cseq: number; readonly text: string };
  /** An SDP offer that waits for `pending` to finish. */
  offerWaiting?: string;
  /** A re-INVITE of the browser whose answer its gateway is making. */
  reoffer?: { readonly invite: InviteHeads; readonly sdp: string };
  /** Last response to an in-dialog or initial INVITE, by CSeq, for repeats. */
  lastInviteResponse?: { readonly cseq: number; readonly text: string };
}

/** The other end of a control stream of this call. */
export interface GatewayParty {
  readonly gateway: GatewayId;
  instance: GatewayInstanceId;
  readonly region: RegionName;
  channel: number;
  lastEvent: number;
  lastCommand: number;
  outbox: NumberedCommand[];
}

/** The conference room that the caller is in. */
export interface CallRoom {
  readonly name: string;
  /** 16 hex digits; names the caller's media between its gateway and the room's. */
  readonly stream: string;
  /** The gateway that mixes the room; absent while nobody knows which. */
  host?: RoomHost;
  /** The host that was told to open a port for the caller. */
  port?: GatewayId;
  /** Since when there is no host, or it cannot be told. */
  troubleSinceMs?: number;
}

/** A transfer under way: one of two who talk has the other connected with somebody else. */
export interface CallTransfer {
  /** Who asked for it, and leaves. */
  readonly by: LegId;
  /** Absent when that is the party of the linked call. */
  readonly stays?: LegId;
  /** Identity or number. */
  readonly to: string;
  /** Of the REFER: names its subscription. */
  readonly cseq: number;
  readonly subscribes: boolean;
  readonly referredBy?: string;
  /** Rings the target. */
  group?: number;
  /** The target is whom the transferor talks with in another call, which is asked. */
  readonly linking?: { readonly token: CallToken; readonly replaces: string; readonly stream: string };
  /** What the one who stays hears once the target rings. */
  waiting?: MediaJoin;
}

/** Who serves the documents that the call follows. */
export interface CallApplication {
  /** The number that was called, or forwarded to. */
  readonly number: string;
  readonly forwardedFrom?: EndpointId;
  readonly fallback?: { readonly url: string; readonly method: HttpMethod };
}

/** Whose settings decide, and who was called before. */
export interface CallForwarding {
  readonly settings: EndpointSettings;
  /** In order; the last one's settings decide. */
  readonly chain: readonly EndpointId[];
  /** How the last Dial ended. */
  ended?: { readonly outcome: RingOutcome; readonly cause: string; readonly status?: number };
}

/** Where one end of a link is. A higher version is newer. */
export interface LinkEnd {
  readonly version: number;
  readonly leg: LegId;
  readonly gateway?: GatewayId;
  readonly ended?: true;
}

/** The call in which the other party of the talk is. */
export interface CallLink {
  readonly token: CallToken;
  readonly sid: CallSid;
  /** Who is there. */
  readonly identity: string;
  /** 16 hex digits, the same at both ends; names the media between them. */
  readonly stream: string;
  readonly there: LinkEnd;
  readonly here: LinkEnd;
  /** The version of `here` that the partner is known to have. */
  readonly told: number;
}

export interface CallState {
  readonly sid: CallSid;
  readonly token: CallToken;
  readonly account: AccountSid;
  readonly sipDomain: SipDomain;
  readonly region: RegionName;
  readonly from: EndpointId;
  readonly fromDisplayName?: string;
  readonly to: string;
  readonly createdAtMs: number;
  status: CallStatus;
  answeredAtMs?: number;
  endedAtMs?: number;
  endCause?: string;
  /** The callee whose early media the caller hears, or heard last, and in which codec. */
  early?: { readonly leg: LegId; readonly codec: CodecName };
  /** Whom the call is carried out for: the caller, or who stayed when that one left by a transfer. */
  main?: LegId;
  /** The leg that it talks with: a callee's, or that of a transfer's target. */
  winner?: LegId;
  transfer?: CallTransfer;
  link?: CallLink;
  /** Whom the call rang, in order; what is over is kept for its legs. */
  groups: RingGroup[];
  /** Where its document stands; absent for a call that goes straight to an endpoint. */
  instructions?: InstructionState;
  /** What the document asked for and what waits until the caller can hear it. */
  actions?: readonly InstructionAction[];
  /** Until when its Pause lasts. */
  pauseUntilMs?: number;
  /** Whose documents it follows; absent for the platform's own. */
  application?: CallApplication;
  /** The question to the application that is not answered yet, and how many there were. */
  request?: ApplicationRequest;
  requests?: number;
  /** The callee has settings that say where its calls go. */
  forwarding?: CallForwarding;
  /** What the caller hears while nobody is connected to it: the same after every move. */
  callerMedia?: MediaJoin;
  room?: CallRoom;
  codecs: readonly CodecName[];
  /** Raised whenever a leg moves to another gateway, or another instance of it. Every command carries it. */
  epoch: number;
  legs: (PhoneLeg | BrowserLeg)[];
  parties: GatewayParty[];
  /** 16 hex digits; names the media stream between two gateways. Another one for each callee that the caller talks to. */
  trunkStream: string;
  log: CallLogEntry[];
  /** Absent in documents of an earlier release. */
  ladder?: CallLadder;
  logSeq: number;
}

export type CallLeg = PhoneLeg | BrowserLeg;
