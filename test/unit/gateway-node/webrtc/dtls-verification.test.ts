import { createHash, sign, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { createDtlsCertificate, type DtlsCertificate } from "../../../../gateway-node/webrtc/dtls-certificate.ts";
import {
  isKeyExchangeSigned,
  matchesFingerprint,
  readLeafCertificate,
} from "../../../../gateway-node/webrtc/dtls-verification.ts";

let certificate: DtlsCertificate;
let der: Buffer;

beforeAll(async () => {
  certificate = await createDtlsCertificate();
  der = Buffer.from(new X509Certificate(certificate.certificatePem).raw);
});

const CLIENT = Buffer.alloc(32, 1);
const SERVER = Buffer.alloc(32, 2);

/** ServerKeyExchange with a share of `fill`, signed over the given randoms. */
function keyExchange(fill: number, client = CLIENT): Buffer {
  const parameters = Buffer.concat([Buffer.from([3, 0, 29, 32]), Buffer.alloc(32, fill)]);
  const signature = sign("sha256", Buffer.concat([client, SERVER, parameters]), certificate.keyPem);
  const head = Buffer.from([4, 3, 0, signature.length]);
  return Buffer.concat([parameters, head, signature]);
}

describe("a server's key share", () => {
  test("signed by the certificate over both randoms is believed", () => {
    expect(isKeyExchangeSigned(keyExchange(5), der, CLIENT, SERVER)).toBe(true);
  });

  test("signed for another handshake, changed, unsigned or cut short is not", async () => {
    expect(isKeyExchangeSigned(keyExchange(5, SERVER), der, CLIENT, SERVER)).toBe(false);
    const changed = keyExchange(5);
    changed[10] = 6;
    expect(isKeyExchangeSigned(changed, der, CLIENT, SERVER)).toBe(false);
    expect(isKeyExchangeSigned(keyExchange(5).subarray(0, 40), der, CLIENT, SERVER)).toBe(false);
    expect(isKeyExchangeSigned(Buffer.alloc(0), der, CLIENT, SERVER)).toBe(false);
    expect(isKeyExchangeSigned(keyExchange(5), Buffer.alloc(20), CLIENT, SERVER)).toBe(false);
    const other = await createDtlsCertificate();
    expect(
      isKeyExchangeSigned(keyExchange(5), Buffer.from(new X509Certificate(other.certificatePem).raw), CLIENT, SERVER),
    ).toBe(false);
  });
});

describe("a certificate", () => {
  test("matches its fingerprint under SHA-256, SHA-384 and SHA-512, whatever the case", () => {
    expect(matchesFingerprint(der, certificate.fingerprint)).toBe(true);
    const value = createHash("sha384")
      .update(der)
      .digest("hex")
      .replaceAll(/(..)(?!$)/g, "$1:");
    expect(matchesFingerprint(der, { algorithm: "SHA-384", value })).toBe(true);
  });

  test("does not match another one, a broken one or a weak hash", () => {
    expect(matchesFingerprint(Buffer.alloc(10), certificate.fingerprint)).toBe(false);
    expect(matchesFingerprint(der, { algorithm: "sha-256", value: "AB" })).toBe(false);
    const value = createHash("sha1")
      .update(der)
      .digest("hex")
      .replaceAll(/(..)(?!$)/g, "$1:");
    expect(matchesFingerprint(der, { algorithm: "sha-1", value })).toBe(false);
  });

  test("is read from the message's list only when it is whole", () => {
    const length = Buffer.alloc(3);
    length.writeUIntBE(der.length, 0, 3);
    const body = Buffer.concat([Buffer.alloc(3), length, der]);
    expect(readLeafCertificate(body)).toEqual(der);
    expect(readLeafCertificate(body.subarray(0, 50))).toBeUndefined();
    expect(readLeafCertificate(Buffer.alloc(6))).toBeUndefined();
  });
});
