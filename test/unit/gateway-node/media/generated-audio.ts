/** Sinks that keep what generated media sent them, on virtual time. */
import { decodeG711, encodeG711 } from "../../../../gateway-node/media/codecs/g711.ts";
import { FrameScheduler } from "../../../../gateway-node/media/frame-scheduler.ts";
import { OutgoingStream } from "../../../../gateway-node/media/outgoing-stream.ts";
import type { PacketSink } from "../../../../gateway-node/media/packet-relay.ts";
import type { CodecName, NegotiatedAudio } from "#protocol/media";
import { VirtualClock } from "../support/virtual-clock.ts";
import { readRtp, rtpPacket } from "./media-plane-fixture.ts";

export const FRAME = 160;

/** Virtual time that can also stand still for the timers while it passes for everybody else. */
export class StallingClock extends VirtualClock {
  #notBeforeMs = 0;

  override nowMs(): number {
    return Math.max(super.nowMs(), this.#notBeforeMs);
  }

  /** Timers of the next `ms` fire when they are over. */
  stall(ms: number): void {
    this.#notBeforeMs = super.nowMs() + ms;
    this.advance(ms);
  }
}

export function negotiated(codec: CodecName): NegotiatedAudio {
  return { codec, payloadType: codec === "PCMU" ? 0 : 8, telephoneEventPayloadType: 101 };
}

export interface SentFrame {
  readonly atMs: number;
  readonly timestamp: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** Somebody who listens. */
export class Listener implements PacketSink {
  audio: NegotiatedAudio | undefined;
  stream: OutgoingStream | undefined;
  readonly frames: SentFrame[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, codec: CodecName = "PCMU") {
    this.#clock = clock;
    this.audio = negotiated(codec);
    this.stream = OutgoingStream.fresh(7, clock.nowMs());
  }

  transmit(packet: Buffer): void {
    const { timestamp, sequence, payload } = readRtp(packet);
    this.frames.push({ atMs: this.#clock.nowMs(), timestamp, sequence, payload: Buffer.from(payload) });
  }

  /** What was heard, with silence where the time line has gaps. */
  heard(): Int16Array {
    const first = this.frames[0]?.timestamp ?? 0;
    const last = this.frames.at(-1)?.timestamp ?? 0;
    const samples = new Int16Array(((last - first) >>> 0) + FRAME);
    const codec = this.audio?.codec ?? "PCMU";
    for (const { timestamp, payload } of this.frames)
      samples.set(decodeG711(codec, payload), (timestamp - first) >>> 0);
    return samples;
  }
}

export interface GeneratedLab {
  readonly clock: StallingClock;
  readonly scheduler: FrameScheduler;
  readonly counters: Map<string, number>;
  readonly count: (counter: string, by?: number) => void;
  /** The wake watch says that the process slept. */
  asleep: boolean;
}

export function createLab(startMs?: number): GeneratedLab {
  const clock = new StallingClock(startMs);
  const counters = new Map<string, number>();
  const count = (counter: string, by = 1): void => void counters.set(counter, (counters.get(counter) ?? 0) + by);
  const lab: GeneratedLab = {
    clock,
    counters,
    count,
    asleep: false,
    scheduler: new FrameScheduler({ clock, count }, { slept: () => lab.asleep }),
  };
  return lab;
}

/** One packet of somebody's speech: packet `number` of `samples`, 20 ms each. */
export function speechPacket(samples: Int16Array, number: number, codec: CodecName = "PCMU", ssrc = 1): Buffer {
  const part = samples.subarray((number * FRAME) % samples.length, ((number * FRAME) % samples.length) + FRAME);
  return rtpPacket({
    payloadType: negotiated(codec).payloadType,
    sequence: 1000 + number,
    timestamp: 5000 + number * FRAME,
    ssrc,
    payload: Buffer.from(encodeG711(codec, part)),
  });
}
