/** SRTP session keys from a master key and salt (RFC 3711 section 4.3; RFC 7714 section 11 for the shorter salt). */
import { createCipheriv } from "node:crypto";

/** DTLS-SRTP protection profiles by their IANA name (RFC 5764 section 4.1.2, RFC 7714 section 14.2). */
export type SrtpProfile = "SRTP_AES128_CM_HMAC_SHA1_80" | "SRTP_AEAD_AES_128_GCM";

export const SRTP_KEY_BYTES = 16;

export function srtpSaltBytes(profile: SrtpProfile): number {
  return profile === "SRTP_AEAD_AES_128_GCM" ? 12 : 14;
}

export interface SrtpMasterKey {
  readonly key: Buffer;
  readonly salt: Buffer;
}

export interface SrtpSessionKeys {
  readonly cipherKey: Buffer;
  /** Empty for AEAD profiles. */
  readonly authenticationKey: Buffer;
  readonly salt: Buffer;
}

/** The labels of RFC 3711 section 4.3.1 come in threes: 0 to 2 for SRTP, 3 to 5 for SRTCP. */
export function deriveSessionKeys(
  profile: SrtpProfile,
  master: SrtpMasterKey,
  stream: "rtp" | "rtcp",
): SrtpSessionKeys {
  const first = stream === "rtp" ? 0 : 3;
  const saltBytes = srtpSaltBytes(profile);
  return {
    cipherKey: deriveKey(master, first, SRTP_KEY_BYTES),
    authenticationKey: profile === "SRTP_AEAD_AES_128_GCM" ? Buffer.alloc(0) : deriveKey(master, first + 1, 20),
    salt: deriveKey(master, first + 2, saltBytes),
  };
}

/** AES-CM PRF with a key derivation rate of zero: the only rate that DTLS-SRTP uses. */
export function deriveKey(master: SrtpMasterKey, label: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  master.salt.copy(counter);
  counter[7] = (counter[7] ?? 0) ^ label;
  return createCipheriv("aes-128-ctr", master.key, counter).update(Buffer.alloc(length));
}
