/** The sockets of a WebRTC leg, one for each address that it offers, and the pair that media takes. */
import type { Socket } from "node:dgram";
import type { MediaHosts } from "../media/media-hosts.ts";
import type { BoundPorts, RtpPortPool } from "../media/rtp-port-pool.ts";
import { sendDatagram } from "../media/udp-socket.ts";

export interface IceSource {
  /** Which of our sockets it came in on: answers leave from there, or the browser does not know them. */
  readonly socket: Socket;
  readonly host: string;
  readonly port: number;
}

/** How well the selected pair is known. */
const NOTHING = 0;
const ASSUMED = 1;
const PROVED = 2;
const NOMINATED = 3;

/** Sources remembered as proved: more pairs than a browser with several networks has. */
const PROVED_KEPT = 16;

export class IcePath {
  readonly candidates: readonly { readonly host: string; readonly port: number }[];
  #selected: IceSource | undefined;
  #certainty = NOTHING;
  readonly #proved = new Set<string>();
  readonly #ports: BoundPorts;
  readonly #boundHosts: readonly string[];
  readonly #pool: RtpPortPool;

  constructor(ports: BoundPorts, hosts: MediaHosts, pool: RtpPortPool) {
    this.#ports = ports;
    this.#boundHosts = hosts.bound;
    this.#pool = pool;
    this.candidates = hosts.offered.map((host) => ({ host, port: ports.port }));
  }

  get selected(): IceSource | undefined {
    return this.#selected;
  }

  listen(onPacket: (packet: Buffer, source: IceSource) => void): void {
    for (const socket of this.#ports.sockets) {
      socket.on("message", (packet, from) => onPacket(packet, { socket, host: from.address, port: from.port }));
    }
  }

  /** The newest nomination wins; before the first, the first proved source will do. */
  onCheck(source: IceSource, nominated: boolean): void {
    this.#proved.delete(nameOf(source));
    this.#proved.add(nameOf(source));
    if (this.#proved.size > PROVED_KEPT) this.#proved.delete(this.#proved.values().next().value ?? "");
    this.#select(source, nominated ? NOMINATED : PROVED);
  }

  /** A source that sent a valid check. A browser may use any of its valid pairs, whichever it nominates. */
  isProved(source: IceSource): boolean {
    return this.#proved.has(nameOf(source));
  }

  /** Where to send before any check came: an adopter's guess from what the gateway before it knew. */
  assume(host: string, port: number): void {
    const loopback = isLoopback(host);
    const at = Math.max(
      0,
      this.#boundHosts.findIndex((one) => isLoopback(one) === loopback),
    );
    const socket = this.#ports.sockets[at];
    if (socket !== undefined) this.#select({ socket, host, port }, ASSUMED);
  }

  #select(source: IceSource, certainty: number): void {
    if (certainty < NOMINATED && certainty <= this.#certainty) return;
    this.#certainty = certainty;
    this.#selected = source;
  }

  send(packet: Buffer): void {
    const selected = this.#selected;
    if (selected !== undefined) sendDatagram(selected.socket, packet, selected.port, selected.host);
  }

  /** To where a datagram came from, over the socket that it came in on. */
  reply(packet: Buffer, source: IceSource): void {
    sendDatagram(source.socket, packet, source.port, source.host);
  }

  sendFromAll(packet: Buffer, host: string, port: number): void {
    for (const socket of this.#ports.sockets) sendDatagram(socket, packet, port, host);
  }

  release(): void {
    this.#pool.release(this.#ports);
  }
}

function nameOf(source: IceSource): string {
  return `${source.host}:${source.port}`;
}

function isLoopback(host: string): boolean {
  return host.startsWith("127.");
}
