/** The audio of a phone leg: its port here, its peer there (RFC 3264 sections 5 to 8). */
import type { CodecName, NegotiatedAudio } from "#protocol/media";
import { raiseSdpVersion } from "#sip/dialog/epoch";
import { readAudioDescription } from "#sip/sdp/audio-description";
import type { AudioDescription } from "#sip/sdp/audio-description";
import { negotiateAudio, supportedCodecs } from "#sip/sdp/negotiate";
import { createRtpAnswer, createRtpOffer } from "#sip/sdp/rtp-sdp";
import type { CallContext } from "./call-context.ts";
import type { PhoneLeg } from "./leg.ts";

/** Binds the leg's port. `false`: the pool is empty, or the leg ended meanwhile. */
export async function openAudio(context: CallContext, leg: PhoneLeg, remoteSdp: string | undefined): Promise<boolean> {
  const remote = remoteSdp === undefined ? undefined : readAudioDescription(remoteSdp);
  const address = await context.media.openRtpLeg(leg.key, {
    epoch: leg.epoch,
    allowedHosts: allowedHosts(leg, remote),
  });
  if (leg.gone) {
    context.media.closeLeg(leg.key);
    return false;
  }
  leg.mediaAddress = address;
  return address !== undefined;
}

/** Phones behind NAT, and phones with several interfaces, send from the signalling address rather than from `c=`. */
function allowedHosts(leg: PhoneLeg, remote: AudioDescription | undefined): readonly string[] {
  const hosts = [leg.capsule.flow.host, ...(remote === undefined ? [] : [remote.host])];
  return [...new Set(hosts)];
}

/** Follows the peer's newest SDP: where to send, in which numbers, and whether at all. */
export function followPeer(context: CallContext, leg: PhoneLeg, remoteSdp: string, audio: NegotiatedAudio): void {
  const remote = readAudioDescription(remoteSdp);
  if (remote === undefined) return;
  const wantsAudio = remote.direction === "sendrecv" || remote.direction === "recvonly";
  leg.held = remote.held || remote.direction === "recvonly";
  context.media.setRtpPeer(leg.key, {
    host: remote.host,
    port: remote.port,
    audio,
    allowedHosts: allowedHosts(leg, remote),
    sending: wantsAudio && !remote.held,
  });
  leg.capsule = { ...leg.capsule, media: { kind: "rtp", remoteSdp, audio } };
}

/** Our answer to the phone's offer, with the codec that the call has; `undefined` when the offer has it not. */
export function answerOffer(
  leg: PhoneLeg,
  offer: string,
  codec: CodecName,
): { readonly sdp: string; readonly audio: NegotiatedAudio } | undefined {
  if (leg.mediaAddress === undefined) return undefined;
  const dialog = raiseSdpVersion(leg.dialog);
  const answer = createRtpAnswer({
    offer,
    codec,
    ...leg.mediaAddress,
    sessionId: dialog.localSdpId,
    version: dialog.localSdpVersion,
  });
  if (answer !== undefined) leg.dialog = dialog;
  return answer;
}

/** Our offer; within a dialog it keeps the telephone-event number that is in use, and each stream's place (RFC 3264 section 8). */
export function createOffer(leg: PhoneLeg, codecs: readonly CodecName[]): string | undefined {
  if (leg.mediaAddress === undefined) return undefined;
  leg.dialog = raiseSdpVersion(leg.dialog);
  const { media, remoteOffer: peerSdp = media?.remoteSdp } = leg.capsule;
  const telephoneEventPayloadType = media?.audio.telephoneEventPayloadType;
  return createRtpOffer({
    ...leg.mediaAddress,
    sessionId: leg.dialog.localSdpId,
    version: leg.dialog.localSdpVersion,
    codecs,
    ...(telephoneEventPayloadType === undefined ? {} : { telephoneEventPayloadType }),
    ...(peerSdp === undefined ? {} : { peerSdp }),
  });
}

/** What the phone's answer means: its own first choice among ours counts. */
export function readAnswer(sdp: string, codecs: readonly CodecName[]): NegotiatedAudio | undefined {
  const description = readAudioDescription(sdp);
  const [chosen] = supportedCodecs(sdp, codecs);
  return description === undefined || chosen === undefined ? undefined : negotiateAudio(description, [chosen]);
}
