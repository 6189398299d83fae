/** The gateway's own certificate: one for each process, as all its calls may show the same fingerprint. */
import { X509Certificate } from "node:crypto";
import { createSelfSignedCertificate } from "werift";
import type { Fingerprint } from "#sip/sdp/audio-description";

/** TLS code points (RFC 5246 section 7.4.1.4.1, RFC 8422 section 5.1.1). */
const ECDSA = 3;
const SHA256 = 4;
const SECP256R1 = 23;

export interface DtlsCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly signatureHash: { readonly hash: 4; readonly signature: 3 };
  readonly fingerprint: Fingerprint;
}

/** Takes some 25 ms the first time: call it before the first call does. */
export async function createDtlsCertificate(): Promise<DtlsCertificate> {
  const signatureHash = { hash: SHA256, signature: ECDSA } as const;
  const { certPem, keyPem } = await createSelfSignedCertificate(signatureHash, SECP256R1);
  const value = new X509Certificate(certPem).fingerprint256;
  return { certificatePem: certPem, keyPem, signatureHash, fingerprint: { algorithm: "sha-256", value } };
}
