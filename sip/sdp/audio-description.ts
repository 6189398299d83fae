/** What an SDP says about its audio, read once and checked (RFC 8866, RFC 3264, RFC 8839, RFC 8122). */
import type { MediaSection, SessionDescription } from "./session-description.ts";
import { attribute, attributes, lineValue, parseSessionDescription } from "./session-description.ts";

/** Most ICE candidates that are read; the rest of a longer list is ignored. */
export const CANDIDATE_LIMIT = 100;

export type MediaDirection = "sendrecv" | "sendonly" | "recvonly" | "inactive";

export interface AudioCodec {
  /** Upper case, as the IANA registry compares them without case. */
  readonly name: string;
  readonly payloadType: number;
  readonly clockRate: number;
  readonly channels: number;
}

export interface IceCandidate {
  readonly foundation: string;
  readonly component: number;
  /** `udp`, `tcp`; lower case. */
  readonly transport: string;
  readonly priority: number;
  /** An address, or an mDNS name that ends in `.local`. */
  readonly host: string;
  readonly port: number;
  /** `host`, `srflx`, `prflx`, `relay`. */
  readonly type: string;
}

export interface Fingerprint {
  /** `sha-256`; lower case. */
  readonly algorithm: string;
  /** Upper case hex pairs with colons. */
  readonly value: string;
}

export interface IceParameters {
  readonly ufrag: string;
  readonly pwd: string;
  readonly lite: boolean;
}

export interface AudioDescription {
  readonly host: string;
  readonly port: number;
  readonly protocol: string;
  readonly direction: MediaDirection;
  /** In offer order, telephone-event and comfort noise left out. */
  readonly codecs: readonly AudioCodec[];
  /** RFC 4733 at 8 kHz. */
  readonly telephoneEventPayloadType?: number;
  readonly mid?: string;
  readonly ice?: IceParameters;
  readonly fingerprint?: Fingerprint;
  readonly setup?: string;
  readonly candidates: readonly IceCandidate[];
  readonly ssrc?: number;
  readonly rtcpMux: boolean;
  /** Place of this m-line among all, from 0. */
  readonly mediaIndex: number;
  readonly mediaCount: number;
  /** From `o=`, as text: 64-bit numbers are usual. */
  readonly sessionId: string;
  readonly sessionVersion: string;
  /** The peer wants no media now: sendonly, inactive, or the 0.0.0.0 of RFC 2543. */
  readonly held: boolean;
}

/** Payload types that need no rtpmap (RFC 3551 table 4), as far as phones use them. */
const STATIC_CODECS: ReadonlyMap<number, string> = new Map([
  [0, "PCMU/8000"],
  [3, "GSM/8000"],
  [4, "G723/8000"],
  [8, "PCMA/8000"],
  [9, "G722/8000"],
  [13, "CN/8000"],
  [18, "G729/8000"],
]);

const PLAIN_PROTOCOLS: readonly string[] = ["RTP/AVP", "RTP/AVPF"];
const DTLS_PROTOCOLS: readonly string[] = ["UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP"];

/** Whether this m-line is RTP without encryption. */
export function isPlainRtp(audio: AudioDescription): boolean {
  return PLAIN_PROTOCOLS.includes(audio.protocol);
}

/** Whether this m-line asks for DTLS-SRTP. The bare RTP/SAVP profiles do so only with a fingerprint; without one it is SDES. */
export function isDtlsSrtp(audio: AudioDescription): boolean {
  return DTLS_PROTOCOLS.includes(audio.protocol) && audio.fingerprint !== undefined && audio.ice !== undefined;
}

/**
 * The audio m-line that a call uses: the first that Nearside can carry, else the first with an address.
 * Phones that offer SDES before plain RTP are thus met at the plain line.
 */
export function readAudioDescription(sdp: string): AudioDescription | undefined {
  const description = parseSessionDescription(sdp);
  if (description === undefined) return undefined;
  const audio = description.media.flatMap((_, index) => readAudio(description, index) ?? []);
  return audio.find((one) => isPlainRtp(one) || isDtlsSrtp(one)) ?? audio[0];
}

