/** The little RTCP that browsers want: sender or receiver report with SDES CNAME (RFC 3550 section 6), and what theirs say. */

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const CNAME_ITEM = 1;
/** Seconds between 1900 and 1970. */
const NTP_EPOCH = 2_208_988_800;

/** How one incoming stream does, for its report block (RFC 3550 sections 6.4.1, A.3 and A.8). */
export class ReceptionStatistics {
  readonly ssrc: number;
  readonly #firstIndex: number;
  #highestIndex: number;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #transit = Number.NaN;
  #jitter = 0;
  #senderReportNtp = 0;
  #senderReportAtMs = 0;

  constructor(ssrc: number, firstIndex: number) {
    this.ssrc = ssrc;
    this.#firstIndex = firstIndex;
    this.#highestIndex = firstIndex;
  }

  onPacket(index: number, timestamp: number, nowMs: number): void {
    this.#received += 1;
    if (index > this.#highestIndex) this.#highestIndex = index;
    const transit = (nowMs * 8 - timestamp) | 0;
    if (!Number.isNaN(this.#transit)) this.#jitter += (Math.abs((transit - this.#transit) | 0) - this.#jitter) / 16;
    this.#transit = transit;
  }

  onSenderReport(ntpMiddle: number, nowMs: number): void {
    this.#senderReportNtp = ntpMiddle;
    this.#senderReportAtMs = nowMs;
  }

  /** Begins a new interval for the fraction lost. */
  reportBlock(nowMs: number): Buffer {
    const expected = this.#highestIndex - this.#firstIndex + 1;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    const fraction = expectedNow > 0 && lostNow > 0 ? Math.min(255, Math.floor((lostNow * 256) / expectedNow)) : 0;
    const lost = Math.max(-0x800000, Math.min(0x7fffff, expected - this.#received));
    const block = Buffer.alloc(24);
    block.writeUInt32BE(this.ssrc, 0);
    block.writeUInt32BE(((fraction << 24) | (lost & 0xffffff)) >>> 0, 4);
    block.writeUInt32BE(this.#highestIndex % 2 ** 32, 8);
    block.writeUInt32BE(Math.min(0xffffffff, Math.round(this.#jitter)), 12);
    block.writeUInt32BE(this.#senderReportNtp, 16);
    if (this.#senderReportNtp !== 0)
      block.writeUInt32BE(Math.round(((nowMs - this.#senderReportAtMs) * 65536) / 1000) >>> 0, 20);
    return block;
  }
}

export interface SenderInformation {
  readonly ssrc: number;
  readonly cname: string;
  /** RTP timestamp that corresponds to `nowMs`. */
  readonly timestamp: number;
  readonly packets: number;
  readonly octets: number;
  readonly nowMs: number;
}

/** A compound packet: SR once we sent something, else RR; then SDES. */
export function encodeReport(sender: SenderInformation, blocks: readonly Buffer[]): Buffer {
  const type = sender.packets > 0 ? SENDER_REPORT : RECEIVER_REPORT;
  const head = Buffer.alloc(8);
  head.writeUInt32BE(sender.ssrc, 4);
  const report = Buffer.concat([head, ...(type === SENDER_REPORT ? [senderInfo(sender)] : []), ...blocks]);
  return Buffer.concat([finish(report, type, blocks.length), sourceDescription(sender)]);
}

/** Middle 32 bits of the NTP timestamp of the first sender report, with its SSRC; `undefined` when there is none. */
export function readSenderReport(compound: Buffer): { readonly ssrc: number; readonly ntpMiddle: number } | undefined {
  if (compound.length < 28 || compound[1] !== SENDER_REPORT) return undefined;
  return { ssrc: compound.readUInt32BE(4), ntpMiddle: compound.readUInt32BE(10) };
}

function senderInfo(sender: SenderInformation): Buffer {
  const info = Buffer.alloc(20);
  const seconds = Math.floor(sender.nowMs / 1000);
  info.writeUInt32BE((seconds + NTP_EPOCH) % 2 ** 32, 0);
  info.writeUInt32BE(Math.floor(((sender.nowMs % 1000) / 1000) * 2 ** 32), 4);
  info.writeUInt32BE(sender.timestamp >>> 0, 8);
  info.writeUInt32BE(sender.packets % 2 ** 32, 12);
  info.writeUInt32BE(sender.octets % 2 ** 32, 16);
  return info;
}

function sourceDescription(sender: SenderInformation): Buffer {
  const name = Buffer.from(sender.cname.slice(0, 255), "latin1");
  const unpadded = 8 + 2 + name.length;
  // At least one zero octet ends the items (RFC 3550 section 6.5).
  const packet = Buffer.alloc(Math.ceil((unpadded + 1) / 4) * 4);
  packet.writeUInt32BE(sender.ssrc, 4);
  packet[8] = CNAME_ITEM;
  packet[9] = name.length;
  name.copy(packet, 10);
  return finish(packet, SOURCE_DESCRIPTION, 1);
}

function finish(packet: Buffer, type: number, count: number): Buffer {
  packet[0] = 0x80 | count;
  packet[1] = type;
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
  return packet;
}
