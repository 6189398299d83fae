/** Seals what only gateways may read: the Worker stores it and cannot open it (architecture decision 4). AES-256-GCM, AAD = leg key. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { SrtpMasterKey, SrtpProfile } from "./srtp-keys.ts";
import { SRTP_KEY_BYTES, srtpSaltBytes } from "./srtp-keys.ts";

export interface IceCredentials {
  readonly ufrag: string;
  readonly password: string;
}

/** The secrets of a WebRTC leg after its handshake. */
export interface WebRtcSecrets {
  readonly profile: SrtpProfile;
  readonly local: SrtpMasterKey;
  readonly remote: SrtpMasterKey;
  readonly localIce: IceCredentials;
  readonly remoteIce: IceCredentials;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

export function sealWebRtcSecrets(fleetKey: Buffer, legKey: string, secrets: WebRtcSecrets): string {
  const text = JSON.stringify({
    profile: secrets.profile,
    localKey: secrets.local.key.toString("base64url"),
    localSalt: secrets.local.salt.toString("base64url"),
    remoteKey: secrets.remote.key.toString("base64url"),
    remoteSalt: secrets.remote.salt.toString("base64url"),
    localIce: secrets.localIce,
    remoteIce: secrets.remoteIce,
  });
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", fleetKey, iv);
  cipher.setAAD(Buffer.from(legKey));
  return Buffer.concat([iv, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64url");
}

/** `undefined` when the seal is not ours, not this leg's, or does not hold what it should. */
export function openWebRtcSecrets(fleetKey: Buffer, legKey: string, sealed: string): WebRtcSecrets | undefined {
  const wire = Buffer.from(sealed, "base64url");
  if (wire.length <= IV_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv("aes-256-gcm", fleetKey, wire.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(legKey));
    decipher.setAuthTag(wire.subarray(wire.length - TAG_BYTES));
    const text = Buffer.concat([
      decipher.update(wire.subarray(IV_BYTES, wire.length - TAG_BYTES)),
      decipher.final(),
    ]).toString("utf8");
    return parseSecrets(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function parseSecrets(value: unknown): WebRtcSecrets | undefined {
  if (!isRecord(value)) return undefined;
  const { profile } = value;
  if (profile !== "SRTP_AES128_CM_HMAC_SHA1_80" && profile !== "SRTP_AEAD_AES_128_GCM") return undefined;
  const local = parseMasterKey(profile, value.localKey, value.localSalt);
  const remote = parseMasterKey(profile, value.remoteKey, value.remoteSalt);
  const localIce = parseCredentials(value.localIce);
  const remoteIce = parseCredentials(value.remoteIce);
  if (local === undefined || remote === undefined || localIce === undefined || remoteIce === undefined)
    return undefined;
  return { profile, local, remote, localIce, remoteIce };
}

function parseMasterKey(profile: SrtpProfile, key: unknown, salt: unknown): SrtpMasterKey | undefined {
  if (typeof key !== "string" || typeof salt !== "string") return undefined;
  const master = { key: Buffer.from(key, "base64url"), salt: Buffer.from(salt, "base64url") };
  return master.key.length === SRTP_KEY_BYTES && master.salt.length === srtpSaltBytes(profile) ? master : undefined;
}

function parseCredentials(value: unknown): IceCredentials | undefined {
  if (!isRecord(value) || typeof value.ufrag !== "string" || typeof value.password !== "string") return undefined;
  return { ufrag: value.ufrag, password: value.password };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