/** ICE credentials of the side that wrote this SDP. */
export function remoteIce(sdp: string): { readonly ufrag: string; readonly pwd: string } | undefined {
  const ice = readAudioDescription(sdp)?.ice;
  return ice === undefined ? undefined : { ufrag: ice.ufrag, pwd: ice.pwd };
}

function readAudio(description: SessionDescription, index: number): AudioDescription | undefined {
  const section = description.media[index];
  if (section === undefined || section.kind !== "audio") return undefined;
  // Port 0 refuses or removes the stream (RFC 3264 section 6), except in a bundle-only offer (RFC 8843 section 6).
  if (section.port === 0 && attribute(section, "bundle-only") === undefined) return undefined;
  const host = readAddress(lineValue(section, "c") ?? lineValue(description, "c"));
  const origin = readOrigin(lineValue(description, "o"));
  const formats = readFormats(section);
  if (host === undefined || formats.length === 0) return undefined;
  const direction = readDirection(section) ?? readDirection(description) ?? "sendrecv";
  const ice = readIce(description, section);
  const nullAddress = ice === undefined && (host === "0.0.0.0" || host === "::");
  return {
    host,
    port: section.port,
    protocol: section.protocol,
    direction,
    codecs: formats.filter((codec) => codec.name !== "TELEPHONE-EVENT" && codec.name !== "CN"),
    telephoneEventPayloadType: formats.find((codec) => codec.name === "TELEPHONE-EVENT" && codec.clockRate === 8000)
      ?.payloadType,
    mid: readMid(section),
    ice,
    fingerprint: readFingerprint(section) ?? readFingerprint(description),
    setup: (attribute(section, "setup") ?? attribute(description, "setup"))?.toLowerCase(),
    candidates: attributes(section, "candidate")
      .slice(0, CANDIDATE_LIMIT)
      .flatMap((text) => readCandidate(text) ?? []),
    ssrc: readSsrc(section),
    rtcpMux: attribute(section, "rtcp-mux") !== undefined,
    mediaIndex: index,
    mediaCount: description.media.length,
    sessionId: origin.id,
    sessionVersion: origin.version,
    held: nullAddress || direction === "sendonly" || direction === "inactive",
  };
}

