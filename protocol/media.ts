/** Media as Worker and gateway speak of it. SDP text is made from this at the rim (`sip/sdp`). */

import type { CallToken } from "./ids.ts";

/** Codecs that Nearside can negotiate. The relay never transcodes, so both legs of a call get the same one. */
export type CodecName = "PCMU" | "PCMA";

/** The order in which Nearside prefers codecs when the offerer has no say (RFC 3551, RFC 7874 section 3). */
export const CODEC_PREFERENCE: readonly CodecName[] = ["PCMU", "PCMA"];

/** Payload types on the trunk, the same for every call; each leg translates to and from its own. */
export const TRUNK_PAYLOAD_TYPES = { PCMU: 0, PCMA: 8, "telephone-event": 101 } as const;

/** What a leg negotiated: its own payload types, as its peer sends and expects them. */
export interface NegotiatedAudio {
  readonly codec: CodecName;
  readonly payloadType: number;
  /** RFC 4733; absent when the peer offered no telephone-event at 8 kHz. */
  readonly telephoneEventPayloadType?: number;
}

/** Whose telephone network's tones (ITU-T E.180 Supplement 2); `eu` is the CEPT set that most of Europe uses. */
export const TONE_COUNTRIES = ["us", "uk", "eu", "in", "au", "cn", "es", "fr", "jp", "nz", "se"] as const;
export type ToneCountry = (typeof TONE_COUNTRIES)[number];

/** `ringback`: the callee is being rung. `busy`: it is engaged. `congestion`: it could not be reached. */
export const TONE_SIGNALS = ["ringback", "busy", "congestion"] as const;
export type ToneSignal = (typeof TONE_SIGNALS)[number];
export type ToneSource = `${ToneSignal}-${ToneCountry}`;

/** What a gateway can play without being given a file. */
export type MediaSource = "music" | ToneSource;

export const MEDIA_SOURCES: readonly MediaSource[] = [
  "music",
  ...TONE_SIGNALS.flatMap((signal) => TONE_COUNTRIES.map((country): ToneSource => `${signal}-${country}`)),
];

/** Where a leg's media goes inside the gateway that holds it. */
export type MediaJoin =
  /** To another leg on the same gateway: of the same call, or of the one that is named. */
  | { readonly kind: "local"; readonly leg: string; readonly call?: CallToken }
  /** To the gateway that holds the other leg. Both ends derive the keys (docs/design/capsule.md). */
  | {
      readonly kind: "trunk";
      readonly gateway: string;
      readonly host: string;
      readonly port: number;
      /** 16 hex digits, the same at both ends; chosen by the Call object once per pair of legs. */
      readonly stream: string;
      /** What the stream leads to is a room, which hears no hold music. */
      readonly room?: true;
    }
  /** Back to where it came from: the number `echo`. */
  | { readonly kind: "echo" }
  /** The leg hears generated audio; what it says is counted and dropped. */
  | {
      readonly kind: "player";
      readonly source: MediaSource;
      /** Again from the start when it is over; without, silence follows. */
      readonly loop: boolean;
      /** Unix time at which the source is at its start: whoever adopts the leg goes on where it is by then. */
      readonly anchorMs: number;
    }
  /** The leg hears everybody in the room except itself. Members that other gateways hold come in by `RoomPort`s. */
  | { readonly kind: "room"; readonly room: string }
  /** Nowhere: received media is counted and dropped. */
  | { readonly kind: "none" };

/** A room's places. */
export const ROOM_MEMBER_LIMIT = 20;

/** A member that another gateway holds, as the gateway that mixes the room sees it. That one's leg has a `trunk` join to here. */
export interface RoomPort {
  readonly room: string;
  /** What the member's leg negotiated. */
  readonly codec: CodecName;
  readonly trunk: {
    readonly gateway: string;
    readonly host: string;
    readonly port: number;
    /** As in the member's `trunk` join. */
    readonly stream: string;
  };
}
