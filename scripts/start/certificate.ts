import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { LocalFolder } from "./local-folder.ts";
import { readIfPresent, writePrivateFile } from "./local-folder.ts";

const DAY_MS = 86_400_000;
const VALID_DAYS = 397;
const RENEW_BEFORE_DAYS = 30;

/** Makes the self-signed certificate of SIP over TLS and HTTPS, again when a name is new or it is about to expire. */
export async function ensureCertificate(folder: LocalFolder, hosts: readonly string[], nowMs: number): Promise<void> {
  const present = readIfPresent(folder.tlsCertificate);
  const key = readIfPresent(folder.tlsKey);
  if (present !== undefined && key !== undefined && certificateServes(present, hosts, nowMs)) return;
  const made = await createCertificate(hosts, nowMs);
  writePrivateFile(folder.tlsKey, made.keyPem);
  writePrivateFile(folder.tlsCertificate, made.certificatePem);
}

export function certificateServes(pem: string, hosts: readonly string[], nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(pem);
    if (Date.parse(certificate.validTo) < nowMs + RENEW_BEFORE_DAYS * DAY_MS) return false;
    return hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined);
  } catch {
    return false;
  }
}

/** ECDSA on P-256: every TLS stack in phones and browsers takes it, and it is made at once. */
export async function createCertificate(
  hosts: readonly string[],
  nowMs: number,
): Promise<{ readonly keyPem: string; readonly certificatePem: string }> {
  // Loaded here only: it takes 150 ms, and most starts have a certificate.
  const x509 = await import("@peculiar/x509");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=Nearside local stack",
      notBefore: new Date(nowMs - DAY_MS),
      notAfter: new Date(nowMs + VALID_DAYS * DAY_MS),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.1"]),
        new x509.SubjectAlternativeNameExtension(
          hosts.map((host) => ({ type: isIP(host) ? ("ip" as const) : ("dns" as const), value: host })),
        ),
      ],
    },
    crypto,
  );
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { keyPem: x509.PemConverter.encode(pkcs8, "PRIVATE KEY"), certificatePem: certificate.toString("pem") };
}
