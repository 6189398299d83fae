/** One who is in a room: what it says goes through a jitter buffer, what it hears is sent frame by frame. */
import type { CodecName, NegotiatedAudio } from "#protocol/media";
import { G711_CODECS } from "../codecs/g711.ts";
import { FRAME_SAMPLES } from "../frame-scheduler.ts";
import { codecOf, FrameSender } from "../frame-sender.ts";
import type { PacketSink } from "../packet-relay.ts";
import { readRtpPayload, readSequence, readSsrc, readTimestamp } from "../rtp-packet.ts";
import { IDLE, JitterBuffer } from "./jitter-buffer.ts";

/** Frames whose samples are all within this are silence: the codes next to zero, in either law. */
const SILENT_PEAK = 16;
/** A voice is followed for about a second, so that who is mixed does not change between words. */
const LEVEL_DECAY = 0.98;
/** 200 ms of one packet: nobody's audio is longer. */
const MAX_PAYLOAD_BYTES = 1_600;

export interface RoomMemberParts {
  /** The leg or trunk as it is now. */
  readonly sink: () => PacketSink | undefined;
  readonly count: (counter: string, by?: number) => void;
}

export class RoomMember {
  /** What it says in this frame, when `speaking`. */
  readonly frame = new Int16Array(FRAME_SAMPLES);
  speaking = false;
  /** How loud it was of late. */
  level = 0;
  /** Called when it has something to say after it had nothing. */
  onActive: () => void = () => undefined;
  readonly #parts: RoomMemberParts;
  readonly #buffer = new JitterBuffer();
  readonly #sender = new FrameSender();
  #concealed = 0;

  constructor(parts: RoomMemberParts) {
    this.#parts = parts;
  }

  /** A packet from the member, with its own payload types. */
  receive(packet: Buffer, audio: NegotiatedAudio, nowMs: number): void {
    const payloadType = (packet[1] ?? 0) & 0x7f;
    if (payloadType !== audio.payloadType) {
      const isEvent = payloadType === audio.telephoneEventPayloadType;
      this.#parts.count(isEvent ? "media.room-event-dropped" : "media.unknown-payload-type");
      return;
    }
    const payload = readRtpPayload(packet);
    if (payload === undefined || payload.length === 0 || payload.length > MAX_PAYLOAD_BYTES) {
      this.#parts.count("media.malformed");
      return;
    }
    const outcome = this.#buffer.push(
      {
        ssrc: readSsrc(packet),
        sequence: readSequence(packet),
        timestamp: readTimestamp(packet),
        payload,
        decode: G711_CODECS[audio.codec].decode,
      },
      nowMs,
    );
    if (outcome === "stored") this.onActive();
    else this.#parts.count(`media.room-${outcome}`);
  }

  /** Fetches the frame of `atMs`; false when there is none and will be none before another packet. */
  listen(atMs: number): boolean {
    const peak = this.#buffer.pull(this.frame, atMs);
    this.speaking = peak > SILENT_PEAK;
    this.level = Math.max(peak, this.level * LEVEL_DECAY);
    const { concealedSamples } = this.#buffer;
    if (concealedSamples > this.#concealed) this.#parts.count("media.room-concealed-frames");
    this.#concealed = concealedSamples;
    return peak !== IDLE;
  }

  /** The codec that it hears, or `undefined` while nothing can be sent to it. */
  get hears(): CodecName | undefined {
    return codecOf(this.#parts.sink());
  }

  say(codec: CodecName, payload: Uint8Array, frame: number, atMs: number): void {
    const sink = this.#parts.sink();
    if (sink === undefined) return;
    const outcome = this.#sender.send(sink, codec, payload, frame, atMs);
    if (outcome !== "sent") this.#parts.count(`media.${outcome}`);
  }
}
