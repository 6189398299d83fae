/** HTTP digest for SIP (RFC 3261 section 22, RFC 7616, RFC 8760). Pure: the hash comes in, as Worker and Node have different ones. */
import { parseAuthParams } from "../message/typed-headers.ts";
import { equalInConstantTime } from "./nonce.ts";

export type DigestAlgorithm = "MD5" | "SHA-256";

/** Lower-case hex of the hash of the text's UTF-8 bytes. */
export type HashHex = (algorithm: DigestAlgorithm, text: string) => string;

export interface DigestChallengeOptions {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: DigestAlgorithm;
  /** The credentials were right but the nonce was too old: the client repeats without asking its user. */
  readonly stale?: boolean;
  readonly qop: "auth";
}

/** The value of one WWW-Authenticate header field. */
export function digestChallenge({ realm, nonce, algorithm, stale = false, qop }: DigestChallengeOptions): string {
  return `Digest realm=${quoted(realm)}, nonce=${quoted(nonce)}, algorithm=${algorithm}, qop="${qop}"${stale ? ", stale=true" : ""}`;
}

/**
 * One WWW-Authenticate field for each algorithm in this order. RFC 8760 section 2.4 wants the strongest first; sip.js
 * and JsSIP read only the first and know only MD5, so browsers get that order turned round.
 */
export function challengeHeaders(options: {
  readonly realm: string;
  readonly nonce: string;
  readonly algorithms: readonly DigestAlgorithm[];
  readonly stale?: boolean;
}): readonly (readonly [name: string, value: string])[] {
  const { realm, nonce, algorithms, stale = false } = options;
  return algorithms.map(
    (algorithm) => ["WWW-Authenticate", digestChallenge({ realm, nonce, algorithm, stale, qop: "auth" })] as const,
  );
}

/** What a client says about itself, not yet verified. */
export interface DigestAuthorization {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  /** Lower-case hex. */
  readonly response: string;
  /** MD5 when the client named none (RFC 7616 section 3.4). */
  readonly algorithm: DigestAlgorithm;
  readonly qop?: string;
  readonly cnonce?: string;
  readonly nc?: number;
  /** As sent: its digits are hashed, in the client's case. */
  readonly ncText?: string;
  readonly opaque?: string;
}

const RESPONSE_DIGITS: Readonly<Record<DigestAlgorithm, number>> = { MD5: 32, "SHA-256": 64 };

/** Longest value for each field, in characters; what is longer is nobody's credentials. */
const LIMITS: ReadonlyMap<string, number> = new Map([
  ["username", 256],
  ["realm", 256],
  ["nonce", 256],
  ["uri", 2048],
  ["cnonce", 256],
  ["opaque", 256],
]);

/** An Authorization value; `undefined` for another scheme, another algorithm, missing, oversized or malformed fields. */
export function parseDigestAuthorization(value: string): DigestAuthorization | undefined {
  const parsed = parseAuthParams(value);
  if (parsed === undefined || parsed.scheme.toLowerCase() !== "digest") return undefined;
  const { params } = parsed;
  for (const [name, limit] of LIMITS) {
    if ((params.get(name)?.length ?? 0) > limit) return undefined;
  }
  const [username, realm, nonce, uri] = ["username", "realm", "nonce", "uri"].map((name) => params.get(name));
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined) return undefined;
  const algorithm = parseAlgorithm(params.get("algorithm"));
  const response = parseResponse(params.get("response"), algorithm);
  const ncText = params.get("nc");
  if (algorithm === undefined || response === undefined) return undefined;
  if (ncText !== undefined && !/^[0-9a-f]{8}$/i.test(ncText)) return undefined;
  return {
    username,
    realm,
    nonce,
    uri,
    response,
    algorithm,
    ncText,
    nc: ncText === undefined ? undefined : Number.parseInt(ncText, 16),
    qop: params.get("qop")?.toLowerCase(),
    cnonce: params.get("cnonce"),
    opaque: params.get("opaque"),
  };
}

function parseResponse(text: string | undefined, algorithm: DigestAlgorithm | undefined): string | undefined {
  if (text === undefined || algorithm === undefined || text.length !== RESPONSE_DIGITS[algorithm]) return undefined;
  return /^[0-9a-f]+$/i.test(text) ? text.toLowerCase() : undefined;
}

function parseAlgorithm(text: string | undefined): DigestAlgorithm | undefined {
  const name = (text ?? "MD5").toUpperCase();
  return name === "MD5" || name === "SHA-256" ? name : undefined;
}

/** RFC 7616 section 3.4.2: the password's stand-in, all that Nearside stores of it. */
export function ha1(
  hash: HashHex,
  algorithm: DigestAlgorithm,
  user: { readonly user: string; readonly realm: string; readonly password: string },
): string {
  return hash(algorithm, `${user.user}:${user.realm}:${user.password}`);
}

export interface DigestResponseOptions {
  readonly hash: HashHex;
  readonly algorithm: DigestAlgorithm;
  /** Hex, of this algorithm. */
  readonly ha1: string;
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  /** Eight hex digits. */
  readonly nc: string;
  readonly cnonce: string;
}

/** RFC 7616 section 3.4.1 with qop=auth. */
export function digestResponse({
  hash,
  algorithm,
  ha1: secret,
  method,
  uri,
  nonce,
  nc,
  cnonce,
}: DigestResponseOptions): string {
  return hash(algorithm, `${secret}:${nonce}:${nc}:${cnonce}:auth:${hash(algorithm, `${method}:${uri}`)}`);
}

/**
 * Whether the client knows the password. Its nonce, realm and user are the caller's to check.
 *
 * DEVIATION (docs/compliance.md#7616-3.4): qop=auth with MD5 or SHA-256 and nothing else, and `uri` is what the client says it is.
 */
export function verifyDigest(
  authorization: DigestAuthorization,
  { method, ha1: secret, hash }: { readonly method: string; readonly ha1: string; readonly hash: HashHex },
): boolean {
  const { algorithm, uri, nonce, qop, ncText, cnonce, response } = authorization;
  // Without qop nothing counts the uses of a nonce, so a captured response could be sent again.
  if (qop !== "auth" || ncText === undefined || cnonce === undefined) return false;
  return equalInConstantTime(
    response,
    digestResponse({ hash, algorithm, ha1: secret, method, uri, nonce, nc: ncText, cnonce }),
  );
}

/** What a client sends in answer to a challenge: for tests, benchmarks and routing providers that challenge us. */
export function createDigestAuthorization(
  options: DigestResponseOptions & { readonly username: string; readonly realm: string },
): string {
  const { username, realm, nonce, uri, algorithm, nc, cnonce } = options;
  const identity = `username=${quoted(username)}, realm=${quoted(realm)}, nonce=${quoted(nonce)}, uri=${quoted(uri)}`;
  return `Digest ${identity}, response="${digestResponse(options)}", algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce=${quoted(cnonce)}`;
}

/** RFC 3261 section 25.1 quoted-string. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
