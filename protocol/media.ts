/** Media as Worker and gateway speak of it. SDP text is made from this at the rim (`sip/sdp`). */

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

/** Where a leg's media goes inside the gateway that holds it. */
export type MediaJoin =
  /** To another leg of the same call on the same gateway. */
  | { readonly kind: "local"; readonly leg: string }
  /** To the gateway that holds the other leg. Both ends derive the keys (docs/design/capsule.md). */
  | {
      readonly kind: "trunk";
      readonly gateway: string;
      readonly host: string;
      readonly port: number;
      /** 16 hex digits, the same at both ends; chosen by the Call object once per pair of legs. */
      readonly stream: string;
    }
  /** Back to where it came from: the number `echo`. */
  | { readonly kind: "echo" }
  /** Nowhere: received media is counted and dropped. */
  | { readonly kind: "none" };
