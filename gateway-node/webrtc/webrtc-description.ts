/** What a leg needs from a browser's offer or answer. */
import type { CodecName, NegotiatedAudio } from "#protocol/media";
import { type AudioDescription, type Fingerprint, isDtlsSrtp, readAudioDescription } from "#sip/sdp/audio-description";
import { negotiateAudio } from "#sip/sdp/negotiate";
import type { IceCredentials } from "../media/key-seal.ts";

export interface WebRtcPeer {
  readonly ice: IceCredentials;
  readonly fingerprint: Fingerprint;
  /** False while it wants to hear nothing: on hold. */
  readonly listens: boolean;
}

export function readWebRtcPeer(sdp: string): WebRtcPeer | undefined {
  const description = readAudioDescription(sdp);
  return description === undefined ? undefined : toPeer(description);
}

/** The answer to an offer of ours; `undefined` when it refuses, shares no codec, or wants to be DTLS client as we are. */
export function readWebRtcAnswer(
  sdp: string,
  codecs: readonly CodecName[],
): { readonly peer: WebRtcPeer; readonly audio: NegotiatedAudio } | undefined {
  const description = readAudioDescription(sdp);
  if (description === undefined || description.setup === "active") return undefined;
  const peer = toPeer(description);
  const audio = negotiateAudio(description, codecs);
  return peer === undefined || audio === undefined ? undefined : { peer, audio };
}

function toPeer(description: AudioDescription): WebRtcPeer | undefined {
  const { ice, fingerprint, direction } = description;
  if (!isDtlsSrtp(description) || ice === undefined || fingerprint === undefined) return undefined;
  const listens = direction === "sendrecv" || direction === "recvonly";
  return { ice: { ufrag: ice.ufrag, password: ice.pwd }, fingerprint, listens };
}

export function sameFingerprint(one: Fingerprint, other: Fingerprint): boolean {
  return one.algorithm === other.algorithm && one.value.toUpperCase() === other.value.toUpperCase();
}
