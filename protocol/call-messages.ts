/**
 * What a Call object and the gateways that carry its legs say to each other. `CallCommand`: do it; `CallEvent`: it happened.
 * Both directions are numbered per call and gateway, acknowledged and repeated until then (docs/design/control-channel.md).
 */
import type { OutgoingStreamLease, PhoneLegCapsule, SipFlow, WebRtcLegMedia } from "./capsule.ts";
import type { LadderMessage } from "./ladder.ts";
import type { CodecName, MediaJoin, NegotiatedAudio, RoomPort } from "./media.ts";
import type { AccountSid, EndpointId, LegId, SipDomain } from "./ids.ts";
import type { TouchTone, TouchToneSource } from "./touch-tone.ts";

/** Longest Refer-To and Referred-By that a gateway passes on. */
export const REFER_FIELD_LIMIT = 1_024;

/** A phone's INVITE outside a dialog, authenticated by the gateway. */
export interface InviteReceivedEvent {
  readonly kind: "invite-received";
  readonly leg: LegId;
  readonly account: AccountSid;
  readonly sipDomain: SipDomain;
  readonly from: EndpointId;
  /** From's display name as sent, unquoted. */
  readonly fromDisplayName?: string;
  /** User part of the request-URI as sent, unescaped. */
  readonly to: string;
  readonly toHost: string;
  readonly callId: string;
  readonly userAgent?: string;
  readonly flow: SipFlow;
  /** The capsule in phase `ringing`: what an adopter needs to answer this INVITE. */
  readonly capsule: PhoneLegCapsule;
}

/** A phone's INVITE that takes the place of a dialog of this call (RFC 3891), authenticated by the gateway. */
export interface ReplaceReceivedEvent {
  readonly kind: "replace-received";
  /** `r` and a number that no leg of the call has at this gateway. */
  readonly leg: LegId;
  readonly account: AccountSid;
  readonly sipDomain: SipDomain;
  readonly from: EndpointId;
  /** The Replaces header value as sent. */
  readonly replaces: string;
  readonly flow: SipFlow;
  /** In phase `ringing`, as of an INVITE that begins a call. */
  readonly capsule: PhoneLegCapsule;
}

