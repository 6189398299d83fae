/**
 * Phones in a process of their own: RTP at a steady rate from one socket for each stream, and a count of what comes back.
 * It knows nothing of what stands between, so every relay is measured alike. Commands and answers go over IPC.
 */
import { createSocket, type Socket } from "node:dgram";
import { SrtpReceiver, SrtpSender } from "../../gateway-node/media/srtp.ts";
import type { SrtpMasterKey, SrtpProfile } from "../../gateway-node/media/srtp-keys.ts";

export interface SrtpOptions {
  readonly profile: SrtpProfile;
  /** What the generator sends under and what it hears, base64. */
  readonly send: { readonly key: string; readonly salt: string };
  readonly receive: { readonly key: string; readonly salt: string };
}

export type GeneratorCommand =
  | { readonly kind: "open"; readonly streams: number }
  /** One target port for each stream; streams with `srtp` (by index) speak SRTP. */
  | {
      readonly kind: "run";
      readonly targets: readonly { readonly host: string; readonly port: number }[];
      readonly srtp: Readonly<Record<number, SrtpOptions>>;
      readonly packetsPerSecond: number;
      readonly ms: number;
    };

export type GeneratorAnswer =
  | { readonly kind: "opened"; readonly ports: readonly number[] }
  | {
      readonly kind: "ran";
      readonly sent: number;
      readonly received: number;
      readonly unreadable: number;
      readonly delaysMs: readonly number[];
    };

const PAYLOAD_BYTES = 160;
const DELAYS_KEPT = 20_000;

interface Stream {
  readonly socket: Socket;
  readonly ssrc: number;
  sequence: number;
  sender: SrtpSender | undefined;
  receiver: SrtpReceiver | undefined;
}

let streams: readonly Stream[] = [];
let sent = 0;
let received = 0;
let unreadable = 0;
let delaysMs: number[] = [];

async function open(count: number): Promise<readonly number[]> {
  streams = await Promise.all(Array.from({ length: count }, (_, index) => openStream(index)));
  return streams.map((stream) => stream.socket.address().port);
}

function openStream(index: number): Promise<Stream> {
  const socket = createSocket({ type: "udp4", lookup: (address, _family, callback) => callback(null, address, 4) });
  const stream: Stream = { socket, ssrc: 1000 + index, sequence: 1, sender: undefined, receiver: undefined };
  socket.on("message", (packet) => onPacket(stream, packet));
  return new Promise((resolve) => socket.bind(0, "127.0.0.1", () => resolve(stream)));
}

function onPacket(stream: Stream, packet: Buffer): void {
  const plain = stream.receiver === undefined ? packet : stream.receiver.unprotect(packet);
  // SRTCP reports of a relay are no relayed packets.
  if (plain === undefined) unreadable += 1;
  else if (plain.length === 12 + PAYLOAD_BYTES) {
    received += 1;
    if (delaysMs.length < DELAYS_KEPT)
      delaysMs.push(performance.timeOrigin + performance.now() - plain.readDoubleBE(12));
  }
}

function send(stream: Stream, target: { readonly host: string; readonly port: number }): void {
  const packet = Buffer.alloc(12 + PAYLOAD_BYTES);
  packet[0] = 0x80;
  packet.writeUInt16BE(stream.sequence & 0xffff, 2);
  packet.writeUInt32BE((stream.sequence * PAYLOAD_BYTES) >>> 0, 4);
  packet.writeUInt32BE(stream.ssrc, 8);
  packet.writeDoubleBE(performance.timeOrigin + performance.now(), 12);
  const wire = stream.sender === undefined ? packet : stream.sender.protect(packet, stream.sequence);
  stream.sequence += 1;
  sent += 1;
  stream.socket.send(wire, target.port, target.host);
}

/** Every millisecond the packets that are due, streams in turn, so that their packets are spread over the frame. */
async function run(command: GeneratorCommand & { kind: "run" }): Promise<GeneratorAnswer> {
  for (const [index, options] of Object.entries(command.srtp)) secure(Number(index), options);
  sent = received = unreadable = 0;
  delaysMs = [];
  const perMs = (streams.length * command.packetsPerSecond) / 1000;
  const start = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - start;
      for (const due = Math.floor(Math.min(elapsed, command.ms) * perMs); sent < due;) {
        const index = sent % streams.length;
        const [stream, target] = [streams[index], command.targets[index]];
        if (stream === undefined || target === undefined) throw new Error("a stream has no target");
        send(stream, target);
      }
      if (elapsed < command.ms + 200) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  return { kind: "ran", sent, received, unreadable, delaysMs };
}

function secure(index: number, options: SrtpOptions): void {
  const stream = streams[index];
  if (stream === undefined || stream.sender !== undefined) return;
  stream.sender = new SrtpSender(options.profile, masterKey(options.send));
  // The relay's numbering begins anywhere: search for its rollover counter.
  stream.receiver = new SrtpReceiver(options.profile, masterKey(options.receive), {});
}

function masterKey(text: { readonly key: string; readonly salt: string }): SrtpMasterKey {
  return { key: Buffer.from(text.key, "base64"), salt: Buffer.from(text.salt, "base64") };
}

if (process.send !== undefined && import.meta.main) {
  const answer = (message: GeneratorAnswer): void => void process.send?.(message);
  process.on("message", (command: GeneratorCommand) => {
    if (command.kind === "open") void open(command.streams).then((ports) => answer({ kind: "opened", ports }));
    else void run(command).then(answer);
  });
}
