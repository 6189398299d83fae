import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createDigestAuthorization, parseDigestAuthorization } from "../../../../../sip/core/digest-authentication.ts";
import type { HashHex } from "../../../../../sip/core/digest-authentication.ts";
import { judgeDigest, NONCE_LIFETIME_MS } from "../../../../../worker/domain/bridging/socket-digest.ts";

const hash: HashHex = (algorithm, text) =>
  createHash(algorithm === "MD5" ? "md5" : "sha256")
    .update(text)
    .digest("hex");
const ha1 = hash("MD5", "alice:demo.test:secret");

function judge(
  overrides: {
    readonly count?: number;
    readonly ageMs?: number;
    readonly nc?: string;
    readonly nonce?: string;
    readonly secret?: string;
    readonly known?: boolean;
    readonly algorithm?: "MD5" | "SHA-256";
    readonly realm?: string;
    readonly username?: string;
    readonly uri?: string;
  } = {},
): unknown {
  const algorithm = overrides.algorithm ?? "MD5";
  const text = createDigestAuthorization({
    hash,
    algorithm,
    ha1: overrides.secret ?? ha1,
    method: "REGISTER",
    uri: overrides.uri ?? "sip:demo.test",
    nonce: overrides.nonce ?? "n1",
    nc: overrides.nc ?? "00000002",
    cnonce: "c",
    username: overrides.username ?? "alice",
    realm: overrides.realm ?? "demo.test",
  });
  const verdict = judgeDigest({
    authorization: parseDigestAuthorization(text)!,
    method: "REGISTER",
    requestUri: "sip:demo.test",
    identity: "alice",
    realm: "demo.test",
    nonces: [
      { nonce: "n0", atMs: 0, count: 9 },
      { nonce: "n1", atMs: 0, count: overrides.count ?? 1 },
    ],
    ha1Md5: overrides.known === false ? undefined : ha1,
    hash,
    nowMs: overrides.ageMs ?? 0,
  });
  return verdict.ok ? verdict.nonce.count : verdict.code;
}

describe("digest over a socket", () => {
  it.each([
    { what: "the right answer, with the count that it now has", input: {}, verdict: 2 },
    { what: "a name in capitals", input: { username: "ALICE" }, verdict: 2 },
    { what: "a count that was used", input: { count: 2 }, verdict: "nonce-replayed" },
    { what: "a count below the last", input: { count: 7 }, verdict: "nonce-replayed" },
    { what: "the right answer to an old challenge", input: { ageMs: NONCE_LIFETIME_MS + 1 }, verdict: "nonce-stale" },
    {
      what: "a wrong answer to an old challenge",
      input: { ageMs: NONCE_LIFETIME_MS + 1, secret: "no" },
      verdict: "digest-mismatch",
    },
    { what: "a nonce of somebody else", input: { nonce: "n2" }, verdict: "nonce-unknown" },
    { what: "a wrong password", input: { secret: "no" }, verdict: "digest-mismatch" },
    { what: "an unknown user", input: { known: false }, verdict: "digest-mismatch" },
    { what: "an unknown user with an empty secret", input: { known: false, secret: "" }, verdict: "digest-mismatch" },
    { what: "an algorithm that was not offered", input: { algorithm: "SHA-256" as const }, verdict: "digest-mismatch" },
    { what: "another realm", input: { realm: "other.test" }, verdict: "digest-mismatch" },
    { what: "another user", input: { username: "bob" }, verdict: "digest-mismatch" },
    { what: "another URI", input: { uri: "sip:other.test" }, verdict: "digest-mismatch" },
  ])("gives $verdict for $what", ({ input, verdict }) => {
    expect(judge(input)).toBe(verdict);
  });
});
