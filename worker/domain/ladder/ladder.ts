/** A call told in order, as the API gives it: who takes part, each message between them, and what was decided meanwhile. */
import type { CallSid, RegionName } from "#protocol/ids";
import type { LadderSdp } from "#protocol/ladder";
import type { CallStatus } from "../calls/call-object-api.ts";
import type { RouteVerdict, RoutingRule } from "../routing/routing-decision.ts";

/** Columns of the ladder, from left to right. */
export type LadderPartyId = "caller" | "caller-gateway" | "worker" | "callee-gateway" | "callee";

export interface LadderParty {
  readonly id: LadderPartyId;
  /** Whose it is: `alice`, or the gateways of this side in the order in which they carried it. */
  readonly name: string;
  readonly kind: "phone" | "browser" | "number" | "gateway" | "worker";
}

interface EntryCommon {
  /** Since the first INVITE. */
  readonly atMs: number;
  readonly leg?: string;
}

export interface LadderMessageEntry extends EntryCommon {
  readonly kind: "message";
  readonly leg: string;
  /** `bob's phone`. */
  readonly device: string;
  readonly from: LadderPartyId;
  readonly to: LadderPartyId;
  /** Gateway, or bridge of a browser, that the message passed. */
  readonly via: string;
  /** `INVITE`, `180 Ringing`. */
  readonly label: string;
  readonly method: string;
  readonly cseq: number;
  readonly status?: number;
  readonly repeat: boolean;
  readonly sdp?: LadderSdp;
  readonly cause?: number;
  /** What it means, for people. */
  readonly meaning: string;
}

export interface LadderEventEntry extends EntryCommon {
  /** `move`: between gateways. `media`: sound. `decision`: where the call goes. */
  readonly kind: "decision" | "move" | "media" | "event";
  readonly party: LadderPartyId;
  /** As in the call's log. */
  readonly event: string;
  readonly gateway?: string;
  /** For people. */
  readonly text: string;
}

export type LadderEntry = LadderMessageEntry | LadderEventEntry;

export interface LadderCandidate {
  /** `bob's phone`, `bob's second device`. */
  readonly device: string;
  readonly gateway?: string;
  readonly through?: "own" | "other" | "media";
  readonly region: RegionName;
  readonly crossings: number;
  readonly rttMs: number;
  readonly distanceKm: number;
  readonly verdict: RouteVerdict;
  /** The rule that put it behind the one before it. */
  readonly behindBy?: RoutingRule;
  readonly reason: string;
}

export interface LadderRouting {
  /** Who was to be reached. */
  readonly to: string;
  readonly policy: string;
  readonly decidedBy: string;
  readonly sentence: string;
  readonly candidates: readonly LadderCandidate[];
}

/** Signalling and media of one leg. */
export interface LadderLeg {
  readonly leg: string;
  readonly side: "caller" | "callee";
  readonly identity: string;
  readonly kind: string;
  readonly state: string;
  readonly transport?: string;
  readonly gateway?: string;
  readonly region?: string;
  readonly codec?: string;
  readonly statistics?: Readonly<Record<string, number>>;
}

export interface LadderMove {
  readonly atMs: number;
  readonly leg: string;
  readonly from?: string;
  readonly to?: string;
  /** From the loss of the gateway to the peer's consent. */
  readonly tookMs?: number;
  readonly state: "under-way" | "done" | "failed";
  readonly text: string;
}

export interface Ladder {
  readonly sid: CallSid;
  readonly from: string;
  readonly to: string;
  readonly status: CallStatus;
  /** How it ended, or how it stands, in a sentence. */
  readonly outcome: string;
  readonly isLive: boolean;
  /** The first INVITE, from which all `atMs` below are counted. */
  readonly startedAtMs: number;
  readonly answeredAtMs?: number;
  readonly endedAtMs?: number;
  readonly parties: readonly LadderParty[];
  readonly entries: readonly LadderEntry[];
  /** So many messages were left out, from the middle of a long call. */
  readonly omittedMessages: number;
  /** One for each endpoint that was rung: the called one, those of a Dial, the target of a transfer. */
  readonly routing: readonly LadderRouting[];
  readonly legs: readonly LadderLeg[];
  readonly moves: readonly LadderMove[];
}
