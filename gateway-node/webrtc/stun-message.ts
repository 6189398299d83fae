/** STUN binding messages as ICE uses them (RFC 8489, RFC 8445 section 7), short-term credentials with SHA-1. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

const HEADER_BYTES = 20;
const MAGIC_COOKIE = 0x2112a442;
const FINGERPRINT_XOR = 0x5354554e;
const INTEGRITY_BYTES = 20;

export const STUN_TYPE = { request: 0x0001, indication: 0x0011, success: 0x0101, error: 0x0111 } as const;
export type StunKind = keyof typeof STUN_TYPE;

export const STUN_ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  xorMappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
  iceControlling: 0x802a,
} as const;

/** Comprehension-required attributes (below 0x8000) that we know. */
const KNOWN_REQUIRED: ReadonlySet<number> = new Set([
  STUN_ATTRIBUTE.username,
  STUN_ATTRIBUTE.integrity,
  STUN_ATTRIBUTE.errorCode,
  STUN_ATTRIBUTE.unknownAttributes,
  STUN_ATTRIBUTE.xorMappedAddress,
  STUN_ATTRIBUTE.priority,
  STUN_ATTRIBUTE.useCandidate,
]);

export interface StunMessage {
  readonly kind: StunKind;
  readonly transactionId: Buffer;
  /** First occurrence of each; those behind MESSAGE-INTEGRITY are left out (RFC 8489 section 14.5). */
  readonly attributes: ReadonlyMap<number, Buffer>;
  readonly unknownRequired: readonly number[];
  /** Where MESSAGE-INTEGRITY begins, or -1. */
  readonly integrityAt: number;
  readonly bytes: Buffer;
}

/** RFC 7983: STUN datagrams begin with 0 to 3. */
export function isStunPacket(packet: Buffer): boolean {
  return packet.length >= HEADER_BYTES && (packet[0] ?? 0xff) <= 3;
}

/** `undefined` unless it is a well-formed binding message that ends in the right FINGERPRINT (a must in RFC 8445 section 7.1.2). */
export function parseStunMessage(packet: Buffer): StunMessage | undefined {
  if (!isStunPacket(packet) || packet.readUInt32BE(4) !== MAGIC_COOKIE) return undefined;
  const kind = readKind(packet.readUInt16BE(0));
  const length = packet.readUInt16BE(2);
  if (kind === undefined || length % 4 !== 0 || packet.length !== HEADER_BYTES + length) return undefined;
  const attributes = new Map<number, Buffer>();
  const unknownRequired: number[] = [];
  let integrityAt = -1;
  let fingerprinted = false;
  for (let at = HEADER_BYTES; at < packet.length;) {
    const type = packet.readUInt16BE(at);
    const size = packet.readUInt16BE(at + 2);
    const next = at + 4 + Math.ceil(size / 4) * 4;
    if (next > packet.length) return undefined;
    const value = packet.subarray(at + 4, at + 4 + size);
    if (type === STUN_ATTRIBUTE.fingerprint) {
      if (next !== packet.length || !hasRightFingerprint(packet, at)) return undefined;
      fingerprinted = true;
    } else if (integrityAt < 0) {
      if (type === STUN_ATTRIBUTE.integrity) integrityAt = at;
      else if (type < 0x8000 && !KNOWN_REQUIRED.has(type)) unknownRequired.push(type);
      if (!attributes.has(type)) attributes.set(type, value);
    }
    at = next;
  }
  if (!fingerprinted) return undefined;
  return {
    kind,
    transactionId: packet.subarray(8, HEADER_BYTES),
    attributes,
    unknownRequired,
    integrityAt,
    bytes: packet,
  };
}

/** RFC 8489 section 14.5: HMAC over everything before the attribute, with the length counting up to its end. */
export function hasIntegrity(message: StunMessage, password: string): boolean {
  const expected = message.attributes.get(STUN_ATTRIBUTE.integrity);
  if (message.integrityAt < 0 || expected?.length !== INTEGRITY_BYTES) return false;
  const head = Buffer.from(message.bytes.subarray(0, message.integrityAt));
  return timingSafeEqual(integrityOf(head, password), expected);
}

export interface StunContent {
  readonly kind: StunKind;
  readonly transactionId: Buffer;
  readonly attributes: readonly (readonly [type: number, value: Buffer])[];
  /** Absent: no MESSAGE-INTEGRITY (error responses to requests whose sender is not proved). */
  readonly password?: string;
}

/** Always ends in FINGERPRINT. */
export function encodeStunMessage(content: StunContent): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(STUN_TYPE[content.kind], 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  content.transactionId.copy(header, 8);
  const parts: Buffer[] = [header, ...content.attributes.map(([type, value]) => encodeAttribute(type, value))];
  if (content.password !== undefined) {
    const head = Buffer.concat(parts);
    parts.splice(0, parts.length, head, encodeAttribute(STUN_ATTRIBUTE.integrity, integrityOf(head, content.password)));
  }
  const signed = Buffer.concat(parts);
  signed.writeUInt16BE(signed.length - HEADER_BYTES + 8, 2);
  return Buffer.concat([signed, encodeAttribute(STUN_ATTRIBUTE.fingerprint, fingerprintOf(signed))]);
}

/** RFC 8489 section 14.2, IPv4. */
export function xorMappedAddress(host: string, port: number): Buffer {
  const value = Buffer.alloc(8);
  value[1] = 1;
  value.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  const address = Buffer.from(host.split(".").map(Number));
  value.writeUInt32BE((address.readUInt32BE(0) ^ MAGIC_COOKIE) >>> 0, 4);
  return value;
}

/** RFC 8489 section 14.8. */
export function errorCode(code: number, reason: string): Buffer {
  return Buffer.concat([Buffer.from([0, 0, Math.floor(code / 100), code % 100]), Buffer.from(reason)]);
}

function readKind(type: number): StunKind | undefined {
  switch (type) {
    case STUN_TYPE.request:
      return "request";
    case STUN_TYPE.indication:
      return "indication";
    case STUN_TYPE.success:
      return "success";
    case STUN_TYPE.error:
      return "error";
    default:
      return undefined;
  }
}

function encodeAttribute(type: number, value: Buffer): Buffer {
  const attribute = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  attribute.writeUInt16BE(type, 0);
  attribute.writeUInt16BE(value.length, 2);
  value.copy(attribute, 4);
  return attribute;
}

/** Writes the length into `head`, which the caller owns. */
function integrityOf(head: Buffer, password: string): Buffer {
  head.writeUInt16BE(head.length - HEADER_BYTES + 4 + INTEGRITY_BYTES, 2);
  return createHmac("sha1", password).update(head).digest();
}

function hasRightFingerprint(packet: Buffer, at: number): boolean {
  return (
    packet.readUInt16BE(at + 2) === 4 && fingerprintOf(packet.subarray(0, at)).equals(packet.subarray(at + 4, at + 8))
  );
}

function fingerprintOf(signed: Buffer): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE((crc32(signed) ^ FINGERPRINT_XOR) >>> 0);
  return value;
}
