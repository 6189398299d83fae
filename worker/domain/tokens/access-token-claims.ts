/** The claims of a Twilio-style access token: what it must say before its signature is worth checking, and after. */
import { parseAccountSid, parseEndpointId } from "#protocol/ids";
import type { AccountSid, EndpointId } from "#protocol/ids";
import type { AccessTokenFault } from "../accounts/account-object-api.ts";

/** Longest life of a token, as with Twilio. */
const LIFETIME_LIMIT_SECONDS = 24 * 60 * 60;
/** Clocks of those who sign tokens are not ours. */
const LEEWAY_SECONDS = 60;
const CONTENT_TYPE = "twilio-fpa;v=1";

type Claims = Readonly<Record<string, unknown>>;

export interface AccessTokenClaims {
  readonly account: AccountSid;
  readonly apiKey: string;
  readonly identity: EndpointId;
  /** The grant `voice.incoming.allow`. */
  readonly mayReceive: boolean;
  readonly expiresAtMs: number;
}

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: AccessTokenFault };

function fault(code: AccessTokenFault): { readonly ok: false; readonly code: AccessTokenFault } {
  return { ok: false, code };
}

/** API key of the issuer and the account, read before the signature is known to be good: they only pick the key. */
export function accessTokenIssuer(
  header: Claims,
  payload: Claims,
): Outcome<{ readonly account: AccountSid; readonly apiKey: string }> {
  // The algorithm is pinned: a token must not choose how it is checked (RFC 8725 section 3.1).
  if (header["alg"] !== "HS256" || header["cty"] !== CONTENT_TYPE) return fault("token-header-invalid");
  const account = parseAccountSid(payload["sub"]);
  const apiKey = payload["iss"];
  if (account === undefined || typeof apiKey !== "string" || !/^SK[0-9a-f]{32}$/.test(apiKey))
    return fault("token-issuer-unknown");
  return { ok: true, value: { account, apiKey } };
}

export function checkAccessTokenClaims(
  header: Claims,
  payload: Claims,
  account: AccountSid,
  nowMs: number,
): Outcome<AccessTokenClaims> {
  const issuer = accessTokenIssuer(header, payload);
  if (!issuer.ok) return issuer;
  if (issuer.value.account !== account) return fault("token-account-mismatch");
  const nowSeconds = Math.floor(nowMs / 1_000);
  const expires = seconds(payload["exp"]);
  if (expires === undefined) return fault("token-malformed");
  if (expires + LEEWAY_SECONDS <= nowSeconds) return fault("token-expired");
  const begins = payload["nbf"] === undefined ? nowSeconds : seconds(payload["nbf"]);
  if (begins === undefined) return fault("token-malformed");
  if (begins > nowSeconds + LEEWAY_SECONDS) return fault("token-not-yet-valid");
  const issued = payload["iat"] === undefined ? nowSeconds : seconds(payload["iat"]);
  if (issued === undefined) return fault("token-malformed");
  if (expires - Math.min(issued, nowSeconds) > LIFETIME_LIMIT_SECONDS + LEEWAY_SECONDS)
    return fault("token-lifetime-too-long");
  const grants = claims(payload["grants"]);
  const identity = parseEndpointId(grants?.["identity"]);
  const voice = claims(grants?.["voice"]);
  if (identity === undefined || voice === undefined) return fault("token-grants-missing");
  const mayReceive = claims(voice["incoming"])?.["allow"] === true;
  return {
    ok: true,
    value: { account, apiKey: issuer.value.apiKey, identity, mayReceive, expiresAtMs: expires * 1_000 },
  };
}

function seconds(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function claims(value: unknown): Claims | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
