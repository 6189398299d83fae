import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { randomInt } from "node:crypto";
import { createMediaPlane } from "../../../../gateway-node/media/create-media-plane.ts";
import type { MediaPlane, MediaPlaneEvents } from "../../../../gateway-node/media/media-plane.ts";
import type { MediaPlaneOptions } from "../../../../gateway-node/media/media-plane-options.ts";
import type { GatewayId, GatewayInstanceId } from "#protocol/ids";

export const FLEET_KEY = Buffer.alloc(32, 7);
export const CALL = "k".repeat(44);

export interface RecordedEvent {
  readonly name: string;
  readonly args: readonly unknown[];
}

export interface PlaneFixture {
  readonly plane: MediaPlane;
  readonly gateway: GatewayId;
  readonly trunkPort: number;
  readonly events: RecordedEvent[];
  readonly counters: Map<string, number>;
  named(name: string): readonly RecordedEvent[];
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

export async function startPlane(gateway: string, overrides: Partial<MediaPlaneOptions> = {}): Promise<PlaneFixture> {
  const events: RecordedEvent[] = [];
  const counters = new Map<string, number>();
  const record =
    (name: string) =>
    (...args: readonly unknown[]) =>
      void events.push({ name, args });
  const recorder: MediaPlaneEvents = {
    onMediaFlowing: record("flowing"),
    onMediaTimeout: record("timeout"),
    onSecured: record("secured"),
    onWebRtcFailed: record("failed"),
    onLeaseWanted: record("lease"),
    onDigit: record("digit"),
    onNeighbourSilent: record("silent"),
  };
  const trunkPort = await freeUdpPort();
  const first = 30_000 + randomInt(0, 140) * 100;
  const plane = await createMediaPlane({
    gateway: gateway as GatewayId,
    instance: "ab".repeat(16) as GatewayInstanceId,
    host: "127.0.0.1",
    mediaHosts: ["127.0.0.1"],
    rtpPorts: [first, first + 99],
    trunkPort,
    fleetKey: FLEET_KEY,
    clock: realClock,
    events: recorder,
    count: (counter, by = 1) => void counters.set(counter, (counters.get(counter) ?? 0) + by),
    log: () => undefined,
    ...overrides,
  });
  return {
    plane,
    gateway: gateway as GatewayId,
    trunkPort,
    events,
    counters,
    named: (name) => events.filter((event) => event.name === name),
  };
}

export const realClock: MediaPlaneOptions["clock"] = {
  nowMs: () => Date.now(),
  setTimer: (ms, run) => {
    const timer = setTimeout(run, ms);
    return { clear: () => clearTimeout(timer) };
  },
};

/** Time that only the test moves; sockets stay real. */
export class ManualClock {
  #nowMs = 1_000_000;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  readonly nowMs = (): number => this.#nowMs;

  readonly setTimer = (ms: number, run: () => void): { clear(): void } => {
    const timer = { atMs: this.#nowMs + ms, run };
    this.#timers.push(timer);
    return { clear: () => void (this.#timers = this.#timers.filter((one) => one !== timer)) };
  };

  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#timers.filter((one) => one.atMs <= endMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = endMs;
  }
}

export interface RtpFields {
  readonly payloadType: number;
  readonly marker?: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload?: Buffer;
}

export function rtpPacket(fields: RtpFields): Buffer {
  const payload = fields.payload ?? Buffer.alloc(160, fields.sequence & 0xff);
  const packet = Buffer.alloc(12 + payload.length);
  packet[0] = 0x80;
  packet[1] = (fields.marker === true ? 0x80 : 0) | fields.payloadType;
  packet.writeUInt16BE(fields.sequence & 0xffff, 2);
  packet.writeUInt32BE(fields.timestamp >>> 0, 4);
  packet.writeUInt32BE(fields.ssrc >>> 0, 8);
  payload.copy(packet, 12);
  return packet;
}

export function readRtp(packet: Buffer): Required<RtpFields> {
  return {
    payloadType: packet.readUInt8(1) & 0x7f,
    marker: (packet.readUInt8(1) & 0x80) !== 0,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    payload: packet.subarray(12),
  };
}

/** A phone's RTP socket. */
export class Phone {
  readonly received: Required<RtpFields>[] = [];
  readonly #socket: Socket;

  static async open(host = "127.0.0.1"): Promise<Phone> {
    const socket = createSocket("udp4");
    socket.bind(0, host);
    await once(socket, "listening");
    return new Phone(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("message", (packet) => this.received.push(readRtp(packet)));
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Resolves when the packet was handed to the kernel. */
  send(port: number, fields: RtpFields): Promise<void> {
    return this.sendRaw(port, rtpPacket(fields));
  }

  sendRaw(port: number, packet: Buffer): Promise<void> {
    return new Promise((resolve) => this.#socket.send(packet, port, "127.0.0.1", () => resolve()));
  }

  close(): void {
    this.#socket.close();
  }
}
