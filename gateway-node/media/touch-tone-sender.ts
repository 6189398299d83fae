/** Presses keys into a leg's stream as telephone-events (RFC 4733 section 2.5.1), one after the other. */
import { touchToneCode } from "#protocol/touch-tone";
import type { TouchTone } from "#protocol/touch-tone";
import { FRAME_MS, FRAME_SAMPLES, type FrameScheduler, type FrameTask } from "./frame-scheduler.ts";
import type { MediaLeg } from "./media-leg.ts";
import type { MediaLegKey } from "./media-plane.ts";
import type { OutgoingStream } from "./outgoing-stream.ts";
import { relayPacket, trunkAudio } from "./packet-relay.ts";
import { RTP_HEADER_BYTES, writeUint32 } from "./rtp-packet.ts";

/** Whoever dials faster than keys can be pressed for them is not helped by waiting for minutes. */
const QUEUE_LIMIT = 32;
/** Section 2.5.1.4: the last packet three times. */
const END_PACKETS = 3;
/** Receivers want a pause between keys (Q.24: 40 ms); the end's repeats are part of it. */
const PAUSE_FRAMES = 3;
/** Volume of the tone in -dBm0 (section 2.3.4). */
const VOLUME = 10;
/** Tells the keys from other sources of the stream; no peer sees it. */
const KEY_SSRC = 0x6b657973;

interface PressedKey {
  readonly code: number;
  readonly frames: number;
}

class KeyPresser implements FrameTask {
  readonly #leg: () => MediaLeg | undefined;
  readonly #onIdle: () => void;
  readonly #queue: PressedKey[] = [];
  #frame = 0;
  #startedAt = 0;
  #sequence = 0;
  #stream: OutgoingStream | undefined;

  constructor(leg: () => MediaLeg | undefined, onIdle: () => void) {
    this.#leg = leg;
    this.#onIdle = onIdle;
  }

  press(key: PressedKey): boolean {
    return this.#queue.length < QUEUE_LIMIT && this.#queue.push(key) > 0;
  }

  onFrame(frame: number, atMs: number): void {
    const [key] = this.#queue;
    const leg = this.#leg();
    if (key === undefined || leg?.stream === undefined || leg.audio === undefined) return this.#onIdle();
    if (this.#frame === 0) this.#startedAt = frame;
    this.#frame += 1;
    if (this.#frame < key.frames + END_PACKETS) {
      // Audio pauses meanwhile: receivers play one or the other.
      if (this.#stream !== leg.stream) this.#take(leg.stream);
      relayPacket(this.#packet(key), trunkAudio(leg.audio.codec), leg, atMs);
      return;
    }
    this.release();
    if (this.#frame < key.frames + PAUSE_FRAMES) return;
    this.#frame = 0;
    this.#queue.shift();
    if (this.#queue.length === 0) this.#onIdle();
  }

  release(): void {
    this.#stream?.reserveFor(undefined);
    this.#stream = undefined;
  }

  #take(stream: OutgoingStream): void {
    this.release();
    this.#stream = stream;
    stream.reserveFor(KEY_SSRC);
  }

  #packet({ code, frames }: PressedKey): Buffer {
    const packet = Buffer.alloc(RTP_HEADER_BYTES + 4);
    const ends = this.#frame >= frames;
    packet[0] = 0x80;
    packet[1] = (this.#frame === 1 ? 0x80 : 0) | (trunkAudio("PCMU").telephoneEventPayloadType ?? 0);
    packet.writeUInt16BE(this.#sequence, 2);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    // All packets of an event have the time of its beginning (section 2.5.1.2).
    writeUint32(packet, 4, (this.#startedAt * FRAME_SAMPLES) >>> 0);
    writeUint32(packet, 8, KEY_SSRC);
    packet[RTP_HEADER_BYTES] = code;
    packet[RTP_HEADER_BYTES + 1] = (ends ? 0x80 : 0) | VOLUME;
    packet.writeUInt16BE(Math.min(this.#frame, frames) * FRAME_SAMPLES, RTP_HEADER_BYTES + 2);
    return packet;
  }
}

export class TouchToneSender {
  readonly #scheduler: FrameScheduler;
  readonly #legs: ReadonlyMap<MediaLegKey, MediaLeg>;
  readonly #pressers = new Map<MediaLegKey, KeyPresser>();

  constructor(scheduler: FrameScheduler, legs: ReadonlyMap<MediaLegKey, MediaLeg>) {
    this.#scheduler = scheduler;
    this.#legs = legs;
  }

  /** `false` when the leg's peer takes no telephone-events now, or has more keys before it than anybody presses. */
  send(key: MediaLegKey, digit: TouchTone, durationMs: number): boolean {
    const leg = this.#legs.get(key);
    if (leg?.stream === undefined || leg.holds || leg.audio?.telephoneEventPayloadType === undefined) return false;
    const frames = Math.ceil(durationMs / FRAME_MS);
    return this.#presser(key).press({ code: touchToneCode(digit), frames });
  }

  stop(key: MediaLegKey): void {
    const presser = this.#pressers.get(key);
    if (presser === undefined) return;
    this.#pressers.delete(key);
    this.#scheduler.remove(presser);
    presser.release();
  }

  #presser(key: MediaLegKey): KeyPresser {
    const known = this.#pressers.get(key);
    if (known !== undefined) return known;
    const presser = new KeyPresser(
      () => this.#legs.get(key),
      () => this.stop(key),
    );
    this.#pressers.set(key, presser);
    this.#scheduler.add(presser);
    return presser;
  }
}
