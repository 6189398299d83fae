/** The trunk port: media of joined legs to and from other gateways, and the keep-alives that tell whether those live. */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:dgram";
import type { GatewayId } from "#protocol/ids";
import { HostAddresses } from "./host-addresses.ts";
import type { MediaPlaneOptions, MediaTimer } from "./media-plane-options.ts";
import { NeighbourWatch, PING_INTERVAL_MS } from "./neighbour-watch.ts";
import { RoundTripEstimate } from "./round-trip-estimate.ts";
import { deriveKeepAliveKey, encodeKeepAlive, parseKeepAlive, readTrunkKind, readTrunkStream } from "./trunk-frame.ts";
import { bindUdpSocket, closeSocket, sendDatagram } from "./udp-socket.ts";

export interface TrunkTarget {
  readonly gateway: GatewayId;
  readonly host: string;
  readonly port: number;
}

/** Gets the media frames of one stream. */
export type TrunkFrameHandler = (frame: Buffer) => void;

const WATCH_INTERVAL_MS = 50;
const PROBE_AT_MS = [0, 30, 60];
/** A probe waits for this and one round trip, which between continents takes longer than all of it. */
const PROBE_LIMIT_MS = 100;
/** Whatever was measured: the caller of the dead gateway is waiting. */
const LONGEST_ROUND_TRIP_MS = 800;
/** Answers to pings may take a round trip between continents; after this many newer pings they say nothing any more. */
const OUTSTANDING_PINGS = 64;

interface OutstandingPing {
  readonly gateway: GatewayId;
  readonly answered: () => void;
}

export class Trunk {
  readonly #options: MediaPlaneOptions;
  readonly #socket: Socket;
  readonly #keepAliveKey;
  readonly #streams = new Map<string, TrunkFrameHandler>();
  readonly #outstanding = new Map<string, OutstandingPing>();
  readonly #watch = new NeighbourWatch();
  readonly #roundTrips = new Map<GatewayId, RoundTripEstimate>();
  readonly #addresses = new HostAddresses();
  #neighbours: readonly TrunkTarget[] = [];
  #watchTimer: MediaTimer | undefined;
  #ticks = 0;
  #closed = false;

  static async open(options: MediaPlaneOptions): Promise<Trunk> {
    return new Trunk(options, await bindUdpSocket(options.host, options.trunkPort));
  }

  private constructor(options: MediaPlaneOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#keepAliveKey = deriveKeepAliveKey(options.fleetKey);
    socket.on("message", (frame, from) => this.#receive(frame, from.address, from.port));
  }

  send(frame: Buffer, port: number, host: string): void {
    const address = this.#addresses.addressOf(host, this.#options.clock.nowMs());
    if (address !== undefined) sendDatagram(this.#socket, frame, port, address);
  }

  setHandler(stream: string, handler: TrunkFrameHandler): void {
    this.#streams.set(stream, handler);
  }

  /** Only the handler that is registered is removed: a newer leg may have taken the stream over. */
  removeHandler(stream: string, handler: TrunkFrameHandler): void {
    if (this.#streams.get(stream) === handler) this.#streams.delete(stream);
  }

  watchNeighbours(neighbours: readonly TrunkTarget[]): void {
    this.#neighbours = neighbours;
    this.#watch.watch(neighbours.map((neighbour) => neighbour.gateway));
    for (const gateway of this.#roundTrips.keys())
      if (!neighbours.some((neighbour) => neighbour.gateway === gateway)) this.#roundTrips.delete(gateway);
    if (neighbours.length === 0) {
      this.#watchTimer?.clear();
      this.#watchTimer = undefined;
    } else if (this.#watchTimer === undefined) this.#tick();
  }

  /** `roundTripMs`: what the map says of a gateway that is no neighbour, and was never measured. */
  probe(target: TrunkTarget, roundTripMs = 0): Promise<boolean> {
    const measuredMs = this.#roundTrips.get(target.gateway)?.lateAfterMs ?? roundTripMs;
    const limitMs = PROBE_LIMIT_MS + Math.min(measuredMs, LONGEST_ROUND_TRIP_MS);
    return new Promise((resolve) => {
      const timers: MediaTimer[] = [];
      const finish = (alive: boolean): void => {
        for (const timer of timers) timer.clear();
        resolve(alive);
      };
      timers.push(this.#options.clock.setTimer(limitMs, () => finish(false)));
      for (const atMs of PROBE_AT_MS) {
        if (atMs === 0) this.#ping(target, () => finish(true));
        else timers.push(this.#options.clock.setTimer(atMs, () => this.#ping(target, () => finish(true))));
      }
    });
  }

  close(): void {
    this.#closed = true;
    this.#watchTimer?.clear();
    closeSocket(this.#socket);
  }

  #tick(): void {
    if (this.#closed) return;
    const nowMs = this.#options.clock.nowMs();
    for (const silence of this.#watch.tick(nowMs, WATCH_INTERVAL_MS)) {
      const neighbour = this.#neighbours.find((one) => one.gateway === silence.gateway);
      if (neighbour !== undefined) this.#options.events.onNeighbourSilent(neighbour.gateway, silence.silentMs);
    }
    if (this.#ticks % Math.round(PING_INTERVAL_MS / WATCH_INTERVAL_MS) === 0) {
      for (const neighbour of this.#neighbours) this.#ping(neighbour, () => this.#heard(neighbour.gateway, nowMs));
    }
    this.#ticks += 1;
    this.#watchTimer = this.#options.clock.setTimer(WATCH_INTERVAL_MS, () => this.#tick());
  }

  #heard(gateway: GatewayId, pingedAtMs: number): void {
    const nowMs = this.#options.clock.nowMs();
    this.#watch.heard(gateway, nowMs);
    const estimate = this.#roundTrips.get(gateway) ?? new RoundTripEstimate();
    this.#roundTrips.set(gateway, estimate);
    estimate.add(nowMs - pingedAtMs);
  }

  #ping(target: TrunkTarget, answered: () => void): void {
    if (this.#closed) return;
    const nonce = randomBytes(8).toString("hex");
    this.#outstanding.set(nonce, { gateway: target.gateway, answered });
    if (this.#outstanding.size > OUTSTANDING_PINGS * (this.#neighbours.length + 1)) {
      this.#outstanding.delete(this.#outstanding.keys().next().value ?? "");
    }
    const { gateway, instance } = this.#options;
    this.send(
      encodeKeepAlive(this.#keepAliveKey, { kind: "ping", nonce, gateway, instance }),
      target.port,
      target.host,
    );
  }

  #receive(frame: Buffer, host: string, port: number): void {
    const kind = readTrunkKind(frame);
    if (kind === "media") {
      const handler = this.#streams.get(readTrunkStream(frame));
      if (handler === undefined) this.#options.count("trunk.unknown-stream");
      else handler(frame);
      return;
    }
    const message = kind === undefined ? undefined : parseKeepAlive(this.#keepAliveKey, frame);
    if (message === undefined) {
      this.#options.count(kind === undefined ? "trunk.malformed" : "trunk.unauthenticated");
      return;
    }
    if (message.kind === "ping") {
      const { gateway, instance } = this.#options;
      this.send(
        encodeKeepAlive(this.#keepAliveKey, { kind: "pong", nonce: message.nonce, gateway, instance }),
        port,
        host,
      );
      return;
    }
    const ping = this.#outstanding.get(message.nonce);
    if (ping === undefined || ping.gateway !== message.gateway) {
      this.#options.count("trunk.unexpected-pong");
      return;
    }
    this.#outstanding.delete(message.nonce);
    ping.answered();
  }
}
