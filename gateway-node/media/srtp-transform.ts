/**
 * The two packet transforms: AES-CM with HMAC-SHA1-80 (RFC 3711 section 4) and AES-GCM (RFC 7714).
 * Keys become KeyObjects or one lasting ECB context: a raw key costs about 10 us for each packet on Node 24.
 */
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
} from "node:crypto";
import type { SrtpProfile, SrtpSessionKeys } from "./srtp-keys.ts";

/** What distinguishes one packet's key stream from every other under the same key. */
export interface PacketNonce {
  readonly ssrc: number;
  /** SRTP: rollover counter. SRTCP: 0. */
  readonly high: number;
  /** SRTP: sequence number. SRTCP: the 31-bit index. */
  readonly low: number;
}

export interface SrtpTransform {
  readonly tagBytes: number;
  /**
   * Encrypts from `from` to `end` of `packet` in place and appends the tag at `end`. `suffix` is authenticated after the
   * packet: the rollover counter (CM, not sent) or the SRTCP word (both).
   */
  seal(packet: Buffer, from: number, end: number, nonce: PacketNonce, suffix: Buffer | undefined): void;
  /** The reverse; `end` is where the tag begins. False, and the packet unchanged, when the tag does not match. */
  open(packet: Buffer, from: number, end: number, nonce: PacketNonce, suffix: Buffer | undefined): boolean;
}

export function createSrtpTransform(profile: SrtpProfile, keys: SrtpSessionKeys): SrtpTransform {
  return profile === "SRTP_AEAD_AES_128_GCM" ? new GcmTransform(keys) : new CounterModeTransform(keys);
}

const HMAC_TAG_BYTES = 10;
const MAX_BLOCKS = 128;

class CounterModeTransform implements SrtpTransform {
  readonly tagBytes = HMAC_TAG_BYTES;
  readonly #blockCipher: Cipheriv;
  readonly #authenticationKey: KeyObject;
  readonly #salt: Buffer;
  /** Counter blocks whose encryption is the key stream; the last two bytes of each are its number. */
  readonly #counters = Buffer.alloc(16 * MAX_BLOCKS);

  constructor(keys: SrtpSessionKeys) {
    this.#blockCipher = createCipheriv("aes-128-ecb", createSecretKey(keys.cipherKey), null).setAutoPadding(false);
    this.#authenticationKey = createSecretKey(keys.authenticationKey);
    this.#salt = keys.salt;
    for (let block = 0; block < MAX_BLOCKS; block += 1) this.#counters.writeUInt16BE(block, block * 16 + 14);
  }

  seal(packet: Buffer, from: number, end: number, nonce: PacketNonce, suffix: Buffer | undefined): void {
    this.#applyKeyStream(packet, from, end, nonce);
    this.#tag(packet, end, suffix).copy(packet, end, 0, HMAC_TAG_BYTES);
  }

  open(packet: Buffer, from: number, end: number, nonce: PacketNonce, suffix: Buffer | undefined): boolean {
    const tag = this.#tag(packet, end, suffix);
    let difference = 0;
    for (let at = 0; at < HMAC_TAG_BYTES; at += 1) difference |= (tag[at] ?? 0) ^ (packet[end + at] ?? 0);
    if (difference !== 0) return false;
    this.#applyKeyStream(packet, from, end, nonce);
    return true;
  }

  #tag(packet: Buffer, end: number, suffix: Buffer | undefined): Buffer {
    const hmac = createHmac("sha1", this.#authenticationKey).update(packet.subarray(0, end));
    return (suffix === undefined ? hmac : hmac.update(suffix)).digest();
  }

