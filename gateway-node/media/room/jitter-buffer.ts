/**
 * What one member of a room says, as an even flow of frames. Timestamps say where samples belong, sequence numbers whether
 * the source is still the same; the delay follows the jitter between 40 and 120 ms. What is missing is covered by the last
 * frame, repeated and faded out.
 */
import { FRAME_SAMPLES } from "../frame-scheduler.ts";
import { PacketWindow } from "../packet-window.ts";
import { RTP_CLOCK_PER_MS } from "../rtp-packet.ts";
import { DelayEstimate, MAX_DELAY_MS } from "./delay-estimate.ts";
import { MISSING, SampleRing } from "./sample-ring.ts";

export interface AudioPacket {
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
  /** G.711 octets, and the table that makes samples of them. */
  readonly payload: Uint8Array;
  readonly decode: Int16Array;
}

export type PushOutcome = "stored" | "late" | "repeated" | "unproved";

/** RFC 3550 appendix A.1. */
const MAX_DROPOUT = 3_000;
const MAX_MISORDER = 100;
/** Timestamps that leave the source's clock by more than this are another clock. */
const MAX_CLOCK_STEP = 1_000 * RTP_CLOCK_PER_MS;
const MAX_DELAY_SAMPLES = MAX_DELAY_MS * RTP_CLOCK_PER_MS;
/** So many packets too late are no accident: the source's clock was set back, or its way got longer for good. */
const MAX_LATE_IN_ROW = 4;
/** Concealment lasts 60 ms: longer, a repeated frame sounds like a machine. */
const FADE_SAMPLES = 3 * FRAME_SAMPLES;
/**
 * Played this much too early, a frame is put in; this much too late, what is too much is left out. Between the two lies
 * more than a frame, so the one does not call for the other.
 */
const SHORTAGE = 2 * RTP_CLOCK_PER_MS;
const SURPLUS = 30 * RTP_CLOCK_PER_MS;
/** Corrections of the delay are kept this many frames apart. */
const CORRECTION_INTERVAL = 5;

/** What `pull` says of a member that has nothing to play and will have nothing before its next packet. */
export const IDLE = -1;

export class JitterBuffer {
  /** Samples that were made up. */
  concealedSamples = 0;
  readonly #ring = new SampleRing();
  /** The last frame that was played whole. */
  readonly #history = new Int16Array(FRAME_SAMPLES);
  #delay = new DelayEstimate();
  #window = new PacketWindow();
  #ssrc: number | undefined;
  #sequence = 0;
  #index = 0;
  #probation = -1;
  /** The newest timestamp without its wrap-arounds, and its lower 32 bits. */
  #newest = 0;
  #newestWire = 0;
  /** After the last sample stored. */
  #end = 0;
  /** The next sample to play; what lies before it is past. */
  #position = Number.NEGATIVE_INFINITY;
  #playing = false;
  #fade = 0;
  #sinceCorrection = 0;
  /** Packets in a row that came too late. */
  #lateInRow = 0;

  /** The delay that is aimed at, in milliseconds. */
  get delayMs(): number {
    return this.#delay.delaySamples / RTP_CLOCK_PER_MS;
  }

