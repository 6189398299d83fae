import { createPrivateKey, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { certificateServes, createCertificate } from "../../../../scripts/start/certificate.ts";

const NOW_MS = Date.UTC(2026, 10, 20);
const DAY_MS = 86_400_000;

describe("the self-signed certificate", () => {
  let made: Awaited<ReturnType<typeof createCertificate>>;
  beforeAll(async () => {
    made = await createCertificate(["localhost", "127.0.0.1", "192.0.2.7"], NOW_MS);
  });

  it("belongs to its key and is signed by it", () => {
    const certificate = new X509Certificate(made.certificatePem);
    expect(certificate.checkPrivateKey(createPrivateKey(made.keyPem))).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it.each([
    [["localhost", "127.0.0.1", "192.0.2.7"], 0, true],
    [["localhost"], 0, true],
    [["192.0.2.8"], 0, false],
    [["example.com"], 0, false],
    [["localhost"], 360, true],
    [["localhost"], 370, false],
  ])("serves %j after %i days: %s", (hosts, days, expected) => {
    expect(certificateServes(made.certificatePem, hosts, NOW_MS + days * DAY_MS)).toBe(expected);
  });

  it("is made again when the file is broken", () => {
    expect(certificateServes("no certificate", ["localhost"], NOW_MS)).toBe(false);
  });
});
