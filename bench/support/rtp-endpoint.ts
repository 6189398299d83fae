/** One side of a call's audio: sends PCMU at 50 packets a second and knows when each packet came. */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { once } from "node:events";
import { randomInt } from "node:crypto";
import type { Address } from "./sip-fields.ts";

const PACKET_MS = 20;
const PAYLOAD_OCTETS = 160;
/** Half a wave of 400 Hz at full volume, in PCMU. */
const HALF_WAVE = 10;
export const ENDPOINT_TONE_HZ = 400;

export class RtpEndpoint {
  #target: Address | undefined;
  readonly #socket: Socket;
  readonly #packet = Buffer.alloc(12 + PAYLOAD_OCTETS, 0xff);
  readonly #timer: NodeJS.Timeout;
  readonly #arrivals: number[] = [];
  readonly #startedAt = performance.now();
  #sent = 0;

  /** Sends silence, or a tone that a browser's recording can be searched for. */
  static async open({ tone = false } = {}): Promise<RtpEndpoint> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const endpoint = new RtpEndpoint(socket);
    if (tone) endpoint.#playTone();
    return endpoint;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#packet[0] = 0x80;
    this.#packet[1] = 0;
    this.#packet.writeUInt32BE(randomInt(2 ** 32), 8);
    socket.on("message", () => this.#arrivals.push(performance.now()));
    socket.on("error", () => {});
    this.#timer = setInterval(() => this.#sendDue(), PACKET_MS / 2);
  }

  /** Where packets go, from the moment it is set; nowhere while undefined. */
  set target(target: Address | undefined) {
    this.#target = target;
    if (target !== undefined) this.#sendDue();
  }

  get target(): Address | undefined {
    return this.#target;
  }

  get address(): Address {
    return { host: "127.0.0.1", port: this.#socket.address().port };
  }

  /** Forgets what came so far. */
  restart(): void {
    this.#arrivals.length = 0;
  }

  /** Packets that came since `atMs` of `performance.now()`. */
  receivedSince(atMs: number): number {
    return this.#arrivals.filter((arrival) => arrival >= atMs).length;
  }

  /** When the first packet came, by `performance.now()`; undefined while none has. */
  get firstArrivalMs(): number | undefined {
    return this.#arrivals[0];
  }

  /** The longest time between two packets that ended after `atMs`; until now, when nothing came any more. */
  longestGapMs(atMs: number): number {
    const arrivals = [...this.#arrivals, performance.now()];
    let longest = 0;
    for (const [index, arrival] of arrivals.entries()) {
      const before = arrivals[index - 1];
      if (before !== undefined && arrival >= atMs) longest = Math.max(longest, arrival - before);
    }
    return longest;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  /** By the clock, not by timers: a late timer must not lower the rate. */
  #sendDue(): void {
    const due = Math.floor((performance.now() - this.#startedAt) / PACKET_MS);
    while (this.#sent < due) {
      this.#sent += 1;
      if (this.#target === undefined) continue;
      this.#packet.writeUInt16BE(this.#sent & 0xffff, 2);
      this.#packet.writeUInt32BE((this.#sent * PAYLOAD_OCTETS) >>> 0, 4);
      this.#socket.send(Buffer.from(this.#packet), this.#target.port, this.#target.host, () => {});
    }
  }

  #playTone(): void {
    for (let octet = 0; octet < PAYLOAD_OCTETS; octet++)
      this.#packet[12 + octet] = Math.floor(octet / HALF_WAVE) % 2 === 0 ? 0x80 : 0x00;
  }
}
