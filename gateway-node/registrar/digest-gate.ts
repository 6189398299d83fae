/** Who sent this request? Digest for REGISTER (401) and INVITE (407), with the same answer for every kind of wrong (RFC 3261 section 22, RFC 8760). */
import { hash } from "node:crypto";
import type { EndpointCredentials } from "#protocol/control-frames";
import { parseEndpointId } from "#protocol/ids";
import type { EndpointId, SipDomain } from "#protocol/ids";
import {
  challengeHeaders,
  digestResponse,
  parseDigestAuthorization,
  verifyDigest,
} from "#sip/core/digest-authentication";
import type { DigestAlgorithm, DigestAuthorization, HashHex } from "#sip/core/digest-authentication";
import { equalInConstantTime } from "#sip/core/nonce";
import { headerValues } from "#sip/message/headers";
import type { SipRequest } from "#sip/message/sip-message";
import type { CredentialLookup } from "../control/credential-cache.ts";
import { offeredAlgorithms } from "./digest-policy.ts";
import type { NonceAuthority, NonceScope } from "./nonce-authority.ts";

/** Which pair of header fields carries the digest (RFC 3261 sections 22.2 and 22.3). */
export type ChallengeKind = "user" | "proxy";

export type DigestVerdict =
  | {
      readonly kind: "authenticated";
      readonly endpoint: EndpointId;
      readonly credentials: EndpointCredentials;
      /** Value of Authentication-Info. */ readonly info: string;
    }
  | {
      readonly kind: "challenge";
      readonly status: 401 | 407;
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly code: string;
    }
  /** The Worker cannot be asked and nothing is remembered. */
  | { readonly kind: "unreachable" };

export interface DigestGateOptions {
  readonly nonces: NonceAuthority;
  readonly credentials: {
    lookup(sipDomain: SipDomain, endpoint: EndpointId): Promise<CredentialLookup>;
    expire(sipDomain: SipDomain, endpoint: EndpointId): void;
  };
  readonly count: (name: string) => void;
}

interface ChallengeScope extends NonceScope {
  readonly algorithms: readonly DigestAlgorithm[];
}

const KINDS = {
  user: { status: 401, request: "authorization", response: "WWW-Authenticate" },
  proxy: { status: 407, request: "proxy-authorization", response: "Proxy-Authenticate" },
} as const;

/** Unknown users are verified against this, so that they take as long as known ones. */
const NOBODY: Pick<EndpointCredentials, "ha1Md5" | "ha1Sha256"> = { ha1Md5: "0".repeat(32), ha1Sha256: "0".repeat(64) };

const hashHex: HashHex = (algorithm, text) => hash(algorithm === "MD5" ? "md5" : "sha256", text, "hex");

export class DigestGate {
  readonly #options: DigestGateOptions;

  constructor(options: DigestGateOptions) {
    this.#options = options;
  }

  async authenticate(request: SipRequest, realm: SipDomain, host: string, kind: ChallengeKind): Promise<DigestVerdict> {
    const scope: ChallengeScope = { realm, host, algorithms: offeredAlgorithms(request) };
    const authorization = readAuthorization(request, realm, kind);
    if (authorization === undefined) return this.#challenge(scope, kind, "digest-missing");
    const nonce = this.#options.nonces.check(authorization.nonce, scope);
    if (nonce.verdict === "forged") return this.#challenge(scope, kind, "nonce-unknown");

    const endpoint = parseEndpointId(authorization.username);
    const lookup: CredentialLookup =
      endpoint === undefined ? { kind: "unknown" } : await this.#options.credentials.lookup(realm, endpoint);
    if (lookup.kind === "unreachable") return { kind: "unreachable" };
    const secrets = lookup.kind === "found" ? lookup.credentials : NOBODY;
    const ha1 = authorization.algorithm === "MD5" ? secrets.ha1Md5 : secrets.ha1Sha256;
    const right =
      verifyDigest(authorization, { method: request.method, ha1, hash: hashHex }) ||
      (nonce.purpose === "refresh" && verifyWithoutQop(authorization, request.method, ha1));
    if (!right || lookup.kind === "unknown" || endpoint === undefined) {
      if (endpoint !== undefined) this.#options.credentials.expire(realm, endpoint);
      return this.#challenge(scope, kind, "digest-wrong");
    }
    // Only someone who knows the password learns that it was the nonce (RFC 7616 section 3.3, "stale").
    if (nonce.verdict === "stale") return this.#challenge(scope, kind, "nonce-stale", true);
    if (!this.#options.nonces.use(authorization.nonce, authorization.nc ?? 1))
      return this.#challenge(scope, kind, "nonce-replayed");
    const nextNonce = this.#options.nonces.issue("refresh", scope);
    return {
      kind: "authenticated",
      endpoint,
      credentials: lookup.credentials,
      info: authenticationInfo(authorization, ha1, nextNonce),
    };
  }

  #challenge(scope: ChallengeScope, kind: ChallengeKind, code: string, stale = false): DigestVerdict {
    this.#options.count(`digest.${code}`);
    const { status, response } = KINDS[kind];
    const nonce = this.#options.nonces.issue("challenge", scope);
    // One nonce for all of them: the client answers one.
    const headers = challengeHeaders({ realm: scope.realm, nonce, algorithms: scope.algorithms, stale });
    return { kind: "challenge", status, headers: headers.map(([, value]) => [response, value] as const), code };
  }
}

/** A client may send credentials for several realms (RFC 3261 section 22.3); the first for ours counts. */
function readAuthorization(
  request: SipRequest,
  realm: SipDomain,
  kind: ChallengeKind,
): DigestAuthorization | undefined {
  for (const value of headerValues(request, KINDS[kind].request)) {
    const authorization = parseDigestAuthorization(value);
    if (authorization?.realm === realm) return authorization;
  }
  return undefined;
}

/**
 * RFC 7616 section 3.4.1 for clients without qop. belle-sip (Linphone) drops it when it takes up a nextnonce; such a
 * nonce counts as used after one answer, so nothing can be replayed, and its refresh stays one message.
 */
function verifyWithoutQop(
  { algorithm, nonce, uri, qop, response }: DigestAuthorization,
  method: string,
  ha1: string,
): boolean {
  if (qop !== undefined) return false;
  return equalInConstantTime(response, hashHex(algorithm, `${ha1}:${nonce}:${hashHex(algorithm, `${method}:${uri}`)}`));
}

/** RFC 7616 section 3.5: proves that we know the secret too, and hands over the nonce of the next request. */
function authenticationInfo(
  { algorithm, uri, nonce, ncText = "", cnonce = "" }: DigestAuthorization,
  ha1: string,
  nextNonce: string,
): string {
  const rspauth = digestResponse({ hash: hashHex, algorithm, ha1, method: "", uri, nonce, nc: ncText, cnonce });
  const quotedCnonce = cnonce.replaceAll(/["\\]/g, "\\$&");
  const proof = ncText === "" ? "" : `, rspauth="${rspauth}", cnonce="${quotedCnonce}", nc=${ncText}`;
  return `nextnonce="${nextNonce}", qop=auth${proof}`;
}
