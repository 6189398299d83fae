/** Passwords as the Worker stores them and as phones prove them. */
import { hash } from "node:crypto";
import type { EndpointCredentials } from "../../../../protocol/control-frames.ts";
import type { AccountSid } from "../../../../protocol/ids.ts";
import { createDigestAuthorization, ha1 } from "../../../../sip/core/digest-authentication.ts";
import type { DigestAlgorithm, HashHex } from "../../../../sip/core/digest-authentication.ts";

const hashHex: HashHex = (algorithm, text) => hash(algorithm === "MD5" ? "md5" : "sha256", text, "hex");

export function credentialsFor(user: string, realm: string, password: string): EndpointCredentials {
  return {
    account: `AC${"0".repeat(32)}` as AccountSid,
    ha1Md5: ha1(hashHex, "MD5", { user, realm, password }),
    ha1Sha256: ha1(hashHex, "SHA-256", { user, realm, password }),
  };
}

export function challengeField(challenge: string, name: string): string {
  return new RegExp(`${name}="?([^",]*)"?`).exec(challenge)?.[1] ?? "";
}

export interface AuthorizationParts {
  readonly challenge: string;
  readonly user: string;
  readonly password: string;
  readonly method: string;
  readonly uri: string;
  readonly nc?: number;
  readonly algorithm?: DigestAlgorithm;
  readonly nonce?: string;
}

/** What a phone answers to a challenge. */
export function createAuthorization(parts: AuthorizationParts): string {
  const realm = challengeField(parts.challenge, "realm");
  const algorithm = parts.algorithm ?? (challengeField(parts.challenge, "algorithm") === "MD5" ? "MD5" : "SHA-256");
  return createDigestAuthorization({
    hash: hashHex,
    algorithm,
    ha1: ha1(hashHex, algorithm, { user: parts.user, realm, password: parts.password }),
    method: parts.method,
    uri: parts.uri,
    nonce: parts.nonce ?? challengeField(parts.challenge, "nonce"),
    nc: (parts.nc ?? 1).toString(16).padStart(8, "0"),
    cnonce: "c0ffee",
    username: parts.user,
    realm,
  });
}
