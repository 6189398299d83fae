/**
 * CPU time that a conference room spends on one member for 20 ms: its packet decoded and buffered, the others mixed,
 * encoded and put into a packet. Sockets are left out: the relay's figures have them. Beside: decoding and encoding one
 * frame by table, which no mixer can do without.
 */
import { randomBytes } from "node:crypto";
import { G711_CODECS } from "../gateway-node/media/codecs/g711.ts";
import { FRAME_MS, FRAME_SAMPLES } from "../gateway-node/media/frame-scheduler.ts";
import { OutgoingStream } from "../gateway-node/media/outgoing-stream.ts";
import type { PacketSink } from "../gateway-node/media/packet-relay.ts";
import { trunkAudio } from "../gateway-node/media/packet-relay.ts";
import { Room } from "../gateway-node/media/room/room.ts";
import { RoomMember } from "../gateway-node/media/room/room-member.ts";
import { lessIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";

const FRAMES = 2_000;
const ROUNDS = 7;
const GOAL_MICROSECONDS = 15;
const AUDIO = trunkAudio("PCMU");

const PARTIES: readonly { readonly members: number; readonly speakers: number }[] = [
  { members: 3, speakers: 3 },
  { members: 20, speakers: 3 },
  { members: 20, speakers: 20 },
];

/** Keeps results alive, so that no work can be optimised away. */
let sink = 0;

/** A voice as loud as voices are, with all codes in use. */
const SPEECH = randomBytes(64 * FRAME_SAMPLES).map((code) => (code & 0x8f) | 0x30);

class Party {
  readonly #room = new Room();
  readonly #members: readonly RoomMember[];
  readonly #speakers: number;
  #frame = 0;

  constructor(members: number, speakers: number) {
    this.#speakers = speakers;
    this.#members = Array.from({ length: members }, (_, at) => {
      const listener: PacketSink = {
        audio: AUDIO,
        stream: OutgoingStream.fresh(at, 0),
        transmit: (packet) => void (sink += packet.length),
      };
      const member = new RoomMember({ sink: () => listener, count: () => undefined });
      this.#room.enter(member);
      return member;
    });
  }

  run(frames: number): void {
    for (let turn = 0; turn < frames; turn++) {
      const frame = ++this.#frame;
      for (let at = 0; at < this.#speakers; at++)
        this.#members[at]?.receive(speechPacket(frame, at), AUDIO, frame * FRAME_MS - 7);
      this.#room.onFrame(frame, frame * FRAME_MS);
    }
  }
}

function speechPacket(frame: number, ssrc: number): Buffer {
  const packet = Buffer.allocUnsafe(12 + FRAME_SAMPLES);
  packet[0] = 0x80;
  packet[1] = AUDIO.payloadType;
  packet.writeUInt16BE(frame & 0xffff, 2);
  packet.writeUInt32BE((frame * FRAME_SAMPLES) >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
  const from = ((frame + ssrc) % 64) * FRAME_SAMPLES;
  packet.set(SPEECH.subarray(from, from + FRAME_SAMPLES), 12);
  return packet;
}

/** What any room must do for a member that speaks: one frame decoded, one encoded. */
function codeFrames(frames: number): void {
  const { decode, encode } = G711_CODECS.PCMU;
  const linear = new Int16Array(FRAME_SAMPLES);
  const coded = new Uint8Array(FRAME_SAMPLES);
  for (let frame = 0; frame < frames; frame++) {
    const from = (frame % 64) * FRAME_SAMPLES;
    for (let at = 0; at < FRAME_SAMPLES; at++) linear[at] = decode[SPEECH[from + at] ?? 0] ?? 0;
    for (let at = 0; at < FRAME_SAMPLES; at++) coded[at] = encode[(linear[at] ?? 0) & 0xffff] ?? 0;
    sink += coded[frame % FRAME_SAMPLES] ?? 0;
  }
}

/** CPU microseconds of `run`, the least of several rounds: other load on the machine only ever adds. */
function leastMicroseconds(run: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  run();
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}

export function run(): Promise<readonly BenchRow[]> {
  const peer = leastMicroseconds(() => codeFrames(FRAMES * 10)) / (FRAMES * 10);
  const rows: BenchRow[] = [];
  for (const { members, speakers } of PARTIES) {
    const party = new Party(members, speakers);
    const ours = leastMicroseconds(() => party.run(FRAMES)) / (FRAMES * members);
    const row = {
      name: `mix 20 ms for one of ${members} members, ${speakers} speaking`,
      unit: "us",
      ours,
    };
    const note = `without sockets; building the senders' packets is included; least of ${ROUNDS} rounds of ${FRAMES} frames`;
    rows.push(
      lessIsBetter({ ...row, peer, peerName: "bare decode and encode", note }),
      lessIsBetter({ ...row, peer: GOAL_MICROSECONDS, peerName: "goal", goal: 1 }),
    );
  }
  if (sink < 0) throw new RangeError("nothing was sent");
  return Promise.resolve(rows);
}
