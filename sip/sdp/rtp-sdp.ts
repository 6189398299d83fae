/** Offers and answers for phones: one audio stream of plain RTP (RFC 3264, RFC 3551, RFC 4733). */
import { TRUNK_PAYLOAD_TYPES } from "../../protocol/media.ts";
import type { CodecName, NegotiatedAudio } from "../../protocol/media.ts";
import { isPlainRtp, readAudioDescription } from "./audio-description.ts";
import type { MediaDirection } from "./audio-description.ts";
import { negotiateAudio } from "./negotiate.ts";
import {
  answerDirection,
  codecLines,
  networkAddress,
  payloadTypes,
  refusedMedia,
  sdpText,
  sessionLines,
  timingLine,
} from "./sdp-writer.ts";
import { parseSessionDescription } from "./session-description.ts";

/** What both kinds of RTP description need. */
export interface RtpSdpOptions {
  readonly host: string;
  readonly port: number;
  /** `o=` session id and version (`DialogState.localSdpId`, `localSdpVersion`). */
  readonly sessionId: number;
  readonly version: number;
  /** What we want; `sendrecv` when absent. */
  readonly direction?: MediaDirection;
}

export interface RtpOfferOptions extends RtpSdpOptions {
  readonly codecs: readonly CodecName[];
  /** The number that the dialog already uses for telephone-event: it may not change its meaning (RFC 3264 section 8.3.2). */
  readonly telephoneEventPayloadType?: number;
  /** The peer's last description, in a dialog that has one: its streams keep their places (RFC 3264 section 8). */
  readonly peerSdp?: string;
}

export function createRtpOffer(options: RtpOfferOptions): string {
  const telephoneEventPayloadType = options.telephoneEventPayloadType ?? TRUNK_PAYLOAD_TYPES["telephone-event"];
  const audio = options.codecs.map((codec): NegotiatedAudio => ({
    codec,
    payloadType: TRUNK_PAYLOAD_TYPES[codec],
    telephoneEventPayloadType,
  }));
  const peer = options.peerSdp === undefined ? undefined : parseSessionDescription(options.peerSdp);
  const used = options.peerSdp === undefined ? undefined : readAudioDescription(options.peerSdp);
  const offered = audioLines({
    port: options.port,
    protocol: used?.protocol ?? "RTP/AVP",
    audio,
    direction: options.direction ?? "sendrecv",
    mid: used?.mid,
  });
  const media =
    peer === undefined || used === undefined
      ? offered
      : peer.media.flatMap((section, index) => (index === used.mediaIndex ? offered : refusedMedia(section)));
  return sdpText([...sessionLines(options), `c=${networkAddress(options.host)}`, "t=0 0", ...media]);
}

export interface RtpAnswerOptions extends RtpSdpOptions {
  readonly offer: string;
  readonly codec: CodecName;
}

/** Accepts the offer's audio with this codec and refuses every other stream; `undefined` when the offer has no such plain audio. */
export function createRtpAnswer(
  options: RtpAnswerOptions,
): { readonly sdp: string; readonly audio: NegotiatedAudio } | undefined {
  const offer = parseSessionDescription(options.offer);
  const description = readAudioDescription(options.offer);
  if (offer === undefined || description === undefined || !isPlainRtp(description)) return undefined;
  const audio = negotiateAudio(description, [options.codec]);
  if (audio === undefined) return undefined;

  const direction = answerDirection(description, options.direction ?? "sendrecv");
  const accepted = audioLines({
    port: options.port,
    protocol: description.protocol,
    audio: [audio],
    direction,
    mid: description.mid,
  });
  const media = offer.media.flatMap((section, index) =>
    index === description.mediaIndex ? accepted : refusedMedia(section),
  );
  const sdp = sdpText([
    ...sessionLines(options),
    `c=${networkAddress(options.host)}`,
    timingLine(options.offer),
    ...media,
  ]);
  return { sdp, audio };
}

function audioLines(stream: {
  readonly port: number;
  readonly protocol: string;
  readonly audio: readonly NegotiatedAudio[];
  readonly direction: MediaDirection;
  readonly mid?: string | undefined;
}): readonly string[] {
  return [
    `m=audio ${stream.port} ${stream.protocol} ${payloadTypes(stream.audio)}`,
    ...(stream.mid === undefined ? [] : [`a=mid:${stream.mid}`]),
    ...codecLines(stream.audio),
    `a=${stream.direction}`,
  ];
}