export type CallEvent =
  | InviteReceivedEvent
  | ReplaceReceivedEvent
  /** The caller gave up; the gateway answered the CANCEL, the final response to INVITE is the Call object's. */
  | { readonly kind: "leg-cancelled"; readonly leg: LegId }
  /** A callee's device rings. With early media the capsule has it. */
  | { readonly kind: "leg-ringing"; readonly leg: LegId; readonly status: number; readonly capsule?: PhoneLegCapsule }
  /** A callee answered 2xx. It is acknowledged (ACK) only after `confirm-leg`. */
  | {
      readonly kind: "leg-answered";
      readonly leg: LegId;
      readonly capsule: PhoneLegCapsule;
      readonly audio: NegotiatedAudio;
    }
  /** A callee's final refusal, or none in time (408), or a fault of the way to it (503, 500). */
  | {
      readonly kind: "leg-failed";
      readonly leg: LegId;
      readonly status: number;
      readonly reason: string;
      readonly retryAfterSeconds?: number;
    }
  /** The caller's ACK arrived. */
  | { readonly kind: "leg-confirmed"; readonly leg: LegId; readonly capsule: PhoneLegCapsule }
  /** The peer ended the leg (BYE) or it was found dead. The gateway has answered the BYE. */
  | { readonly kind: "leg-ended"; readonly leg: LegId; readonly cause: LegEndCause }
  /** An in-dialog request changed the capsule (re-INVITE, UPDATE: target, SDP, CSeq). */
  | { readonly kind: "leg-changed"; readonly leg: LegId; readonly capsule: PhoneLegCapsule }
  /** The phone asks for a transfer (RFC 3515). It is answered when `answer-refer` has come. */
  | {
      readonly kind: "refer-received";
      readonly leg: LegId;
      readonly cseq: number;
      /** Header values as sent, at most `REFER_FIELD_LIMIT` characters. */
      readonly referTo: string;
      readonly referredBy?: string;
      /** False for `Refer-Sub: false` (RFC 4488). */
      readonly subscribes: boolean;
    }
  /** No `answer-refer` came in time; the phone heard 503. */
  | { readonly kind: "refer-given-up"; readonly leg: LegId; readonly cseq: number }
  /** `adopt-leg` worked: the peer accepted the move. */
  | { readonly kind: "leg-adopted"; readonly leg: LegId; readonly capsule: PhoneLegCapsule }
  /** `adopt-leg` did not work here; another gateway, or the same one later, may. */
  | { readonly kind: "leg-adoption-failed"; readonly leg: LegId; readonly status: number; readonly reason: string }
  /** Answer to `open-webrtc-leg` and `adopt-webrtc-leg`: SDP for the browser, an answer or an offer. */
  | {
      readonly kind: "webrtc-leg-ready";
      readonly leg: LegId;
      readonly localSdp: string;
      readonly audio?: NegotiatedAudio;
    }
  | {
      readonly kind: "webrtc-leg-refused";
      readonly leg: LegId;
      readonly status: 408 | 488 | 500 | 503;
      readonly reason: string;
    }
  /** DTLS finished: the capsule of this leg's media. */
  | { readonly kind: "webrtc-leg-secured"; readonly leg: LegId; readonly media: WebRtcLegMedia }
  /** The outgoing index nears its limit. The gateway goes past the old limit only after `grant-lease`. */
  | {
      readonly kind: "lease-wanted";
      readonly leg: LegId;
      readonly lease: OutgoingStreamLease;
      readonly incoming?: WebRtcLegMedia["incoming"];
    }
  /** The peer pressed a key; once for each, by whichever way it came. */
  | {
      readonly kind: "digit-received";
      readonly leg: LegId;
      readonly digit: TouchTone;
      readonly source: TouchToneSource;
      readonly durationMs?: number;
    }
  /** First media in each direction after open, adoption or join, for the log and the figures. */
  | { readonly kind: "media-flowing"; readonly leg: LegId; readonly afterMs: number }
  /** Counters of a leg, when it ends. */
  | {
      readonly kind: "leg-statistics";
      readonly leg: LegId;
      readonly packetsReceived: number;
      readonly packetsSent: number;
      readonly bytesReceived: number;
      readonly trunkPacketsSent: number;
      readonly trunkPacketsReceived: number;
    }
  /** SIP messages of the call's legs here, for its ladder; `leg` is that of the first. Rides on frames that go anyway. */
  | {
      readonly kind: "leg-signalling";
      readonly leg: LegId;
      readonly messages: readonly LadderMessage[];
      /** So many more were not kept. */
      readonly omitted?: number;
    };

export type LegEndCause = "bye" | "ack-timeout" | "media-timeout" | "flow-failed" | "gateway-shutdown";