  push(packet: AudioPacket, nowMs: number): PushOutcome {
    if (packet.ssrc !== this.#ssrc) this.#restart(packet);
    else {
      const outcome = this.#follow(packet, nowMs);
      if (outcome !== undefined) return outcome;
    }
    const outcome = this.#place(packet, nowMs);
    this.#lateInRow = outcome === "late" ? this.#lateInRow + 1 : 0;
    if (this.#lateInRow < MAX_LATE_IN_ROW) return outcome;
    this.#restart(packet);
    return this.#place(packet, nowMs);
  }

  /**
   * The next frame into `out`; returns its peak, 0 for silence, or `IDLE`. `atMs` is the time of the frame on the grid:
   * it rises by 20 ms from call to call, or by more when frames were skipped.
   */
  pull(out: Int16Array, atMs: number): number {
    if (!this.#delay.known) return IDLE;
    if (!this.#playing) this.#begin(atMs);
    this.#sinceCorrection += 1;
    const surplus = this.#delay.playoutAt(atMs) - this.#position;
    if (surplus > -SHORTAGE && surplus < SURPLUS) return this.#play(out);
    const begins = this.#ring.peek(this.#position) !== MISSING;
    const whole = begins && this.#ring.holds(this.#position, FRAME_SAMPLES);
    const mayCorrect = this.#sinceCorrection >= CORRECTION_INTERVAL;
    // What is not there yet is waited for at once: something would have to be made up anyway.
    if (surplus < 0 && (whole ? mayCorrect : !begins)) return this.#wait(out, whole);
    if (surplus > 0 && mayCorrect) return this.#hurry(out, whole, surplus);
    return this.#play(out);
  }

  #begin(atMs: number): void {
    const position = Math.max(this.#position, this.#delay.playoutAt(atMs));
    // What came while nothing was played and is past by now.
    this.#ring.forget(Math.max(this.#position, position - MAX_DELAY_SAMPLES), position);
    this.#position = position;
    this.#playing = true;
  }

  /** Decides whether a packet of the known SSRC belongs to the flow; `undefined` when it does. */
  #follow(packet: AudioPacket, nowMs: number): PushOutcome | undefined {
    const delta = ((packet.sequence - this.#sequence) << 16) >> 16;
    if (delta > MAX_DROPOUT || delta < -MAX_MISORDER) {
      const proved = packet.sequence === this.#probation;
      this.#probation = (packet.sequence + 1) & 0xffff;
      if (!proved) return "unproved";
      this.#restart(packet);
      return undefined;
    }
    if (!this.#window.isFresh(this.#index + delta)) return "repeated";
    const transit = nowMs * RTP_CLOCK_PER_MS - this.#extend(packet.timestamp);
    if (Math.abs(transit - this.#delay.leastTransit) > MAX_CLOCK_STEP) {
      if (delta < 0) return "late";
      this.#restart(packet);
      return undefined;
    }
    this.#window.mark(this.#index + delta);
    if (delta > 0) {
      this.#index += delta;
      this.#sequence = packet.sequence;
      this.#newest = this.#extend(packet.timestamp);
      this.#newestWire = packet.timestamp;
    }
    return undefined;
  }

  /** Another source, or the same with other numbers: nothing of before says anything of it. */
  #restart(packet: AudioPacket): void {
    this.#ssrc = packet.ssrc;
    this.#sequence = packet.sequence;
    this.#index = 0;
    this.#window = new PacketWindow();
    this.#window.mark(0);
    this.#probation = -1;
    this.#lateInRow = 0;
    this.#newest = packet.timestamp;
    this.#newestWire = packet.timestamp;
    this.#end = packet.timestamp;
    this.#position = Number.NEGATIVE_INFINITY;
    this.#playing = false;
    this.#delay = new DelayEstimate();
    this.#ring.clear();
  }

  #extend(timestamp: number): number {
    return this.#newest + ((timestamp - this.#newestWire) | 0);
  }

  #place(packet: AudioPacket, nowMs: number): PushOutcome {
    const at = this.#extend(packet.timestamp);
    this.#delay.onPacket(nowMs * RTP_CLOCK_PER_MS - at, nowMs);
    return this.#store(at, packet, nowMs);
  }

  #store(at: number, { payload, decode }: AudioPacket, nowMs: number): PushOutcome {
    const end = at + payload.length;
    // Far ahead of all before, which is past then, or further than the ring reaches: the source paused, or hurried.
    const leap = this.#playing ? !SampleRing.fits(this.#position, end) : at > this.#end + MAX_DELAY_SAMPLES;
    if (leap) {
      this.#ring.clear();
      this.#playing = false;
    }
    const past = this.#playing ? this.#position : Math.max(this.#position, this.#delay.playoutAt(nowMs));
    const skip = Math.max(0, past - at);
    if (skip >= payload.length) return "late";
    this.#ring.write(at + skip, skip === 0 ? payload : payload.subarray(skip), decode);
    if (end > this.#end) this.#end = end;
    return "stored";
  }

  #play(out: Int16Array): number {
    const position = this.#position;
    let missing = 0;
    let peak = 0;
    for (let at = 0; at < FRAME_SAMPLES; at++) {
      let sample = this.#ring.peek(position + at);
      if (sample === MISSING) {
        missing += 1;
        sample = this.#conceal(at);
      } else this.#fade = FADE_SAMPLES;
      out[at] = sample;
      if (sample > peak) peak = sample;
      else if (-sample > peak) peak = -sample;
    }
    this.#advance(FRAME_SAMPLES);
    if (missing === 0) this.#history.set(out);
    else if (missing === FRAME_SAMPLES && this.#fade === 0 && this.#position >= this.#end) {
      this.#playing = false;
      return IDLE;
    }
    return peak;
  }

  /** A sample for one that is missing. */
  #conceal(at: number): number {
    if (this.#fade === 0) return 0;
    this.#fade -= 1;
    this.concealedSamples += 1;
    return Math.round(((this.#history[at] ?? 0) * this.#fade) / FADE_SAMPLES);
  }

  /** Puts one more frame in: it begins as what comes next and ends as what came last, so both seams fit. */
  #wait(out: Int16Array, whole: boolean): number {
    this.#sinceCorrection = 0;
    for (let at = 0; at < FRAME_SAMPLES; at++) {
      if (whole) out[at] = blend(this.#ring.peek(this.#position + at), this.#history[at] ?? 0, at);
      else out[at] = this.#conceal(at);
    }
    return peakOf(out);
  }

  /** Leaves `surplus` samples out, by a frame that begins as what comes next and ends as what comes after the gap. */
  #hurry(out: Int16Array, whole: boolean, surplus: number): number {
    this.#sinceCorrection = 0;
    if (!whole || !this.#ring.holds(this.#position + surplus, FRAME_SAMPLES)) {
      this.#advance(surplus);
      return this.#play(out);
    }
    for (let at = 0; at < FRAME_SAMPLES; at++)
      out[at] = blend(this.#ring.peek(this.#position + at), this.#ring.peek(this.#position + surplus + at), at);
    this.#advance(surplus + FRAME_SAMPLES);
    this.#history.set(out);
    return peakOf(out);
  }

  #advance(by: number): void {
    this.#ring.forget(this.#position, this.#position + by);
    this.#position += by;
  }
}

function blend(from: number, to: number, at: number): number {
  return Math.round(from + ((to - from) * at) / FRAME_SAMPLES);
}

function peakOf(frame: Int16Array): number {
  let peak = 0;
  for (const sample of frame) peak = Math.max(peak, Math.abs(sample));
  return peak;
}