/** A mid is echoed into our own SDP, so nothing but a token passes. */
export function readMid(section: MediaSection): string | undefined {
  const text = attribute(section, "mid");
  return text !== undefined && /^[!#-'*+\-.0-9A-Z^-~]{1,64}$/.test(text) ? text : undefined;
}

function readAddress(connection: string | undefined): string | undefined {
  // A multicast address may end in /ttl; it is no place to send a call to, but it is no mistake either.
  const host = /^IN IP[46] ([^/ ]+)(\/\S+)?$/i.exec(connection ?? "")?.[1];
  return host !== undefined && isHost(host) ? host : undefined;
}

/** An IPv4 or IPv6 address or a name; what only looks like an address is none of them. */
function isHost(host: string): boolean {
  if (/^[\d.]+$/.test(host))
    return /^(\d{1,3}\.){3}\d{1,3}$/.test(host) && host.split(".").every((part) => Number(part) <= 255);
  if (host.includes(":")) return /^(?=.*:.*:)[0-9a-f:]{2,39}(\d{1,3}(\.\d{1,3}){3})?$/i.test(host);
  return /^(?=.{1,253}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host);
}

/** Read from the end, as some phones put spaces into the user name; a missing one harms nobody. */
function readOrigin(origin: string | undefined): { readonly id: string; readonly version: string } {
  const [, id, version] = / (\d{1,40}) (\d{1,40}) IN IP[46] \S+$/i.exec(origin ?? "") ?? [];
  return { id: id ?? "0", version: version ?? "0" };
}

function readFormats(section: MediaSection): readonly AudioCodec[] {
  const mappings = new Map<number, string>();
  for (const text of attributes(section, "rtpmap")) {
    const [, payloadType, encoding] = /^(\d{1,3})\s+(\S+)$/.exec(text) ?? [];
    if (payloadType !== undefined && encoding !== undefined && !mappings.has(Number(payloadType)))
      mappings.set(Number(payloadType), encoding);
  }
  const payloadTypes = new Set(section.formats.filter((text) => /^\d{1,3}$/.test(text)).map(Number));
  return [...payloadTypes].flatMap((payloadType) => {
    if (payloadType > 127) return [];
    return readEncoding(payloadType, mappings.get(payloadType) ?? STATIC_CODECS.get(payloadType)) ?? [];
  });
}

function readEncoding(payloadType: number, encoding: string | undefined): AudioCodec | undefined {
  const [, name, clockRate, channels] = /^([^/\s]{1,64})\/(\d{1,6})(?:\/(\d{1,2}))?$/.exec(encoding ?? "") ?? [];
  if (name === undefined || clockRate === undefined) return undefined;
  return { name: name.toUpperCase(), payloadType, clockRate: Number(clockRate), channels: Number(channels ?? "1") };
}

function readDirection(section: Pick<SessionDescription, "lines">): MediaDirection | undefined {
  const directions: readonly MediaDirection[] = ["sendrecv", "sendonly", "recvonly", "inactive"];
  for (const line of section.lines) {
    const direction = line.type === "a" ? directions.find((one) => one === line.value) : undefined;
    if (direction !== undefined) return direction;
  }
  return undefined;
}

/** RFC 8839 section 5.4: at least 4 and 22 characters, so that neither can be guessed. */
function readIce(description: SessionDescription, section: MediaSection): IceParameters | undefined {
  const ufrag = attribute(section, "ice-ufrag") ?? attribute(description, "ice-ufrag") ?? "";
  const pwd = attribute(section, "ice-pwd") ?? attribute(description, "ice-pwd") ?? "";
  if (!/^[A-Za-z0-9+/]{4,256}$/.test(ufrag) || !/^[A-Za-z0-9+/]{22,256}$/.test(pwd)) return undefined;
  return { ufrag, pwd, lite: attribute(description, "ice-lite") !== undefined };
}

/** Several fingerprints may stand there (RFC 8122 section 5); SHA-256 is the one that every browser sends. */
function readFingerprint(section: Pick<SessionDescription, "lines">): Fingerprint | undefined {
  const all = attributes(section, "fingerprint").flatMap((text) => {
    const [, algorithm, value] = /^([a-z0-9-]{1,16})\s+((?:[0-9a-f]{2}:){15,63}[0-9a-f]{2})$/i.exec(text) ?? [];
    return algorithm === undefined || value === undefined
      ? []
      : [{ algorithm: algorithm.toLowerCase(), value: value.toUpperCase() }];
  });
  return all.find((one) => one.algorithm === "sha-256") ?? all[0];
}

function readCandidate(text: string): IceCandidate | undefined {
  const [foundation, component, transport, priority, host, port, typ, type] = text.split(/ +/);
  if (foundation === undefined || transport === undefined || host === undefined || typ !== "typ" || type === undefined)
    return undefined;
  if (!/^\d{1,3}$/.test(component ?? "") || !/^\d{1,10}$/.test(priority ?? "") || !/^\d{1,5}$/.test(port ?? ""))
    return undefined;
  if (Number(port) > 65_535 || !isHost(host)) return undefined;
  return {
    foundation,
    component: Number(component),
    transport: transport.toLowerCase(),
    priority: Number(priority),
    host,
    port: Number(port),
    type,
  };
}

function readSsrc(section: MediaSection): number | undefined {
  const [, ssrc] = /^(\d{1,10}) /.exec(attribute(section, "ssrc") ?? "") ?? [];
  return ssrc !== undefined && Number(ssrc) <= 0xffff_ffff ? Number(ssrc) : undefined;
}