export type CallCommand =
  /** Ring a phone. Dialog identifiers and Via branch come from the Call object: an adopter must know them. */
  | {
      readonly kind: "invite-leg";
      readonly leg: LegId;
      readonly flow: SipFlow;
      readonly requestUri: string;
      readonly callId: string;
      readonly localUri: string;
      readonly remoteUri: string;
      readonly localTag: string;
      readonly viaBranch: string;
      readonly cseq: number;
      readonly codecs: readonly CodecName[];
      readonly ringTimeoutMs: number;
      readonly headers: readonly (readonly [name: string, value: string])[];
    }
  /** Send a provisional response on the caller's INVITE: 180, or 183 with SDP when there is early media with this codec. */
  | { readonly kind: "ring-leg"; readonly leg: LegId; readonly status: 180; readonly earlyCodec?: CodecName }
  /** Answer the caller's INVITE with 200 and this codec. */
  | { readonly kind: "answer-leg"; readonly leg: LegId; readonly codec: CodecName }
  /** Answer the caller's INVITE with a final refusal. */
  | {
      readonly kind: "reject-leg";
      readonly leg: LegId;
      readonly status: number;
      readonly reason: string;
      readonly retryAfterSeconds?: number;
      readonly headers?: readonly (readonly [name: string, value: string])[];
    }
  /** ACK the callee's 2xx. */
  | { readonly kind: "confirm-leg"; readonly leg: LegId }
  /** CANCEL the INVITE of a ringing leg; `reason` is a Reason header value (RFC 3326). A 2xx that crosses it is ACKed and BYEd by the gateway. */
  | { readonly kind: "cancel-leg"; readonly leg: LegId; readonly reason?: string }
  /** Answer the REFER with this CSeq number. */
  | {
      readonly kind: "answer-refer";
      readonly leg: LegId;
      readonly cseq: number;
      readonly status: number;
      readonly reason: string;
      readonly headers: readonly (readonly [name: string, value: string])[];
    }
  /** NOTIFY in the leg's dialog: how far the transfer is that it asked for. */
  | {
      readonly kind: "notify-leg";
      readonly leg: LegId;
      readonly event: string;
      readonly subscriptionState: string;
      readonly body: string;
    }
  /** BYE. */
  | { readonly kind: "end-leg"; readonly leg: LegId; readonly reason?: string }
  /** Take a phone leg over from another gateway or an earlier instance of this one. */
  | {
      readonly kind: "adopt-leg";
      readonly leg: LegId;
      readonly capsule: PhoneLegCapsule;
      readonly codecs: readonly CodecName[];
      readonly oldViaBranch?: string;
      /** Only to end it: nothing is opened or moved, and the command that ends it comes next. */
      readonly farewell?: boolean;
      readonly ringTimeoutMs: number;
      readonly headers: readonly (readonly [name: string, value: string])[];
    }
  /** Media for a browser that offered (`remoteSdp` given) or that we offer to. */
  | {
      readonly kind: "open-webrtc-leg";
      readonly leg: LegId;
      readonly remoteSdp?: string;
      readonly codecs: readonly CodecName[];
      readonly ssrc: number;
      /** For early media: the browser may take no notice of it before the call is answered. */
      readonly early?: true;
    }
  /** The browser's answer to our offer. */
  | {
      readonly kind: "complete-webrtc-leg";
      readonly leg: LegId;
      readonly remoteSdp: string;
      readonly codecs: readonly CodecName[];
    }
  /** Take a browser's media over: new ICE, the old SRTP keys. */
  | {
      readonly kind: "adopt-webrtc-leg";
      readonly leg: LegId;
      readonly media: WebRtcLegMedia;
      readonly sdpVersion: number;
    }
  | { readonly kind: "grant-lease"; readonly leg: LegId; readonly lease: OutgoingStreamLease }
  /** Where the leg's media goes from now on. */
  | { readonly kind: "join-leg"; readonly leg: LegId; readonly join: MediaJoin }
  /** Press a key towards the leg's peer: by telephone-event where that was negotiated, else by INFO. */
  | { readonly kind: "send-digit"; readonly leg: LegId; readonly digit: TouchTone; readonly durationMs: number }
  /** Let a leg that another gateway carries into a room of this one; again when the leg has moved. This gateway has no such leg. */
  | { readonly kind: "open-room-port"; readonly leg: LegId; readonly port: RoomPort }
  | { readonly kind: "close-room-port"; readonly leg: LegId }
  /** Stop everything for this leg without a word to its peer: it lives elsewhere now, or ended there. */
  | { readonly kind: "release-leg"; readonly leg: LegId };

/** A command with its place in the stream of its call and gateway. Commands with a lower epoch than the leg's are refused. */
export interface NumberedCommand {
  readonly seq: number;
  readonly epoch: number;
  readonly command: CallCommand;
}

export interface NumberedEvent {
  readonly seq: number;
  readonly epoch: number;
  readonly event: CallEvent;
}
