/** Which codec a call gets (RFC 3264 section 6). Pure choices over descriptions. */
import type { CodecName, NegotiatedAudio } from "../../protocol/media.ts";
import { readAudioDescription } from "./audio-description.ts";
import type { AudioDescription } from "./audio-description.ts";

/** What both the SDP and Nearside (`preference`) know, in the SDP's order: the offerer's wish counts. */
export function supportedCodecs(sdp: string, preference: readonly CodecName[]): readonly CodecName[] {
  const description = readAudioDescription(sdp);
  if (description === undefined) return [];
  const offered = description.codecs.flatMap(
    (codec) => preference.find((name) => name === codec.name && isTelephony(codec)) ?? [],
  );
  return [...new Set(offered)];
}

/** The first of `codecs` that the description has, under the description's own payload types. */
export function negotiateAudio(
  description: AudioDescription,
  codecs: readonly CodecName[],
): NegotiatedAudio | undefined {
  for (const codec of codecs) {
    const payloadType = description.codecs.find((one) => one.name === codec && isTelephony(one))?.payloadType;
    if (payloadType === undefined) continue;
    const { telephoneEventPayloadType } = description;
    return { codec, payloadType, ...(telephoneEventPayloadType === undefined ? {} : { telephoneEventPayloadType }) };
  }
  return undefined;
}

/** G.711 at another rate (RFC 3551 allows it) is another codec. */
function isTelephony(codec: { readonly clockRate: number; readonly channels: number }): boolean {
  return codec.clockRate === 8000 && codec.channels === 1;
}
