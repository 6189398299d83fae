import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RtpHeader, SrtcpSession, SrtpSession } from "werift";
import { SrtcpReceiver, SrtcpSender } from "../../../../gateway-node/media/srtcp.ts";
import { estimateIndex, SrtpReceiver, SrtpSender } from "../../../../gateway-node/media/srtp.ts";
import {
  deriveKey,
  deriveSessionKeys,
  type SrtpMasterKey,
  type SrtpProfile,
  srtpSaltBytes,
} from "../../../../gateway-node/media/srtp-keys.ts";
import { createSrtpTransform } from "../../../../gateway-node/media/srtp-transform.ts";
import { rtpPacket } from "./media-plane-fixture.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const PROFILES: readonly SrtpProfile[] = ["SRTP_AES128_CM_HMAC_SHA1_80", "SRTP_AEAD_AES_128_GCM"];

function masterFor(profile: SrtpProfile, fill = 3): SrtpMasterKey {
  return { key: Buffer.alloc(16, fill), salt: Buffer.alloc(srtpSaltBytes(profile), fill + 1) };
}

function weriftConfig(profile: SrtpProfile, master: SrtpMasterKey): ConstructorParameters<typeof SrtpSession>[0] {
  const keys = {
    localMasterKey: master.key,
    localMasterSalt: master.salt,
    remoteMasterKey: master.key,
    remoteMasterSalt: master.salt,
  };
  return { keys, profile: profile === "SRTP_AEAD_AES_128_GCM" ? 7 : 1 };
}

describe("test vectors", () => {
  test("RFC 3711 B.3: session keys", () => {
    const master = { key: hex("E1F97A0D3E018BE0D64FA32C06DE4139"), salt: hex("0EC675AD498AFEEBB6960B3AABE6") };
    const keys = deriveSessionKeys("SRTP_AES128_CM_HMAC_SHA1_80", master, "rtp");
    expect(keys.cipherKey).toEqual(hex("C61E7A93744F39EE10734AFE3FF7A087"));
    expect(keys.salt).toEqual(hex("30CBBC08863D8C85D49DB34A9AE1"));
    expect(deriveKey(master, 1, 94).subarray(0, 32)).toEqual(
      hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCE"),
    );
  });

  test("RFC 3711 B.2: AES-CM key stream", () => {
    const keys = {
      cipherKey: hex("2B7E151628AED2A6ABF7158809CF4F3C"),
      salt: hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD"),
      authenticationKey: Buffer.alloc(20),
    };
    const packet = Buffer.alloc(48 + 10);
    createSrtpTransform("SRTP_AES128_CM_HMAC_SHA1_80", keys).seal(
      packet,
      0,
      48,
      { ssrc: 0, high: 0, low: 0 },
      undefined,
    );
    expect(packet.subarray(0, 48)).toEqual(
      hex("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0"),
    );
  });

  const rfc7714 = {
    cipherKey: hex("000102030405060708090a0b0c0d0e0f"),
    salt: hex("517569642070726f2071756f"),
    authenticationKey: Buffer.alloc(0),
  };

  test("RFC 7714 16.1.1: SRTP with AES-128-GCM", () => {
    const plain = hex(
      "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573",
    );
    const packet = Buffer.concat([plain, Buffer.alloc(16)]);
    createSrtpTransform("SRTP_AEAD_AES_128_GCM", rfc7714).seal(
      packet,
      12,
      plain.length,
      { ssrc: 0x5501a0b2, high: 0, low: 0xf17b },
      undefined,
    );
    expect(packet).toEqual(
      hex(
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
      ),
    );
  });

  test("RFC 7714 17.1: SRTCP with AES-128-GCM", () => {
    const plain = hex(
      "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef",
    );
    const packet = Buffer.concat([plain, Buffer.alloc(16)]);
    createSrtpTransform("SRTP_AEAD_AES_128_GCM", rfc7714).seal(
      packet,
      8,
      plain.length,
      { ssrc: 0x4d617273, high: 0, low: 0x5d4 },
      hex("800005d4"),
    );
    expect(packet).toEqual(
      hex(
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade",
      ),
    );
  });
});

