/** A leg whose peer speaks plain RTP: one even port, RTCP on the next. */
import { randomInt } from "node:crypto";
import type { NegotiatedAudio } from "#protocol/media";
import { LegCounters } from "./leg-counters.ts";
import type { LegPacketHandler, MediaLeg } from "./media-leg.ts";
import type { MediaPlane, MediaLegKey } from "./media-plane.ts";
import type { MediaContext } from "./media-plane-options.ts";
import { OutgoingStream } from "./outgoing-stream.ts";
import { isRtpPacket } from "./rtp-packet.ts";
import type { BoundPorts, RtpPortPool } from "./rtp-port-pool.ts";
import { RtpSourceLock } from "./rtp-source-lock.ts";
import { MAX_PACKET_BYTES } from "./srtp.ts";
import { isAddress, sendDatagram } from "./udp-socket.ts";

export type RtpPeer = Parameters<MediaPlane["setRtpPeer"]>[1];

export const RTP_IDLE_LIMIT_MS = 30_000;

export interface RtpLegParts {
  readonly key: MediaLegKey;
  readonly epoch: number;
  readonly allowedHosts: readonly string[];
  readonly ports: BoundPorts;
  readonly pool: RtpPortPool;
  readonly context: MediaContext;
  readonly onPacket: LegPacketHandler;
}

export class RtpLeg implements MediaLeg {
  readonly kind = "rtp";
  readonly key: MediaLegKey;
  readonly counters = new LegCounters();
  readonly port: number;
  epoch: number;
  audio: NegotiatedAudio | undefined;
  stream: OutgoingStream | undefined;
  readonly #parts: RtpLegParts;
  readonly #source: RtpSourceLock;
  readonly #socket: BoundPorts["sockets"][number];
  #targetHost = "";
  #targetPort = 0;
  #signalledHost = "";
  #signalledPort = 0;
  /** The peer takes media now, and its own may be expected. */
  #active = false;
  #waitingSinceMs: number;
  #flowing = false;
  #lastHeardAtMs: number;
  #timedOut = false;
  #stopped = false;

  constructor(parts: RtpLegParts) {
    const [socket] = parts.ports.sockets;
    if (socket === undefined) throw new TypeError("an RTP leg needs a bound socket");
    this.#parts = parts;
    this.key = parts.key;
    this.epoch = parts.epoch;
    this.port = parts.ports.port;
    this.#socket = socket;
    this.#source = new RtpSourceLock(socket.address().address);
    const nowMs = parts.context.clock.nowMs();
    this.#waitingSinceMs = nowMs;
    this.#lastHeardAtMs = nowMs;
    this.#source.expect(parts.allowedHosts);
    socket.on("message", (packet, from) => this.#receive(packet, from.address, from.port));
    // DEVIATION (docs/compliance.md#3550-6): phones' reports end here and get none from us; the port is ours so that they are not
    // another call's.
    parts.ports.rtcpSocket?.on("message", () => parts.context.count("media.rtcp-received"));
  }

  /** The same leg under a newer epoch keeps its port; its peer will be signalled anew. */
  adopt(epoch: number, allowedHosts: readonly string[]): void {
    this.epoch = epoch;
    this.#source.expect(allowedHosts);
    this.#restartWaiting();
  }

  get holds(): boolean {
    return this.audio !== undefined && !this.#active;
  }

  setPeer(peer: RtpPeer): void {
    const nowMs = this.#parts.context.clock.nowMs();
    this.audio = peer.audio;
    this.stream ??= OutgoingStream.fresh(randomInt(0x100000000), nowMs);
    // The same address as before may stand for a learnt one behind a NAT: keep sending there until media says otherwise.
    if (peer.host !== this.#signalledHost || peer.port !== this.#signalledPort) {
      this.#signalledHost = peer.host;
      this.#signalledPort = peer.port;
      this.#targetHost = peer.host;
      // A name in `c=` is not looked up for each packet: such a peer is sent to once it was heard.
      this.#targetPort = peer.host === "0.0.0.0" || !isAddress(peer.host) ? 0 : peer.port;
    }
    this.#source.expect(peer.allowedHosts);
    this.#active = peer.sending;
    this.#restartWaiting();
  }

  transmit(packet: Buffer): void {
    if (this.#targetPort === 0 || !this.#active || this.#stopped) return;
    this.counters.packetsSent += 1;
    sendDatagram(this.#socket, packet, this.#targetPort, this.#targetHost);
  }

  onSecond(nowMs: number, joined: boolean): void {
    if (!joined || !this.#active) this.#lastHeardAtMs = nowMs;
    if (this.#timedOut || nowMs - this.#lastHeardAtMs < RTP_IDLE_LIMIT_MS) return;
    this.#timedOut = true;
    this.#parts.context.events.onMediaTimeout(this.key);
  }

  stop(): void {
    this.#stopped = true;
  }

  release(): void {
    this.#parts.pool.release(this.#parts.ports);
  }

  #restartWaiting(): void {
    this.#waitingSinceMs = this.#parts.context.clock.nowMs();
    this.#lastHeardAtMs = this.#waitingSinceMs;
    this.#flowing = false;
    this.#timedOut = false;
  }

  #receive(packet: Buffer, host: string, port: number): void {
    if (this.#stopped) return;
    const { count, clock } = this.#parts.context;
    if (packet.length > MAX_PACKET_BYTES || !isRtpPacket(packet)) {
      count("media.malformed");
      return;
    }
    // Before the answer nothing is known of what to expect, so nothing may be learnt either.
    if (this.audio === undefined) {
      count("media.before-answer");
      return;
    }
    if (!this.#source.isLockedTo(host, port) && !this.#learn(packet, host, port, this.audio)) {
      count("media.unexpected-source");
      return;
    }
    const nowMs = clock.nowMs();
    this.#lastHeardAtMs = nowMs;
    this.counters.packetsReceived += 1;
    this.counters.bytesReceived += packet.length;
    if (!this.#flowing) {
      this.#flowing = true;
      this.#parts.context.events.onMediaFlowing(this.key, nowMs - this.#waitingSinceMs);
    }
    this.#parts.onPacket(this, packet, nowMs);
  }

  #learn(packet: Buffer, host: string, port: number, audio: NegotiatedAudio): boolean {
    const payloadType = (packet[1] ?? 0) & 0x7f;
    if (payloadType !== audio.payloadType && payloadType !== audio.telephoneEventPayloadType) return false;
    if (!this.#source.learn(host, port)) return false;
    this.#targetHost = host;
    this.#targetPort = port;
    return true;
  }
}
