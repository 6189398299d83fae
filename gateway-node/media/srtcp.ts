/** SRTCP for one direction (RFC 3711 section 3.4, RFC 7714 section 9). */
import { PacketWindow } from "./packet-window.ts";
import { readUint32, writeUint32 } from "./rtp-packet.ts";
import { MAX_PACKET_BYTES } from "./srtp.ts";
import { deriveSessionKeys, type SrtpMasterKey, type SrtpProfile } from "./srtp-keys.ts";
import { createSrtpTransform, type SrtpTransform } from "./srtp-transform.ts";

/** Fixed header and sender SSRC stay in the clear. */
const CLEAR_BYTES = 8;
const INDEX_BYTES = 4;
const ENCRYPTED_FLAG = 0x80000000;

export class SrtcpSender {
  readonly #transform: SrtpTransform;
  readonly #tagFirst: boolean;

  constructor(profile: SrtpProfile, master: SrtpMasterKey) {
    this.#transform = createSrtpTransform(profile, deriveSessionKeys(profile, master, "rtcp"));
    this.#tagFirst = profile === "SRTP_AEAD_AES_128_GCM";
  }

  /** `index` is 31 bits and never given twice. */
  protect(packet: Buffer, index: number): Buffer {
    const end = packet.length;
    const tagBytes = this.#transform.tagBytes;
    const word = Buffer.alloc(INDEX_BYTES);
    writeUint32(word, 0, (index | ENCRYPTED_FLAG) >>> 0);
    const sealed = Buffer.alloc(end + tagBytes);
    packet.copy(sealed);
    this.#transform.seal(sealed, CLEAR_BYTES, end, { ssrc: readUint32(packet, 4), high: 0, low: index }, word);
    return this.#tagFirst
      ? Buffer.concat([sealed, word])
      : Buffer.concat([sealed.subarray(0, end), word, sealed.subarray(end)]);
  }
}

export class SrtcpReceiver {
  readonly #transform: SrtpTransform;
  readonly #tagFirst: boolean;
  readonly #window = new PacketWindow();

  constructor(profile: SrtpProfile, master: SrtpMasterKey) {
    this.#transform = createSrtpTransform(profile, deriveSessionKeys(profile, master, "rtcp"));
    this.#tagFirst = profile === "SRTP_AEAD_AES_128_GCM";
  }

  /** The compound packet in the clear, or `undefined` when it is malformed, replayed or forged. */
  unprotect(packet: Buffer): Buffer | undefined {
    const tagBytes = this.#transform.tagBytes;
    const end = packet.length - tagBytes - INDEX_BYTES;
    if (end < CLEAR_BYTES || packet.length > MAX_PACKET_BYTES) return undefined;
    const wordAt = this.#tagFirst ? packet.length - INDEX_BYTES : end;
    const word = Buffer.from(packet.subarray(wordAt, wordAt + INDEX_BYTES));
    const value = readUint32(word, 0);
    const index = value & 0x7fffffff;
    // DTLS-SRTP always encrypts SRTCP; an unencrypted one is a downgrade.
    if (value === index || !this.#window.isFresh(index)) return undefined;
    const body = this.#tagFirst
      ? packet.subarray(0, end + tagBytes)
      : Buffer.concat([packet.subarray(0, end), packet.subarray(end + INDEX_BYTES)]);
    if (!this.#transform.open(body, CLEAR_BYTES, end, { ssrc: readUint32(packet, 4), high: 0, low: index }, word))
      return undefined;
    this.#window.mark(index);
    return body.subarray(0, end);
  }
}
