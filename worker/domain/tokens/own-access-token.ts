/** The access tokens that Nearside itself gives to people who sign in: Twilio's form, signed with a key that never leaves the account. */
import type { AccountSid, EndpointId } from "#protocol/ids";

export const OWN_TOKEN_LIFETIME_MS = 60 * 60_000;
/** How long a token may be renewed before the password is asked for again. */
const SESSION_LIFETIME_MS = 24 * 60 * 60_000;

export const OWN_TOKEN_HEADER = { alg: "HS256", typ: "JWT", cty: "twilio-fpa;v=1" } as const;

export interface OwnTokenInput {
  readonly account: AccountSid;
  readonly apiKey: string;
  readonly identity: EndpointId;
  readonly nowMs: number;
  /** When the password was given. */
  readonly signedInAtMs: number;
  readonly randomHex: string;
}

export function ownTokenClaims(input: OwnTokenInput): Readonly<Record<string, unknown>> {
  const issued = Math.floor(input.nowMs / 1_000);
  return {
    jti: `${input.apiKey}-${input.randomHex}`,
    iss: input.apiKey,
    sub: input.account,
    iat: issued,
    exp: issued + OWN_TOKEN_LIFETIME_MS / 1_000,
    // As OpenID Connect Core names the time of the sign-in itself.
    auth_time: Math.floor(input.signedInAtMs / 1_000),
    grants: { identity: input.identity, voice: { incoming: { allow: true } } },
  };
}

/** When the holder of a verified token signed in, if that is recent enough for another token. */
export function renewableSince(
  payload: Readonly<Record<string, unknown>>,
  ownKey: string | undefined,
  nowMs: number,
): number | undefined {
  const seconds = payload["auth_time"];
  if (ownKey === undefined || payload["iss"] !== ownKey || typeof seconds !== "number") return undefined;
  const signedInAtMs = seconds * 1_000;
  return nowMs - signedInAtMs < SESSION_LIFETIME_MS ? signedInAtMs : undefined;
}
