/**
 * Offers and answers for browsers: one audio stream over ICE-lite and DTLS-SRTP (RFC 8829, RFC 8839, RFC 8842, RFC 8843).
 * Two rules make calls movable between gateways (docs/design/capsule.md): `a=ice-lite` stands at session level, where
 * Chromium looks for it, and the gateway is always the DTLS client, in its offers too.
 */
import { TRUNK_PAYLOAD_TYPES } from "../../protocol/media.ts";
import type { CodecName, NegotiatedAudio } from "../../protocol/media.ts";
import { isDtlsSrtp, readAudioDescription } from "./audio-description.ts";
import type { AudioDescription, Fingerprint, MediaDirection } from "./audio-description.ts";
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
import { attributes, parseSessionDescription } from "./session-description.ts";

export interface HostCandidate {
  readonly host: string;
  readonly port: number;
}

/** The parts of a description that change when a call moves to another gateway. */
export interface IceEndpoint {
  /** `o=` version; raised with each description sent. */
  readonly version: number;
  readonly ufrag: string;
  readonly pwd: string;
  /** UDP addresses of this gateway, the best first; at least one. */
  readonly candidates: readonly HostCandidate[];
}

export interface WebRtcSdpOptions extends IceEndpoint {
  readonly sessionId: number;
  readonly fingerprint: Fingerprint;
  readonly codecs: readonly CodecName[];
  readonly ssrc: number;
  /** RTCP name of the stream, also its MediaStream id: a token without spaces. */
  readonly cname: string;
  readonly direction?: MediaDirection;
}

export interface WebRtcAnswerOptions extends WebRtcSdpOptions {
  readonly offer: string;
}

/** The mid that Chromium and Firefox give the first stream, so that roles may change in later offers. */
const FIRST_MID = "0";

export function createWebRtcOffer(options: WebRtcSdpOptions): string {
  const telephoneEventPayloadType = TRUNK_PAYLOAD_TYPES["telephone-event"];
  const audio = options.codecs.map((codec): NegotiatedAudio => ({
    codec,
    payloadType: TRUNK_PAYLOAD_TYPES[codec],
    telephoneEventPayloadType,
  }));
  const stream = { protocol: "UDP/TLS/RTP/SAVPF", audio, direction: options.direction ?? "sendrecv", mid: FIRST_MID };
  return sdpText([
    ...openingLines(options),
    "t=0 0",
    "a=ice-lite",
    `a=group:BUNDLE ${FIRST_MID}`,
    "a=msid-semantic: WMS *",
    ...audioLines(options, stream),
  ]);
}

/** `undefined` when the offer has no audio that we can carry: no shared codec, no DTLS, no rtcp-mux, or a peer that insists on being DTLS client. */
export function createWebRtcAnswer(
  options: WebRtcAnswerOptions,
): { readonly sdp: string; readonly audio: NegotiatedAudio } | undefined {
  const offer = parseSessionDescription(options.offer);
  const description = readAudioDescription(options.offer);
  if (offer === undefined || description === undefined || !isAcceptable(description)) return undefined;
  const audio = negotiateAudio(description, options.codecs);
  if (audio === undefined) return undefined;

  const direction = answerDirection(description, options.direction ?? "sendrecv");
  const accepted = audioLines(options, {
    protocol: description.protocol,
    audio: [audio],
    direction,
    mid: description.mid,
  });
  const group = bundleLine(attributes(offer, "group"), description.mid);
  const media = offer.media.flatMap((section, index) =>
    index === description.mediaIndex ? accepted : refusedMedia(section),
  );
  const sdp = sdpText([
    ...openingLines(options),
    timingLine(options.offer),
    "a=ice-lite",
    ...group,
    "a=msid-semantic: WMS *",
    ...media,
  ]);
  return { sdp, audio };
}

function isAcceptable(description: AudioDescription): boolean {
  // RFC 8842 section 5.3: an offer of `active` leaves us the server's part, and calls could not be moved any more.
  const leavesUsTheClientPart =
    description.setup === undefined || description.setup === "actpass" || description.setup === "passive";
  return isDtlsSrtp(description) && description.rtcpMux && leavesUsTheClientPart;
}

