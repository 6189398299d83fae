/** Reads keys from a leg's telephone-events (RFC 4733 section 2.5): each once, at the first of its packets that arrives. */
import { touchToneOfCode } from "#protocol/touch-tone";
import type { TouchTone } from "#protocol/touch-tone";
import { readRtpPayload, readSsrc, readTimestamp } from "./rtp-packet.ts";

/** RFC 4733 section 2.5.1.3: an event that outlasts its duration field goes on as a further segment, so much later. */
const SEGMENT = 0xffff;
/** Packets of an earlier event may come late, at 8 kHz; a time further back is a source that began anew. */
const LATE = 5 * 8_000;

interface KnownEvent {
  readonly ssrc: number;
  readonly code: number;
  timestamp: number;
  ended: boolean;
}

export class TouchToneDetector {
  #last: KnownEvent | undefined;

  /** The key that begins with this packet, if one does. */
  hear(packet: Buffer): TouchTone | undefined {
    const payload = readRtpPayload(packet);
    if (payload === undefined || payload.length < 4) return undefined;
    const [ssrc, timestamp, code] = [readSsrc(packet), readTimestamp(packet), payload[0] ?? 0];
    const ended = ((payload[1] ?? 0) & 0x80) !== 0;
    const known = this.#last;
    if (known?.ssrc === ssrc) {
      const step = (timestamp - known.timestamp) | 0;
      const goesOn = known.code === code && !known.ended && step === SEGMENT;
      if (step === 0 || goesOn) {
        known.timestamp = timestamp;
        known.ended ||= ended;
        return undefined;
      }
      if (step < 0 && step > -LATE) return undefined;
    }
    this.#last = { ssrc, code, timestamp, ended };
    return touchToneOfCode(code);
  }
}
