/** Fixed fields of an RTP packet (RFC 3550 section 5.1), read and written in place. */

export const RTP_HEADER_BYTES = 12;
/** Both G.711 codecs and their telephone-events count at 8 kHz (RFC 3551 section 4.5.14, RFC 4733). */
export const RTP_CLOCK_PER_MS = 8;

/** True when `packet` has the shape of RTP: version 2, and the header, CSRC list and extension fit. */
export function isRtpPacket(packet: Buffer): boolean {
  return packet.length >= RTP_HEADER_BYTES && ((packet[0] ?? 0) & 0xc0) === 0x80 && rtpHeaderLength(packet) >= 0;
}

/** RFC 5761 section 4: with rtcp-mux, payload types 64 to 95 are RTCP packet types 192 to 223. */
export function isRtcpPacket(packet: Buffer): boolean {
  const type = packet[1] ?? 0;
  return packet.length >= 8 && ((packet[0] ?? 0) & 0xc0) === 0x80 && type >= 192 && type <= 223;
}

/** Length of the header with CSRCs and extension, or -1 when the packet is too short for what it announces. */
export function rtpHeaderLength(packet: Buffer): number {
  const first = packet[0] ?? 0;
  let length = RTP_HEADER_BYTES + (first & 0x0f) * 4;
  if ((first & 0x10) !== 0) {
    if (packet.length < length + 4) return -1;
    length += 4 + packet.readUInt16BE(length + 2) * 4;
  }
  return length <= packet.length ? length : -1;
}

export function readSequence(packet: Buffer): number {
  return ((packet[2] ?? 0) << 8) | (packet[3] ?? 0);
}

export function readTimestamp(packet: Buffer): number {
  return readUint32(packet, 4);
}

export function readSsrc(packet: Buffer): number {
  return readUint32(packet, 8);
}

/** Without the bounds check of `Buffer.readUInt32BE`: the caller checked the length once. */
export function readUint32(packet: Buffer, at: number): number {
  return (
    (((packet[at] ?? 0) << 24) |
      ((packet[at + 1] ?? 0) << 16) |
      ((packet[at + 2] ?? 0) << 8) |
      (packet[at + 3] ?? 0)) >>>
    0
  );
}

export function writeUint32(packet: Buffer, at: number, value: number): void {
  packet[at] = value >>> 24;
  packet[at + 1] = value >>> 16;
  packet[at + 2] = value >>> 8;
  packet[at + 3] = value;
}

/** What follows the header, without padding (RFC 3550 section 5.1); `undefined` when the packet is too short for what it announces. */
export function readRtpPayload(packet: Buffer): Buffer | undefined {
  const start = rtpHeaderLength(packet);
  const padding = ((packet[0] ?? 0) & 0x20) === 0 ? 0 : (packet[packet.length - 1] ?? 0);
  const end = packet.length - padding;
  return start < 0 || end < start ? undefined : packet.subarray(start, end);
}