/** RFC 8843 section 7.3.3: refused streams leave the group, so only the audio stays in it. */
function bundleLine(groups: readonly string[], mid: string | undefined): readonly string[] {
  const offered = groups.some((group) => {
    const [semantics, ...mids] = group.split(/ +/);
    return semantics === "BUNDLE" && mid !== undefined && mids.includes(mid);
  });
  return offered ? [`a=group:BUNDLE ${mid}`] : [];
}

function openingLines(options: WebRtcSdpOptions): readonly string[] {
  return sessionLines({
    host: defaultCandidate(options.candidates).host,
    sessionId: options.sessionId,
    version: options.version,
  });
}

interface WebRtcStream {
  readonly protocol: string;
  readonly audio: readonly NegotiatedAudio[];
  readonly direction: MediaDirection;
  readonly mid: string | undefined;
}

function audioLines(options: WebRtcSdpOptions, stream: WebRtcStream): readonly string[] {
  const { host, port } = defaultCandidate(options.candidates);
  return [
    `m=audio ${port} ${stream.protocol} ${payloadTypes(stream.audio)}`,
    `c=${networkAddress(host)}`,
    ...iceLines(options),
    `a=fingerprint:${options.fingerprint.algorithm} ${options.fingerprint.value}`,
    "a=setup:active",
    ...(stream.mid === undefined ? [] : [`a=mid:${stream.mid}`]),
    `a=${stream.direction}`,
    `a=msid:${options.cname} ${options.cname}-audio`,
    "a=rtcp-mux",
    ...codecLines(stream.audio),
    `a=ssrc:${options.ssrc} cname:${options.cname}`,
  ];
}

function iceLines(endpoint: IceEndpoint): readonly string[] {
  return [`a=ice-ufrag:${endpoint.ufrag}`, `a=ice-pwd:${endpoint.pwd}`, ...candidateLines(endpoint.candidates)];
}

/** RFC 8445 section 5.1.2: type preference 126 for host candidates, local preference falling with the order, component 1 (rtcp-mux). */
function candidateLines(candidates: readonly HostCandidate[]): readonly string[] {
  const lines = candidates.map(({ host, port }, index) => {
    const priority = 126 * 2 ** 24 + (65_535 - index) * 2 ** 8 + 255;
    return `a=candidate:${index + 1} 1 udp ${priority} ${host} ${port} typ host`;
  });
  return [...lines, "a=end-of-candidates"];
}

function defaultCandidate(candidates: readonly HostCandidate[]): HostCandidate {
  const [first] = candidates;
  if (first === undefined) throw new TypeError("a WebRTC description needs at least one candidate");
  return first;
}

/**
 * The last SDP that we sent (answer or offer), offered again by the gateway that takes the call over. Only the `o=`
 * version, the ICE credentials and the candidates change, so the browser restarts ICE and keeps its SRTP keys.
 */
export function createAdoptionOffer(lastLocalSdp: string, endpoint: IceEndpoint): string {
  const { host, port } = defaultCandidate(endpoint.candidates);
  const lines: string[] = [];
  let carriesMedia = false;
  for (const line of lastLocalSdp.split(/\r\n|\n/)) {
    if (line === "" || /^a=(candidate:|end-of-candidates|ice-pwd:)/.test(line)) continue;
    if (line.startsWith("m=")) carriesMedia = !/^m=\S+ 0 /.test(line);
    if (line.startsWith("o=")) lines.push(line.replace(/^(o=\S+ \d+) \d+ /, `$1 ${endpoint.version} `));
    else if (carriesMedia && line.startsWith("m=")) lines.push(line.replace(/^(m=\S+) \d+ /, `$1 ${port} `));
    else if (carriesMedia && line.startsWith("c=")) lines.push(`c=${networkAddress(host)}`);
    else if (line.startsWith("a=ice-ufrag:")) lines.push(...iceLines(endpoint));
    else lines.push(line);
  }
  return sdpText(lines);
}