describe.each(PROFILES)("%s", (profile) => {
  const master = masterFor(profile);

  test("what is protected at any index comes out as it went in", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 15 }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.uint8Array({ maxLength: 400 }),
        (rollover, sequence, payload) => {
          const packet = rtpPacket({
            payloadType: 0,
            sequence,
            timestamp: 5,
            ssrc: 0xdeadbeef,
            payload: Buffer.from(payload),
          });
          const wire = new SrtpSender(profile, master).protect(packet, rollover * 0x10000 + sequence);
          const receiver = new SrtpReceiver(profile, master, {});
          expect(receiver.unprotect(wire)).toEqual(packet);
          expect(receiver.lastIndex).toBe(rollover * 0x10000 + sequence);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("any changed bit is refused, and the true packet still passes afterwards", () => {
    const packet = rtpPacket({ payloadType: 0, sequence: 7, timestamp: 5, ssrc: 1, payload: Buffer.alloc(20, 9) });
    const wire = new SrtpSender(profile, master).protect(packet, 7);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: wire.length * 8 - 1 }), (bit) => {
        const receiver = new SrtpReceiver(profile, master);
        const forged = Buffer.from(wire);
        forged[bit >> 3] = forged[bit >> 3]! ^ (1 << (bit & 7));
        expect(receiver.unprotect(forged)).toBeUndefined();
        expect(receiver.unprotect(Buffer.from(wire))).toEqual(packet);
      }),
      { numRuns: 100 },
    );
  });

  test("a repeat is refused inside and behind the window, a late packet accepted once", () => {
    const sender = new SrtpSender(profile, master);
    const wire = (index: number): Buffer =>
      sender.protect(rtpPacket({ payloadType: 0, sequence: index, timestamp: 0, ssrc: 1 }), index);
    const receiver = new SrtpReceiver(profile, master);
    const accepted = [10, 10, 12, 11, 11, 80, 16, 17, 17].map((index) => receiver.unprotect(wire(index)) !== undefined);
    expect(accepted).toEqual([true, false, true, true, false, true, false, true, false]);
    expect(receiver.refusal).toBe("replayed");
  });

  test("the rollover counter follows the sequence over its wrap, with loss and reordering around it", () => {
    const sender = new SrtpSender(profile, master);
    const receiver = new SrtpReceiver(profile, master);
    const indices = [65_500, 65_535, 65_537, 65_536, 65_530, 80_000, 110_000, 131_080];
    const seen = indices.map(
      (index) =>
        receiver.unprotect(
          sender.protect(rtpPacket({ payloadType: 0, sequence: index, timestamp: 0, ssrc: 1 }), index),
        ) && receiver.lastIndex,
    );
    expect(seen).toEqual(indices);
  });

  test("an adopter finds the rollover counter from a hint or without one, and refuses what is older than the hint", () => {
    const sender = new SrtpSender(profile, master);
    const wire = (index: number): Buffer =>
      sender.protect(rtpPacket({ payloadType: 0, sequence: index, timestamp: 0, ssrc: 1 }), index);
    expect(new SrtpReceiver(profile, master).unprotect(wire(200_000))).toBeUndefined();
    expect(new SrtpReceiver(profile, master, {}).unprotect(wire(200_000))).toBeDefined();
    const hinted = new SrtpReceiver(profile, master, { hint: { ssrc: 1, index: 196_000 } });
    expect(hinted.unprotect(wire(195_999))).toBeUndefined();
    expect(hinted.unprotect(wire(200_000))).toBeDefined();
    const far = 40 * 0x10000 + 5;
    expect(
      new SrtpReceiver(profile, master, { hint: { ssrc: 1, index: far - 9000 } }).unprotect(wire(far)),
    ).toBeDefined();
  });

  test("werift decrypts our packets and we decrypt werift's", () => {
    const werift = new SrtpSession(weriftConfig(profile, master));
    const sender = new SrtpSender(profile, master);
    const receiver = new SrtpReceiver(profile, master);
    for (let sequence = 65_530; sequence < 65_545; sequence += 1) {
      const packet = rtpPacket({ payloadType: 0, sequence, timestamp: sequence, ssrc: 77 });
      expect(Buffer.from(werift.decrypt(sender.protect(packet, sequence)))).toEqual(packet);
    }
    const other = new SrtpSession(weriftConfig(profile, master));
    for (let sequence = 65_530; sequence < 65_545; sequence += 1) {
      const packet = rtpPacket({ payloadType: 0, sequence, timestamp: sequence, ssrc: 78 });
      expect(
        receiver.unprotect(Buffer.from(other.encrypt(packet.subarray(12), RtpHeader.deSerialize(packet)))),
      ).toEqual(packet);
    }
  });

  test("SRTCP agrees with werift both ways, and refuses repeats, forgeries and the unencrypted", () => {
    const report = hex("80c90001 00000001");
    const werift = new SrtcpSession(weriftConfig(profile, master));
    const wire = new SrtcpSender(profile, master).protect(report, 70_000);
    expect(Buffer.from(werift.decrypt(Buffer.from(wire)))).toEqual(report);
    const receiver = new SrtcpReceiver(profile, master);
    const theirs = Buffer.from(werift.encrypt(Buffer.concat([report, report])));
    expect(receiver.unprotect(Buffer.from(theirs))).toEqual(Buffer.concat([report, report]));
    expect(receiver.unprotect(Buffer.from(theirs))).toBeUndefined();
    expect(receiver.unprotect(Buffer.from(wire))).toEqual(report);
    const forged = Buffer.from(new SrtcpSender(profile, master).protect(report, 70_001));
    forged[9] = forged[9]! ^ 1;
    expect(receiver.unprotect(forged)).toBeUndefined();
    expect(receiver.unprotect(Buffer.concat([report, Buffer.alloc(4), Buffer.alloc(16)]))).toBeUndefined();
  });

  test("bytes that are not SRTP are refused, whatever they are", () => {
    const receiver = new SrtpReceiver(profile, master, {});
    const reports = new SrtcpReceiver(profile, master);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1600 }), (bytes) => {
        expect(receiver.unprotect(Buffer.from(bytes))).toBeUndefined();
        expect(reports.unprotect(Buffer.from(bytes))).toBeUndefined();
      }),
    );
  });
});

test("the estimated index is the one nearest to the highest", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0x10000, max: 2 ** 40 }),
      fc.integer({ min: -0x7fff, max: 0x7fff }),
      (highest, delta) => {
        expect(estimateIndex((highest + delta) % 0x10000, highest)).toBe(highest + delta);
      },
    ),
  );
});
