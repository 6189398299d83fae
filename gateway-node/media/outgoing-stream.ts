/**
 * One outgoing RTP stream: its own SSRC, sequence and time line, whatever feeds it. Gaps and reordering of the source stay
 * visible; a new source goes on at the next number. No number is given twice: under SRTP that would reuse a key stream.
 */
import { randomInt } from "node:crypto";
import { PacketWindow } from "./packet-window.ts";
import { readSequence, readSsrc, readTimestamp, RTP_CLOCK_PER_MS, writeUint32 } from "./rtp-packet.ts";

/** RFC 3550 appendix A.1: jumps beyond these are a restarted source, believed when its next packet follows on. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
const FRAME_MS = 20;

export interface OutgoingStreamStart {
  readonly ssrc: number;
  /** 48-bit index of the first packet. */
  readonly index: number;
  /** Timestamp that was current at `atMs`. */
  readonly timestamp: number;
  readonly atMs: number;
}

/** What became of a packet that was offered to the stream. */
export const NOT_PLACED = -1;
export const LEASE_EXHAUSTED = -2;
/** A touch tone is under way. */
export const YIELDED = -3;

export class OutgoingStream {
  readonly ssrc: number;
  /** Packets at and beyond this index are refused. */
  limit = Number.MAX_SAFE_INTEGER;
  packets = 0;
  octets = 0;
  timestamp: number;
  timestampAtMs: number;

  readonly #sent = new PacketWindow();
  #next: number;
  #anchored = false;
  #sourceSsrc = 0;
  #sourceHighest = 0;
  #floor = 0;
  #timestampOffset = 0;
  #probation = -1;
  #reservedFor: number | undefined;

  constructor(start: OutgoingStreamStart) {
    this.ssrc = start.ssrc;
    this.#next = start.index;
    this.timestamp = start.timestamp;
    this.timestampAtMs = start.atMs;
  }

  /** RFC 3550 section 5.1: random start; the sequence number stays below 2^15 so that a receiver's first guess of the rollover counter is 0. */
  static fresh(ssrc: number, nowMs: number): OutgoingStream {
    return new OutgoingStream({ ssrc, index: randomInt(1, 0x8000), timestamp: randomInt(0x100000000), atMs: nowMs });
  }

  /** The index that the next new packet gets. */
  get nextIndex(): number {
    return this.#next;
  }

  /** The next packet is from another source, even if it has the same SSRC. */
  unanchor(): void {
    this.#anchored = false;
  }

  /** Only packets with this SSRC are placed, until it is reserved anew. */
  reserveFor(sourceSsrc: number | undefined): void {
    this.#reservedFor = sourceSsrc;
  }

  /**
   * Rewrites sequence number, timestamp and SSRC of `packet` in place and returns its 48-bit index; negative when it must
   * not be sent (repeated, too late, unproved jump, or beyond the limit).
   */
  place(packet: Buffer, nowMs: number, marksTalkspurt: boolean): number {
    if (this.#reservedFor !== undefined && readSsrc(packet) !== this.#reservedFor) return YIELDED;
    const sequence = readSequence(packet);
    let index: number;
    if (!this.#anchored || readSsrc(packet) !== this.#sourceSsrc) index = this.#next;
    else {
      index = this.#follow(sequence);
      if (index === NOT_PLACED) return NOT_PLACED;
    }
    if (index >= this.limit) return LEASE_EXHAUSTED;
    if (!this.#anchored || readSsrc(packet) !== this.#sourceSsrc) this.#anchor(packet, nowMs, marksTalkspurt);
    this.#commit(packet, sequence, index, nowMs);
    return index;
  }

  /** The index that continues the source's numbering, or `NOT_PLACED`. May drop the anchor when the source restarted. */
  #follow(sequence: number): number {
    const delta = ((sequence - this.#sourceHighest) << 16) >> 16;
    const highest = this.#next - 1;
    if (delta > MAX_DROPOUT || delta < -MAX_MISORDER) {
      const proved = sequence === this.#probation;
      this.#probation = (sequence + 1) & 0xffff;
      if (!proved) return NOT_PLACED;
      this.#anchored = false;
      return this.#next;
    }
    const index = highest + delta;
    return index < this.#floor || !this.#sent.isFresh(index) ? NOT_PLACED : index;
  }

  #anchor(packet: Buffer, nowMs: number, marksTalkspurt: boolean): void {
    this.#anchored = true;
    this.#probation = -1;
    this.#sourceSsrc = readSsrc(packet);
    this.#floor = this.#next;
    const elapsedMs = Math.max(FRAME_MS, nowMs - this.timestampAtMs);
    const start = this.timestamp + Math.round(elapsedMs) * RTP_CLOCK_PER_MS;
    this.#timestampOffset = (start - readTimestamp(packet)) >>> 0;
    // Receivers re-synchronise on the marker (RFC 3551 section 4.1).
    if (marksTalkspurt) packet[1] = (packet[1] ?? 0) | 0x80;
  }

  #commit(packet: Buffer, sequence: number, index: number, nowMs: number): void {
    const timestamp = (readTimestamp(packet) + this.#timestampOffset) >>> 0;
    if (index >= this.#next) {
      this.#next = index + 1;
      this.#sourceHighest = sequence;
      // All packets of a telephone-event say when it began, not what time it is (RFC 4733 section 2.5.1.2).
      if (timestamp !== this.timestamp) {
        this.timestamp = timestamp;
        this.timestampAtMs = nowMs;
      }
    }
    this.#sent.mark(index);
    this.packets += 1;
    this.octets += packet.length - 12;
    packet[2] = (index >>> 8) & 0xff;
    packet[3] = index & 0xff;
    writeUint32(packet, 4, timestamp);
    writeUint32(packet, 8, this.ssrc);
  }
}
