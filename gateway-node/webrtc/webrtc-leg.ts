/**
 * A leg whose peer is a browser: ICE-lite, DTLS as client, SRTP. A leg that was adopted from another gateway has the keys
 * already and runs no DTLS (docs/design/capsule.md).
 */
import type { OutgoingStreamLease, WebRtcLegMedia } from "#protocol/capsule";
import type { NegotiatedAudio } from "#protocol/media";
import type { Fingerprint } from "#sip/sdp/audio-description";
import { sealWebRtcSecrets } from "../media/key-seal.ts";
import { LegCounters } from "../media/leg-counters.ts";
import type { LegPacketHandler, MediaLeg } from "../media/media-leg.ts";
import type { MediaLegKey } from "../media/media-plane.ts";
import type { MediaContext, MediaTimer } from "../media/media-plane-options.ts";
import type { OutgoingStream } from "../media/outgoing-stream.ts";
import { isRtcpPacket } from "../media/rtp-packet.ts";
import type { DtlsCertificate } from "./dtls-certificate.ts";
import { DtlsHandshake, type DtlsKeys, isDtlsPacket } from "./dtls-handshake.ts";
import type { IceLiteAgent, IceOutcome } from "./ice-lite-agent.ts";
import type { IcePath, IceSource } from "./ice-path.ts";
import { SecureMedia } from "./secure-media.ts";
import { isStunPacket } from "./stun-message.ts";
import { readWebRtcPeer, sameFingerprint, type WebRtcPeer } from "./webrtc-description.ts";

/** RFC 7675 section 5.1: consent to send ends 30 s after the last check. */
export const CONSENT_LIMIT_MS = 30_000;
const DTLS_LIMIT_MS = 15_000;
const REPORT_INTERVAL_MS = 5_000;
/** Rule 5 of the adoption rules: keys that are right decrypt something within a second of the browser's first check. */
const ADOPTED_KEYS_LIMIT_MS = 1_000;

export interface WebRtcLegParts {
  readonly key: MediaLegKey;
  readonly epoch: number;
  readonly ssrc: number;
  readonly path: IcePath;
  readonly agent: IceLiteAgent;
  readonly certificate: DtlsCertificate;
  readonly context: MediaContext;
  readonly onPacket: LegPacketHandler;
}

export class WebRtcLeg implements MediaLeg {
  readonly kind = "webrtc";
  readonly key: MediaLegKey;
  readonly epoch: number;
  readonly counters = new LegCounters();
  readonly path: IcePath;
  readonly agent: IceLiteAgent;
  audio: NegotiatedAudio | undefined;
  localSdp = "";
  remoteSdp = "";
  /** `o=` version of `localSdp`. */
  sdpVersion = 0;
  /** What the peer's last description said; absent while our offer has no answer. */
  peer: WebRtcPeer | undefined;
  /** The peer answered the last offer that we made, if we made one. */
  answered = false;
  /** Its first check may take as long as the callee rings. */
  patient = false;
  readonly #parts: WebRtcLegParts;
  #handshake: DtlsHandshake | undefined;
  #handshakeAtMs = 0;
  #media: SecureMedia | undefined;
  #waitingSinceMs: number;
  #heardAtMs: number;
  #reportedAtMs: number;
  #flowing = false;
  /** Media came that the keys did not open. */
  #forged = false;
  #adopted = false;
  /** A valid check came under the current credentials. */
  #checked = false;
  #announced: WebRtcLegMedia["peer"] | undefined;
  #adoptionTimer: MediaTimer | undefined;
  #stopped = false;
  #failed = false;

