/**
 * The capsule: all that another gateway needs to take over a leg (docs/design/capsule.md).
 * It is stored in the Call object before what it describes takes effect. Plain JSON throughout.
 */
import type { DialogState } from "../sip/dialog/dialog-state.ts";
import type { NegotiatedAudio } from "./media.ts";

/** How a phone can be reached for signalling. */
export interface SipFlow {
  readonly transport: "udp" | "tcp" | "tls";
  /** The address that the phone's last request really came from (RFC 3581 for UDP). */
  readonly host: string;
  readonly port: number;
}

/** Who can reach a route when its own gateway is gone (decision 5 of docs/architecture.md). */
export type Reachability =
  /** A UDP phone: any gateway may try its address; a filtering NAT may still refuse. */
  | "open-udp"
  /** Only over the connection that the phone opened, or the address that its Contact listens on. */
  | "connection"
  /** A browser: signalling through its bridge socket, so any gateway can carry its media. */
  | "bridge";

/** The audio of a plain RTP leg. */
export interface RtpLegMedia {
  readonly kind: "rtp";
  /** The last SDP that the peer sent. */
  readonly remoteSdp: string;
  readonly audio: NegotiatedAudio;
}

/** The audio of a DTLS-SRTP leg after its handshake. Keys are sealed: gateways can open them, the Worker cannot. */
export interface WebRtcLegMedia {
  readonly kind: "webrtc";
  /** The SDP that we last sent; an adopter offers it again with new ICE credentials and candidate and a raised version. */
  readonly localSdp: string;
  readonly remoteSdp: string;
  readonly audio: NegotiatedAudio;
  /** `RemotePassword`s and master keys with profile: AES-256-GCM under the fleet key, base64url. */
  readonly sealed: string;
  /** The browser's address after nomination. */
  readonly peer: { readonly host: string; readonly port: number };
  /** Our outgoing stream; the receiver must never see an index of it twice. */
  readonly outgoing: OutgoingStreamLease;
  /** The last 48-bit index seen from the browser, if any; a hint for its rollover counter. */
  readonly incoming?: { readonly ssrc: number; readonly index: number; readonly atMs: number };
}

/** The leased part of an outgoing SRTP index (RFC 3711 section 3.3.1) and its time base. */
export interface OutgoingStreamLease {
  readonly ssrc: number;
  /** The holder stops before this index; an adopter starts at it. */
  readonly indexLimit: number;
  /** RTP timestamp `timestamp` was current at `atMs` (Unix time); it runs at 8 kHz. */
  readonly timestamp: number;
  readonly atMs: number;
}

/**
 * What an adopter may use beyond the stored limit before it is granted more; stored when its adoption is ordered. So small
 * that even three adoptions in a row, of which the browser receives nothing, keep the next start within 2^15 of what it saw.
 */
export const ADOPTION_LEASE_STEP = 1500;

export type LegMedia = RtpLegMedia | WebRtcLegMedia;

/** What stands between a leg's first request and its ACK; decides how it is adopted (decision 5). */
export type LegPhase =
  /** We sent INVITE, no final response yet. */
  | "calling"
  /** We got INVITE, no final response sent. */
  | "ringing"
  /** We answered 2xx, its ACK has not been seen. */
  | "answered"
  /** ACK seen or sent. */
  | "confirmed";

/** A phone leg as an adopter needs it. */
export interface PhoneLegCapsule {
  readonly kind: "phone";
  readonly phase: LegPhase;
  readonly dialog: DialogState;
  readonly flow: SipFlow;
  /** For `ringing` and `answered`: the header fields of the INVITE that responses must repeat. For `calling`: those of the INVITE that we sent. */
  readonly invite?: {
    readonly vias: readonly string[];
    readonly from: string;
    readonly to: string;
    readonly callId: string;
    readonly cseq: number;
    readonly recordRoutes: readonly string[];
    readonly requestUri: string;
  };
  /** The offer of a `ringing` leg. */
  readonly remoteOffer?: string;
  readonly media?: RtpLegMedia;
}
