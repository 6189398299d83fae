import { SignJWT } from "jose";
import type { AccountSid, EndpointId } from "#protocol/ids";
import { isSameSecret } from "../../constant-time.ts";
import { count } from "../../counters.ts";
import type { RenewalOutcome, SignInInput, SignInOutcome } from "../../domain/accounts/account-object-api.ts";
import { userSecrets } from "../../domain/accounts/account-secrets.ts";
import type { HexDigest } from "../../domain/accounts/account-secrets.ts";
import {
  SIGN_IN_MEMORY_MS,
  SIGN_IN_SCOPES,
  signInPauseSeconds,
  withSignInFailure,
} from "../../domain/accounts/sign-in-limit.ts";
import type { SignInScope } from "../../domain/accounts/sign-in-limit.ts";
import {
  OWN_TOKEN_HEADER,
  OWN_TOKEN_LIFETIME_MS,
  ownTokenClaims,
  renewableSince,
} from "../../domain/tokens/own-access-token.ts";
import { randomHex } from "../../encoding.ts";
import type { AccountTables } from "./account-tables.ts";

/** Gives people access tokens for passwords, and later tokens for earlier ones. */
export class SignIn {
  readonly #tables: AccountTables;
  readonly #digest: HexDigest;

  constructor(tables: AccountTables, digest: HexDigest) {
    this.#tables = tables;
    this.#digest = digest;
  }

  async signIn(input: SignInInput, nowMs: number): Promise<SignInOutcome> {
    const account = this.#tables.account();
    if (account === undefined || account.sipDomain !== input.sipDomain) return { ok: false, code: "sign-in-refused" };
    const retryAfterSeconds = this.#pauseSeconds(input, nowMs);
    if (retryAfterSeconds > 0) {
      count("sign-in.paused");
      return { ok: false, code: "too-many-tries", retryAfterSeconds };
    }
    if (!this.#isPassword(account.sid, input)) {
      count("sign-in.refused");
      this.#countFailure(input, nowMs);
      return { ok: false, code: "sign-in-refused" };
    }
    count("sign-in.accepted");
    this.#tables.forgetSignInFailures("identity-and-source", whoOf("identity-and-source", input));
    return { ok: true, ...(await this.#token(account.sid, input.identity, { nowMs, signedInAtMs: nowMs })) };
  }

  /** `payload`: of a token that was verified just now. */
  async renew(
    identity: EndpointId,
    payload: Readonly<Record<string, unknown>>,
    nowMs: number,
  ): Promise<RenewalOutcome> {
    const account = this.#tables.account();
    const signedInAtMs = renewableSince(payload, this.#tables.ownKey()?.sid, nowMs);
    if (account === undefined || signedInAtMs === undefined || !this.#tables.hasUser(identity))
      return { ok: false, code: "token-not-renewable" };
    count("sign-in.renewed");
    return { ok: true, ...(await this.#token(account.sid, identity, { nowMs, signedInAtMs })) };
  }

  #isPassword(account: AccountSid, { identity, sipDomain, password }: SignInInput): boolean {
    const stored = this.#tables.credentials(account, identity);
    const [given] = userSecrets({ sipDomain, users: [{ identity, password }] }, this.#digest);
    // An unknown user takes the same path, so that the time tells nothing.
    const fits = isSameSecret(given?.ha1Sha256 ?? "", stored?.ha1Sha256 ?? "unknown");
    return stored !== undefined && fits;
  }

  #pauseSeconds(input: SignInInput, nowMs: number): number {
    return Math.max(
      ...SIGN_IN_SCOPES.map((scope) =>
        signInPauseSeconds(scope, this.#tables.signInFailures(scope, whoOf(scope, input)), nowMs),
      ),
    );
  }

  #countFailure(input: SignInInput, nowMs: number): void {
    this.#tables.forgetSignInFailuresBefore(nowMs - SIGN_IN_MEMORY_MS);
    for (const scope of SIGN_IN_SCOPES) {
      const who = whoOf(scope, input);
      const counted = this.#tables.signInFailures(scope, who);
      this.#tables.storeSignInFailures(scope, who, withSignInFailure(scope, counted, nowMs));
    }
  }

  async #token(
    account: AccountSid,
    identity: EndpointId,
    times: { readonly nowMs: number; readonly signedInAtMs: number },
  ): Promise<{ readonly token: string; readonly expiresAtMs: number }> {
    const key = this.#ownKey();
    const claims = ownTokenClaims({ account, apiKey: key.sid, identity, randomHex: randomHex(8), ...times });
    const token = await new SignJWT({ ...claims })
      .setProtectedHeader({ ...OWN_TOKEN_HEADER })
      .sign(new TextEncoder().encode(key.secret));
    return { token, expiresAtMs: times.nowMs + OWN_TOKEN_LIFETIME_MS };
  }

  #ownKey(): { readonly sid: string; readonly secret: string } {
    const known = this.#tables.ownKey();
    if (known !== undefined) return known;
    const key = { sid: `SK${randomHex(16)}`, secret: randomHex(32) };
    this.#tables.storeOwnKey(key.sid, key.secret);
    return key;
  }
}

function whoOf(scope: SignInScope, { identity, source }: SignInInput): string {
  if (scope === "identity") return identity;
  return scope === "source" ? source : `${identity} ${source}`;
}
