/** SRTP for one direction (RFC 3711, RFC 7714). Indices are 48-bit: rollover counter times 2^16 plus sequence number. */
import { PacketWindow } from "./packet-window.ts";
import { isRtpPacket, readSequence, readSsrc, rtpHeaderLength, writeUint32 } from "./rtp-packet.ts";
import { deriveSessionKeys, type SrtpMasterKey, type SrtpProfile } from "./srtp-keys.ts";
import { createSrtpTransform, type SrtpTransform } from "./srtp-transform.ts";

/** An Ethernet frame's worth; longer packets are nobody's audio. */
export const MAX_PACKET_BYTES = 1500;
const SEQUENCE_SPACE = 0x10000;

export class SrtpSender {
  readonly #transform: SrtpTransform;
  readonly #rollover: Buffer | undefined;
  readonly #nonce = { ssrc: 0, high: 0, low: 0 };

  constructor(profile: SrtpProfile, master: SrtpMasterKey) {
    this.#transform = createSrtpTransform(profile, deriveSessionKeys(profile, master, "rtp"));
    this.#rollover = profile === "SRTP_AEAD_AES_128_GCM" ? undefined : Buffer.alloc(4);
  }

  /**
   * Returns the protected packet, written at `offset` of a new buffer. The caller never gives the same index twice and has
   * written its lower 16 bits into the header.
   */
  protect(packet: Buffer, index: number, offset = 0): Buffer {
    const end = offset + packet.length;
    const wire = Buffer.allocUnsafe(end + this.#transform.tagBytes);
    packet.copy(wire, offset);
    const nonce = this.#nonce;
    nonce.ssrc = readSsrc(packet);
    nonce.high = Math.floor(index / SEQUENCE_SPACE);
    nonce.low = index % SEQUENCE_SPACE;
    if (this.#rollover !== undefined) writeUint32(this.#rollover, 0, nonce.high);
    const body = offset === 0 ? wire : wire.subarray(offset);
    this.#transform.seal(body, rtpHeaderLength(packet), packet.length, nonce, this.#rollover);
    return wire;
  }
}

interface IncomingStream {
  readonly window: PacketWindow;
}

/** Where an adopter's knowledge of an incoming stream begins (`WebRtcLegMedia.incoming`). */
export interface IncomingHint {
  readonly ssrc: number;
  readonly index: number;
}

/** A peer that changes its SSRC more often than this is not a phone. */
const MAX_STREAMS = 8;
/** Rollover counters tried for a stream that was taken over: 16 of them are 5.8 hours of 20 ms packets. */
const SEARCHED_ROLLOVERS = 16;

export class SrtpReceiver {
  /** Why the last `unprotect` failed: to be counted by the caller. */
  refusal: "malformed" | "replayed" | "forged" = "malformed";
  /** Index of the last packet accepted. */
  lastIndex = -1;

  readonly #transform: SrtpTransform;
  readonly #rollover: Buffer | undefined;
  readonly #nonce = { ssrc: 0, high: 0, low: 0 };
  readonly #streams = new Map<number, IncomingStream>();
  readonly #hint: IncomingHint | undefined;
  /** Until something was authenticated, the peer's rollover counter may be anything. */
  #searching: boolean;

  constructor(profile: SrtpProfile, master: SrtpMasterKey, adopted?: { readonly hint?: IncomingHint }) {
    this.#transform = createSrtpTransform(profile, deriveSessionKeys(profile, master, "rtp"));
    this.#rollover = profile === "SRTP_AEAD_AES_128_GCM" ? undefined : Buffer.alloc(4);
    this.#searching = adopted !== undefined;
    this.#hint = adopted?.hint;
  }

  /** Decrypts in place and returns the packet without its tag, or `undefined` with `refusal` set. State changes only after authentication. */
  unprotect(packet: Buffer): Buffer | undefined {
    this.refusal = "malformed";
    const end = packet.length - this.#transform.tagBytes;
    if (packet.length > MAX_PACKET_BYTES || end < 12 || !isRtpPacket(packet)) return undefined;
    const header = rtpHeaderLength(packet);
    if (header > end) return undefined;
    const ssrc = readSsrc(packet);
    const sequence = readSequence(packet);
    const stream = this.#streams.get(ssrc);
    let index: number;
    if (stream === undefined) index = this.#findIndex(packet, header, end, ssrc, sequence);
    else {
      index = estimateIndex(sequence, stream.window.highest);
      if (index < 0 || !stream.window.isFresh(index)) {
        this.refusal = "replayed";
        return undefined;
      }
      if (!this.#open(packet, header, end, ssrc, index)) return undefined;
    }
    if (index < 0) return undefined;
    this.#commit(ssrc, index, stream);
    return packet.subarray(0, end);
  }

  #commit(ssrc: number, index: number, known: IncomingStream | undefined): void {
    this.lastIndex = index;
    if (known !== undefined) {
      known.window.mark(index);
      return;
    }
    this.#searching = false;
    const window = new PacketWindow();
    if (this.#hint?.ssrc === ssrc && this.#hint.index < index) window.closeUpTo(this.#hint.index);
    window.mark(index);
    if (this.#streams.size >= MAX_STREAMS) this.#streams.delete(this.#streams.keys().next().value ?? -1);
    this.#streams.set(ssrc, { window });
  }

  /** The first packet of a stream: authentication tells the rollover counter (feasibility rule: about 3 us for each try). */
  #findIndex(packet: Buffer, header: number, end: number, ssrc: number, sequence: number): number {
    if (!this.#searching) return this.#open(packet, header, end, ssrc, sequence) ? sequence : -1;
    const hinted = this.#hint?.ssrc === ssrc ? this.#hint.index : -1;
    const rollovers = hinted < 0 ? [] : likelyRollovers(hinted);
    for (let rollover = 0; rollover < SEARCHED_ROLLOVERS; rollover += 1)
      if (!rollovers.includes(rollover)) rollovers.push(rollover);
    for (const rollover of rollovers) {
      const index = rollover * SEQUENCE_SPACE + sequence;
      // Older than what the old gateway saw: a replay.
      if (index > hinted && this.#open(packet, header, end, ssrc, index)) return index;
    }
    return -1;
  }

  #open(packet: Buffer, header: number, end: number, ssrc: number, index: number): boolean {
    const nonce = this.#nonce;
    nonce.ssrc = ssrc;
    nonce.high = Math.floor(index / SEQUENCE_SPACE);
    nonce.low = index % SEQUENCE_SPACE;
    if (this.#rollover !== undefined) writeUint32(this.#rollover, 0, nonce.high);
    const opened = this.#transform.open(packet, header, end, nonce, this.#rollover);
    if (!opened) this.refusal = "forged";
    return opened;
  }
}

function likelyRollovers(index: number): number[] {
  const rollover = Math.floor(index / SEQUENCE_SPACE);
  return rollover === 0 ? [0, 1] : [rollover, rollover + 1, rollover - 1];
}

/** RFC 3711 appendix A: the index nearest to the highest one seen. */
export function estimateIndex(sequence: number, highest: number): number {
  const delta = ((sequence - (highest % SEQUENCE_SPACE)) << 16) >> 16;
  return highest + delta;
}