  constructor(parts: WebRtcLegParts) {
    this.#parts = parts;
    this.key = parts.key;
    this.epoch = parts.epoch;
    this.path = parts.path;
    this.agent = parts.agent;
    const nowMs = parts.context.clock.nowMs();
    this.#waitingSinceMs = nowMs;
    this.#heardAtMs = nowMs;
    this.#reportedAtMs = nowMs;
    parts.path.listen((packet, source) => this.#receive(packet, source));
  }

  get ssrc(): number {
    return this.#parts.ssrc;
  }

  /** What our descriptions say: an adopter goes on under the fingerprint of the gateway that ran the handshake. */
  get fingerprint(): Fingerprint {
    return readWebRtcPeer(this.localSdp)?.fingerprint ?? this.#parts.certificate.fingerprint;
  }

  /** Absent until secured, as nothing leaves in the clear, and while the peer is on hold. */
  get stream(): OutgoingStream | undefined {
    return this.peer?.listens === true ? this.#media?.stream : undefined;
  }

  get holds(): boolean {
    return this.peer !== undefined && !this.peer.listens;
  }

  /** It will never carry media again; a new offer begins anew. */
  get failed(): boolean {
    return this.#failed;
  }

  /** The peer's description is known: checks are matched against it, and DTLS may begin. False when it may not change so. */
  setPeer(peer: WebRtcPeer, remoteSdp: string, audio: NegotiatedAudio): boolean {
    if (this.peer !== undefined && !sameFingerprint(this.peer.fingerprint, peer.fingerprint)) return false;
    const firstPeer = this.peer === undefined;
    this.peer = peer;
    this.remoteSdp = remoteSdp;
    this.audio = audio;
    this.agent.current = { local: this.agent.current.local, remote: peer.ice };
    if (firstPeer) this.#heardAtMs = this.#parts.context.clock.nowMs();
    if (this.path.selected !== undefined) this.#startHandshake();
    return true;
  }

  onAnswered(): void {
    this.answered = true;
    this.#settle();
  }

  onIceRestart(): void {
    this.#checked = false;
  }

  /** Begins with keys instead of a handshake. The Call object is told of the lease before the first packet leaves. */
  beginAdoption(peer: WebRtcPeer, media: SecureMedia): void {
    this.peer = peer;
    this.#adopted = true;
    this.#media = media;
    this.#parts.context.events.onLeaseWanted(this.key, media.lease, media.incoming);
  }

  /** A check of our own to where the browser was last seen, under the credentials that it still knows. */
  greet(host: string, port: number): void {
    const check = this.#stopped || this.#checked ? undefined : this.agent.createPreviousCheck();
    if (check !== undefined) this.path.sendFromAll(check, host, port);
  }

  transmit(packet: Buffer, index: number): void {
    const media = this.#media;
    if (media === undefined || this.#stopped || this.#failed || this.path.selected === undefined) return;
    this.counters.packetsSent += 1;
    this.path.send(media.protect(packet, index));
    // An adopter that was never heard keeps to its small first step, or its successor would start too far ahead.
    if (this.#flowing) this.#askForLease(media);
  }

  grantLease(lease: OutgoingStreamLease): void {
    this.#media?.grant(lease);
  }

  onSecond(nowMs: number): void {
    if (this.#failed || this.#stopped || this.peer === undefined) return;
    if (this.patient && !this.#checked) this.#heardAtMs = nowMs;
    if (nowMs - this.#heardAtMs >= CONSENT_LIMIT_MS) this.#loseConsent();
    else if (this.#handshake !== undefined && nowMs - this.#handshakeAtMs >= DTLS_LIMIT_MS) this.#fail("dtls-timeout");
    else if (nowMs - this.#reportedAtMs >= REPORT_INTERVAL_MS) {
      this.#reportedAtMs = nowMs;
      const report = this.#media?.createReport(rtcpName(this.ssrc), nowMs);
      if (report !== undefined) this.path.send(report);
    }
    this.#announceMove();
  }

  /** The browser nominated another pair: an adopter greets it at its last address. */
  #announceMove(): void {
    const selected = this.path.selected;
    if (this.#announced === undefined || selected === undefined) return;
    if (this.#announced.host !== selected.host || this.#announced.port !== selected.port) this.announce();
  }

  stop(): void {
    this.#stopped = true;
    this.#adoptionTimer?.clear();
    this.#handshake?.stop();
  }

  release(): void {
    this.path.release();
  }

  /** What another gateway needs to adopt this leg now; `undefined` before it is secured. */
  describe(): WebRtcLegMedia | undefined {
    const { peer, audio } = this;
    const media = this.#media;
    const selected = this.path.selected;
    if (media === undefined || peer === undefined || audio === undefined || selected === undefined) return undefined;
    const secrets = { ...media.keys, localIce: this.agent.current.local, remoteIce: peer.ice };
    return {
      kind: "webrtc",
      localSdp: this.localSdp,
      remoteSdp: this.remoteSdp,
      audio,
      sealed: sealWebRtcSecrets(this.#parts.context.fleetKey, this.key, secrets),
      peer: { host: selected.host, port: selected.port },
      outgoing: media.lease,
      ...(media.incoming === undefined ? {} : { incoming: media.incoming }),
    };
  }

  /** Tells the Call object what is true of the leg now. */
  announce(): void {
    const description = this.describe();
    if (description === undefined) return;
    this.#announced = description.peer;
    this.#parts.context.events.onSecured(this.key, description);
  }

  #receive(packet: Buffer, source: IceSource): void {
    if (this.#stopped || this.#failed) return;
    if (isStunPacket(packet)) this.#onStun(this.agent.receive(packet, source.host, source.port), source);
    else if (isDtlsPacket(packet)) {
      // Only validated pairs may speak DTLS: anybody else could race the browser's hello.
      if (this.path.isProved(source)) this.#handshake?.receive(packet);
      else this.#parts.context.count("media.dtls-unexpected-source");
    } else this.#onMedia(packet);
  }

  #onStun(outcome: IceOutcome, source: IceSource): void {
    const { context } = this.#parts;
    if (outcome.kind === "refused") {
      context.count(`stun.${outcome.reason}`);
      if (outcome.response !== undefined) this.path.reply(outcome.response, source);
      return;
    }
    if (outcome.kind === "ignored") return;
    this.#heardAtMs = context.clock.nowMs();
    if (outcome.kind === "answered") {
      this.path.onCheck(source, false);
      return;
    }
    this.path.reply(outcome.response, source);
    this.path.onCheck(source, outcome.nominated);
    this.#startHandshake();
    if (!outcome.current || this.#checked) return;
    this.#checked = true;
    // Whoever knows the old credentials (the gateway before this one) has no say any more.
    this.agent.previous = undefined;
    if (this.#adopted) this.#expectKeysToFit();
    this.#settle();
  }

  /** An adoption is complete when the browser answered and checks the new pair: from then on the capsule is this. */
  #settle(): void {
    if (this.#adopted && this.answered && this.#checked) this.announce();
  }

  #startHandshake(): void {
    if (this.peer === undefined || this.#handshake !== undefined || this.#media !== undefined) return;
    const { context, certificate } = this.#parts;
    this.#handshakeAtMs = context.clock.nowMs();
    this.#handshake = new DtlsHandshake({
      certificate,
      fingerprint: this.peer.fingerprint,
      send: (packet) => this.path.send(packet),
      onKeys: (keys) => this.#onKeys(keys),
      onFailed: (reason) => this.#fail(reason),
    });
    this.#handshake.start();
  }

  #onKeys(keys: DtlsKeys): void {
    if (this.#stopped) return;
    this.#handshake = undefined;
    this.#media = SecureMedia.fresh(keys, this.ssrc, this.#parts.context.clock.nowMs());
    this.announce();
  }

  #onMedia(packet: Buffer): void {
    const { context, onPacket } = this.#parts;
    const media = this.#media;
    if (media === undefined) {
      context.count("media.before-keys");
      return;
    }
    const nowMs = context.clock.nowMs();
    if (isRtcpPacket(packet)) {
      if (!media.receiveReport(packet, nowMs)) context.count("media.srtcp-refused");
      return;
    }
    const plain = media.unprotect(packet, nowMs);
    if (plain === undefined) {
      this.#forged ||= media.refusal === "forged";
      context.count(`media.srtp-${media.refusal}`);
      return;
    }
    this.counters.packetsReceived += 1;
    this.counters.bytesReceived += plain.length;
    if (!this.#flowing) this.#onFlowing(media, nowMs);
    onPacket(this, plain, nowMs);
  }

  #onFlowing(media: SecureMedia, nowMs: number): void {
    this.#flowing = true;
    this.#adoptionTimer?.clear();
    this.#parts.context.events.onMediaFlowing(this.key, nowMs - this.#waitingSinceMs);
    this.#askForLease(media);
  }

  #askForLease(media: SecureMedia): void {
    const lease = media.wantedLease();
    if (lease !== undefined) this.#parts.context.events.onLeaseWanted(this.key, lease, media.incoming);
  }

  #expectKeysToFit(): void {
    if (this.#flowing) return;
    this.#adoptionTimer = this.#parts.context.clock.setTimer(ADOPTED_KEYS_LIMIT_MS, () => {
      // A browser that sends nothing at all may be silent for its own reasons; its consent tells whether it is there.
      if (!this.#flowing && this.#forged) this.#fail("keys-refused");
    });
  }

  #loseConsent(): void {
    this.#failed = true;
    const { events } = this.#parts.context;
    if (this.#media === undefined) events.onWebRtcFailed(this.key, "ice-timeout");
    else events.onMediaTimeout(this.key);
  }

  #fail(reason: string): void {
    if (this.#failed || this.#stopped) return;
    this.#failed = true;
    this.#handshake?.stop();
    this.#parts.context.log({ event: "webrtc-leg-failed", leg: this.key, reason });
    this.#parts.context.events.onWebRtcFailed(this.key, reason);
  }
}

/** RTCP name of a leg's stream: an adopter must use the same, and knows no more than the SSRC. */
export function rtcpName(ssrc: number): string {
  return `nearside-${ssrc.toString(36)}`;
}
