/** What the rest of the gateway sees of media: legs that are opened, joined and closed. Implemented by `createMediaPlane` in `create-media-plane.ts`. */
import type { OutgoingStreamLease, WebRtcLegMedia } from "#protocol/capsule";
import type { GatewayId } from "#protocol/ids";
import type { CodecName, MediaJoin, NegotiatedAudio, RoomPort } from "#protocol/media";
import type { TouchTone } from "#protocol/touch-tone";

/** `${CallToken}.${LegId}`: legs are unique by it inside one gateway. */
export type MediaLegKey = string;

export interface MediaPlaneEvents {
  /** First packet received from the peer after open, adoption or re-target. */
  onMediaFlowing(key: MediaLegKey, afterMs: number): void;
  /** No packet from the peer for the idle limit (30 s RTP; ICE consent for WebRTC, RFC 7675). */
  onMediaTimeout(key: MediaLegKey): void;
  /** DTLS finished. */
  onSecured(key: MediaLegKey, media: WebRtcLegMedia): void;
  /** DTLS or ICE failed for good. */
  onWebRtcFailed(key: MediaLegKey, reason: string): void;
  onLeaseWanted(key: MediaLegKey, lease: OutgoingStreamLease, incoming: WebRtcLegMedia["incoming"]): void;
  /** A key that the peer pressed, by telephone-event; once. */
  onDigit(key: MediaLegKey, digit: TouchTone): void;
  /** No trunk keep-alive from a neighbour for 200 ms. Once per silence. */
  onNeighbourSilent(gateway: GatewayId, silentMs: number): void;
}

export interface RtpLegOptions {
  readonly epoch: number;
  /** Sources that may be learnt as the peer's media address: the SDP `c=` address and the signalling address. */
  readonly allowedHosts: readonly string[];
}

export interface LegStatistics {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly bytesReceived: number;
  readonly trunkPacketsSent: number;
  readonly trunkPacketsReceived: number;
}

export type WebRtcOpening =
  | {
      readonly ok: true;
      readonly localSdp: string;
      /** Absent while we are the offerer. */ readonly audio?: NegotiatedAudio;
    }
  | { readonly ok: false; readonly status: 488 | 500 | 503; readonly reason: string };

export interface MediaPlane {
  /** Pairs of RTP ports that are bound, those that only drain after a call among them. */
  readonly portsInUse: number;
  /** Binds a port for a plain RTP leg. Fails with `undefined` when the pool is empty. */
  openRtpLeg(
    key: MediaLegKey,
    options: RtpLegOptions,
  ): Promise<{ readonly host: string; readonly port: number } | undefined>;
  /** Sets or moves the peer: where to send, what to expect. Media is learnt anew (symmetric RTP) from `allowedHosts`. */
  setRtpPeer(
    key: MediaLegKey,
    peer: {
      readonly host: string;
      readonly port: number;
      readonly audio: NegotiatedAudio;
      readonly allowedHosts: readonly string[];
      /** The peer takes media now. While it does not (hold), nothing is sent to it and its silence is no time-out. */
      readonly sending: boolean;
    },
  ): void;

  /** A browser's offer in, answer out; or our offer out when `remoteSdp` is absent. */
  openWebRtcLeg(
    key: MediaLegKey,
    options: {
      readonly epoch: number;
      readonly remoteSdp?: string;
      readonly codecs: readonly CodecName[];
      readonly ssrc: number;
      /** The browser may wait for the call's answer before it does anything about this. */
      readonly early?: true;
      /** To the leg that is here, under whatever epoch it began: other legs of the call may have moved since. */
      readonly again?: true;
    },
  ): Promise<WebRtcOpening>;
  completeWebRtcLeg(key: MediaLegKey, remoteSdp: string, codecs: readonly CodecName[]): WebRtcOpening;
  /** New ICE credentials and candidate, the dead gateway's SRTP keys. Also used when this gateway already holds the leg under an older epoch. */
  adoptWebRtcLeg(
    key: MediaLegKey,
    options: { readonly epoch: number; readonly media: WebRtcLegMedia; readonly sdpVersion: number },
  ): Promise<WebRtcOpening>;
  grantLease(key: MediaLegKey, lease: OutgoingStreamLease): void;

  /** Where the leg's media goes from now on. Both sides of a local join are told separately; joining twice is harmless. */
  join(key: MediaLegKey, join: MediaJoin, epoch: number): void;
  /**
   * Lets a leg that another gateway holds into a room of this one. `key` is that leg's; opening it again moves it to where
   * its leg is now.
   */
  openRoomPort(key: MediaLegKey, port: RoomPort, epoch: number): void;
  /** Safe to repeat; an older epoch than the port's closes nothing. */
  closeRoomPort(key: MediaLegKey, epoch: number): void;
  /** Presses a key towards the leg's peer, by telephone-event. `false` when it takes none now. */
  sendDigit(key: MediaLegKey, digit: TouchTone, durationMs: number): boolean;
  statistics(key: MediaLegKey): LegStatistics | undefined;
  /** Stops at once, frees the port after a drain time. Safe to repeat. */
  closeLeg(key: MediaLegKey): void;

  /** Neighbours to keep alive over the trunk port and to watch. Replaces the earlier list. */
  watchNeighbours(
    neighbours: readonly { readonly gateway: GatewayId; readonly host: string; readonly port: number }[],
  ): void;
  /**
   * Three probes to a trunk port; true as soon as one is answered, false 100 ms and a round trip later. `roundTripMs` is
   * taken for one that was never measured.
   */
  probe(
    target: { readonly gateway: GatewayId; readonly host: string; readonly port: number },
    roundTripMs?: number,
  ): Promise<boolean>;
  close(): Promise<void>;
}
