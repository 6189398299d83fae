/** Digest over one socket: its nonce belongs to it alone, and its count only grows. */
import { verifyDigest } from "#sip/core/digest-authentication";
import type { DigestAuthorization, HashHex } from "#sip/core/digest-authentication";

/** After this a client gets a new nonce and repeats without asking its user. */
export const NONCE_LIFETIME_MS = 5 * 60_000;

/** A challenge that a socket was given. */
export interface SocketNonce {
  readonly nonce: string;
  readonly atMs: number;
  /** Highest nonce count seen; 0 before the first. */
  readonly count: number;
}

export type DigestVerdict =
  | { readonly ok: true; readonly nonce: SocketNonce }
  | { readonly ok: false; readonly code: "digest-mismatch" | "nonce-unknown" | "nonce-replayed" | "nonce-stale" };

export interface DigestInput {
  readonly authorization: DigestAuthorization;
  readonly method: string;
  readonly requestUri: string;
  readonly identity: string;
  readonly realm: string;
  readonly nonces: readonly SocketNonce[];
  /** Absent for unknown users: their answer is as wrong as any other. */
  readonly ha1Md5: string | undefined;
  readonly hash: HashHex;
  readonly nowMs: number;
}

export function judgeDigest(input: DigestInput): DigestVerdict {
  const { authorization, nowMs } = input;
  const nonce = input.nonces.find((given) => given.nonce === authorization.nonce);
  if (nonce === undefined) return { ok: false, code: "nonce-unknown" };
  const count = authorization.nc ?? 0;
  const fits =
    authorization.algorithm === "MD5" &&
    authorization.username.toLowerCase() === input.identity &&
    authorization.realm === input.realm &&
    authorization.uri === input.requestUri &&
    verifyDigest(authorization, { method: input.method, ha1: input.ha1Md5 ?? "", hash: input.hash }) &&
    input.ha1Md5 !== undefined;
  if (!fits) return { ok: false, code: "digest-mismatch" };
  // Both only after the password was proved: `stale` tells the client that it was right (RFC 7616 section 3.3).
  if (count <= nonce.count) return { ok: false, code: "nonce-replayed" };
  if (nowMs - nonce.atMs > NONCE_LIFETIME_MS) return { ok: false, code: "nonce-stale" };
  return { ok: true, nonce: { ...nonce, count } };
}
