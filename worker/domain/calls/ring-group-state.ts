/** Callees that ring together, as the call remembers them. All of it is JSON. */
import type { EndpointId, LegId } from "#protocol/ids";
import type { CodecName } from "#protocol/media";
import type { RoutingDecision } from "../routing/routing-decision.ts";
import type { Refusal } from "./refusal.ts";

/** Who rang, and is told what came of it (`settle.ts`). */
export type RingPurpose =
  /** The call itself: what becomes of the group becomes of the call. */
  | { readonly kind: "call" }
  /** A Dial of the caller's document. */
  | { readonly kind: "dial"; readonly timeLimitSeconds: number; readonly hangupOnStar?: true }
  /** The transfer under way; the group of one that worked takes over the purpose of the group before it. */
  | { readonly kind: "transfer" };

/** One endpoint of a group: its devices ring as legs with its identity. */
export interface RingTarget {
  readonly identity: EndpointId;
  /** Looked for in its place when nobody has this name: the number that it is inside the caller's country. */
  otherwise?: EndpointId;
  /** It is known by now where it is, if anywhere. */
  located: boolean;
  routing?: RoutingDecision;
  /** Why none of its devices was rung. */
  failure?: RingFailure;
}

export type RingFailure = Refusal & { readonly cause: string };

/** Final, in Twilio's words. */
export type RingOutcome = "completed" | "busy" | "no-answer" | "failed" | "canceled";

export type RingNews =
  /** Somebody answered: `winner` says who. */
  | { readonly kind: "answered" }
  /** Nobody did, or who did is gone. */
  | { readonly kind: "ended"; readonly outcome: RingOutcome; readonly cause: string; readonly refusal?: Refusal };

export interface RingGroup {
  readonly id: number;
  purpose: RingPurpose;
  readonly targets: RingTarget[];
  /** What their devices are offered: media is not transcoded, so it is what the other side can do. */
  readonly codecs: readonly CodecName[];
  /** Unix time at which who rings is given up. */
  ringUntilMs: number;
  /** The call watches the time itself; without, the limit of each gateway is enough. */
  timed?: boolean;
  /** Whom the devices show in place of the caller: a name or a number of the account. */
  readonly callerId?: string;
  /** Who sends the one that calls, as a Referred-By header value (RFC 3892). */
  readonly referredBy?: string;
  /** The leg that answered first. */
  winner?: LegId;
  /** Unix time at which the winner is parted from the caller. */
  talkUntilMs?: number;
  /** Not yet told to who rang. */
  news?: RingNews;
  /** Nothing more comes of it. */
  endedAtMs?: number;
}
