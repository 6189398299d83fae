import * as fc from "fast-check";
import { expect, test } from "vitest";
import { openWebRtcSecrets, sealWebRtcSecrets, type WebRtcSecrets } from "../../../../gateway-node/media/key-seal.ts";
import { FLEET_KEY } from "./media-plane-fixture.ts";

const SECRETS: WebRtcSecrets = {
  profile: "SRTP_AES128_CM_HMAC_SHA1_80",
  local: { key: Buffer.alloc(16, 1), salt: Buffer.alloc(14, 2) },
  remote: { key: Buffer.alloc(16, 3), salt: Buffer.alloc(14, 4) },
  localIce: { ufrag: "abcd", password: "p".repeat(24) },
  remoteIce: { ufrag: "efgh", password: "q".repeat(24) },
};

test("secrets come out of the seal as they went in, never twice as the same text", () => {
  const sealed = sealWebRtcSecrets(FLEET_KEY, "call.a", SECRETS);
  expect(openWebRtcSecrets(FLEET_KEY, "call.a", sealed)).toEqual(SECRETS);
  expect(sealWebRtcSecrets(FLEET_KEY, "call.a", SECRETS)).not.toBe(sealed);
});

test.each([
  ["another leg's", FLEET_KEY, "call.b1", SECRETS],
  ["another fleet's", Buffer.alloc(32, 9), "call.a", SECRETS],
  [
    "with keys of the wrong length",
    FLEET_KEY,
    "call.a",
    { ...SECRETS, local: { key: Buffer.alloc(16), salt: Buffer.alloc(12) } },
  ],
])("a seal that is %s stays closed", (_name, key, leg, secrets) => {
  expect(openWebRtcSecrets(key, leg, sealWebRtcSecrets(FLEET_KEY, "call.a", secrets))).toBeUndefined();
});

test("arbitrary text is no seal", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(openWebRtcSecrets(FLEET_KEY, "call.a", text)).toBeUndefined();
    }),
  );
});