  /** RFC 3711 section 4.1.1: IV = (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16). */
  #applyKeyStream(packet: Buffer, from: number, end: number, nonce: PacketNonce): void {
    const blocks = (end - from + 15) >> 4;
    if (blocks > MAX_BLOCKS) throw new RangeError("packet longer than 2 kB");
    const counters = this.#counters;
    this.#writeCounter(nonce);
    for (let block = 1; block < blocks; block += 1) counters.copyWithin(block * 16, 0, 14);
    const keyStream = this.#blockCipher.update(counters.subarray(0, blocks * 16));
    for (let at = from, key = 0; at < end; at += 1, key += 1) packet[at] = (packet[at] ?? 0) ^ (keyStream[key] ?? 0);
  }

  #writeCounter(nonce: PacketNonce): void {
    const counters = this.#counters;
    this.#salt.copy(counters, 0);
    xorUint32(counters, 4, nonce.ssrc);
    // SRTP: ROC || SEQ are 48 bits. SRTCP: the index is 31 bits, so its upper half stands where the ROC's lower half does.
    xorUint32(counters, 8, nonce.low > 0xffff ? nonce.low >>> 16 : nonce.high);
    counters[12] = (counters[12] ?? 0) ^ ((nonce.low >>> 8) & 0xff);
    counters[13] = (counters[13] ?? 0) ^ (nonce.low & 0xff);
  }
}

const GCM_TAG_BYTES = 16;

class GcmTransform implements SrtpTransform {
  readonly tagBytes = GCM_TAG_BYTES;
  readonly #key: KeyObject;
  readonly #salt: Buffer;
  readonly #iv = Buffer.alloc(12);

  constructor(keys: SrtpSessionKeys) {
    this.#key = createSecretKey(keys.cipherKey);
    this.#salt = keys.salt;
  }

  seal(packet: Buffer, from: number, end: number, nonce: PacketNonce, suffix: Buffer | undefined): void {
    const cipher = createCipheriv("aes-128-gcm", this.#key, this.#writeIv(nonce));
    cipher.setAAD(additionalData(packet, from, suffix));
    cipher.update(packet.subarray(from, end)).copy(packet, from);
    cipher.final();
    cipher.getAuthTag().copy(packet, end);
  }

  open(packet: Buffer, from: number, end: number, nonce: PacketNonce, suffix: Buffer | undefined): boolean {
    const decipher = createDecipheriv("aes-128-gcm", this.#key, this.#writeIv(nonce), { authTagLength: GCM_TAG_BYTES });
    decipher.setAAD(additionalData(packet, from, suffix));
    decipher.setAuthTag(packet.subarray(end, end + GCM_TAG_BYTES));
    const plain = decipher.update(packet.subarray(from, end));
    try {
      decipher.final();
    } catch {
      return false;
    }
    plain.copy(packet, from);
    return true;
  }

  /** RFC 7714 sections 8.1 and 9.1: 00 00 || SSRC || ROC || SEQ, or 00 00 || SSRC || 00 00 || index, XOR salt. */
  #writeIv(nonce: PacketNonce): Buffer {
    const iv = this.#iv;
    this.#salt.copy(iv);
    xorUint32(iv, 2, nonce.ssrc);
    xorUint32(iv, 6, nonce.low > 0xffff ? nonce.low >>> 16 : nonce.high);
    iv[10] = (iv[10] ?? 0) ^ ((nonce.low >>> 8) & 0xff);
    iv[11] = (iv[11] ?? 0) ^ (nonce.low & 0xff);
    return iv;
  }
}

function additionalData(packet: Buffer, from: number, suffix: Buffer | undefined): Buffer {
  const header = packet.subarray(0, from);
  return suffix === undefined ? header : Buffer.concat([header, suffix]);
}

function xorUint32(target: Buffer, at: number, value: number): void {
  target[at] = (target[at] ?? 0) ^ (value >>> 24);
  target[at + 1] = (target[at + 1] ?? 0) ^ ((value >>> 16) & 0xff);
  target[at + 2] = (target[at + 2] ?? 0) ^ ((value >>> 8) & 0xff);
  target[at + 3] = (target[at + 3] ?? 0) ^ (value & 0xff);
}
