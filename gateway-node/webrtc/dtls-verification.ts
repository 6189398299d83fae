/**
 * What werift's DTLS client leaves out: it takes any certificate, does not check the server's signature over its key share,
 * nor the server's Finished. Without these whoever sits on the media path could show the peer's (public) certificate and
 * own the keys (RFC 5246 sections 7.4.3 and 7.4.9; RFC 8122 section 5).
 */
import { createHash, createHmac, timingSafeEqual, verify, X509Certificate } from "node:crypto";
import type { Fingerprint } from "#sip/sdp/audio-description";

const FINGERPRINT_HASHES: ReadonlyMap<string, string> = new Map([
  ["sha-256", "sha256"],
  ["sha-384", "sha384"],
  ["sha-512", "sha512"],
]);
const SIGNATURE_HASHES: ReadonlyMap<number, string> = new Map([
  [4, "sha256"],
  [5, "sha384"],
  [6, "sha512"],
]);

/** First certificate of a Certificate message's list (RFC 5246 section 7.4.2). */
export function readLeafCertificate(body: Buffer): Buffer | undefined {
  if (body.length < 6) return undefined;
  const length = body.readUIntBE(3, 3);
  return length > 0 && body.length >= 6 + length ? body.subarray(6, 6 + length) : undefined;
}

export function matchesFingerprint(certificate: Buffer, fingerprint: Fingerprint): boolean {
  const hash = FINGERPRINT_HASHES.get(fingerprint.algorithm.toLowerCase());
  if (hash === undefined) return false;
  const expected = Buffer.from(fingerprint.value.replaceAll(":", ""), "hex");
  const actual = createHash(hash).update(certificate).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** ServerKeyExchange for ECDHE (RFC 8422 section 5.4): parameters, then hash, algorithm, length and signature. */
export function isKeyExchangeSigned(
  body: Buffer,
  certificate: Buffer,
  clientRandom: Buffer,
  serverRandom: Buffer,
): boolean {
  const parametersEnd = 4 + (body[3] ?? 0);
  if (body.length < parametersEnd + 4) return false;
  const hash = SIGNATURE_HASHES.get(body[parametersEnd] ?? 0);
  const length = body.readUInt16BE(parametersEnd + 2);
  const signature = body.subarray(parametersEnd + 4, parametersEnd + 4 + length);
  if (hash === undefined || signature.length !== length) return false;
  try {
    const { publicKey } = new X509Certificate(certificate);
    return verify(
      hash,
      Buffer.concat([clientRandom, serverRandom, body.subarray(0, parametersEnd)]),
      publicKey,
      signature,
    );
  } catch {
    return false;
  }
}

/** RFC 5246 section 7.4.9 with the SHA-256 PRF of section 5: 12 bytes are within its first block. */
export function isServerFinished(body: Buffer, masterSecret: Buffer, transcript: Buffer): boolean {
  const seed = Buffer.concat([Buffer.from("server finished"), createHash("sha256").update(transcript).digest()]);
  const first = createHmac("sha256", masterSecret).update(seed).digest();
  const expected = createHmac("sha256", masterSecret).update(first).update(seed).digest().subarray(0, 12);
  return body.length === expected.length && timingSafeEqual(body, expected);
}
