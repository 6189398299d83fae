import { createHash, createHmac } from "node:crypto";
import { DurableObject } from "cloudflare:workers";
import { compactVerify, decodeJwt, decodeProtectedHeader } from "jose";
import type { EndpointCredentials } from "#protocol/control-frames";
import type { AccountSid, EndpointId } from "#protocol/ids";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { isSameSecret } from "../constant-time.ts";
import type {
  AccessTokenOutcome,
  AccountInput,
  AccountObjectApi,
  AccountProfile,
  AccountUpsert,
  CallDay,
  RenewalOutcome,
  SignInInput,
  SignInOutcome,
  StoreNumberOutcome,
} from "../domain/accounts/account-object-api.ts";
import { authTokenHash, userSecrets } from "../domain/accounts/account-secrets.ts";
import type { HexDigest } from "../domain/accounts/account-secrets.ts";
import { DEFAULT_SETTINGS } from "../domain/accounts/callee-plan.ts";
import type { EndpointSettings, NumberSettings } from "../domain/accounts/callee-plan.ts";
import { accessTokenIssuer, checkAccessTokenClaims } from "../domain/tokens/access-token-claims.ts";
import { encodeBase64 } from "../encoding.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { log } from "../log.ts";
import { SecretBox } from "../secret-box.ts";
import { ACCOUNT_SCHEMA, AccountTables } from "./account/account-tables.ts";
import { CalleeTables } from "./account/callee-tables.ts";
import { SignIn } from "./account/sign-in.ts";
import { migrate } from "./storage/migrate.ts";
import { stubFor } from "./stub-for.ts";

/** Numbers of one account. */
const NUMBER_LIMIT = 1_000;

const hexDigest: HexDigest = (algorithm, text) => createHash(algorithm).update(text).digest("hex");

/**
 * One account; or, under a directory name (`account-domain/…`, `account-key/…`), the note of which account owns it,
 * so that no look-up ever scans accounts.
 */
export class AccountObject extends DurableObject<Env> implements AccountObjectApi {
  readonly #tables: AccountTables;
  readonly #signIn: SignIn;
  readonly #callees: CalleeTables;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void migrate(ctx, ACCOUNT_SCHEMA);
    this.#tables = new AccountTables(ctx.storage, new SecretBox(settingsOf(env).callTokenKey, ctx.id.toString()));
    this.#callees = new CalleeTables(ctx.storage);
    this.#signIn = new SignIn(this.#tables, hexDigest);
  }

  /** Names first, the account after: a failure between leaves names that a repeat takes again. */
  async upsert(input: AccountInput): Promise<AccountUpsert> {
    const domainOwner = await stubFor<"account-domain">(this.env, {
      kind: "account-domain",
      sipDomain: input.sipDomain,
    }).claim(input.sid);
    if (domainOwner !== input.sid) return { ok: false, code: "sip-domain-taken" };
    for (const { sid: keySid } of input.apiKeys) {
      const keyOwner = await stubFor<"account-key">(this.env, { kind: "account-key", keySid }).claim(input.sid);
      if (keyOwner !== input.sid) return { ok: false, code: "api-key-taken" };
    }
    const before = this.#tables.account();
    const keysBefore = this.#tables.apiKeySids();
    this.#tables.store(input, authTokenHash(input.sid, input.authToken, hexDigest), userSecrets(input, hexDigest));
    log({ event: "account.stored", account: input.sid, users: input.users.length });
    if (before !== undefined && before.sipDomain !== input.sipDomain) {
      await stubFor<"account-domain">(this.env, { kind: "account-domain", sipDomain: before.sipDomain }).release(
        input.sid,
      );
    }
    const kept = new Set(input.apiKeys.map(({ sid }) => sid));
    for (const keySid of keysBefore) {
      if (!kept.has(keySid)) await stubFor<"account-key">(this.env, { kind: "account-key", keySid }).release(input.sid);
    }
    return { ok: true };
  }

  async profile(): Promise<AccountProfile | undefined> {
    return this.#profile();
  }

  async credentials(identity: EndpointId): Promise<EndpointCredentials | undefined> {
    const account = this.#tables.account();
    return account === undefined ? undefined : this.#tables.credentials(account.sid, identity);
  }

  async hasUser(identity: EndpointId): Promise<boolean> {
    return this.#tables.hasUser(identity);
  }

  async authenticate({
    user,
    password,
  }: {
    readonly user: string;
    readonly password: string;
  }): Promise<AccountProfile | undefined> {
    const account = this.#tables.account();
    if (account === undefined) return undefined;
    if (user === account.sid)
      return isSameSecret(authTokenHash(account.sid, password, hexDigest), account.authTokenHash)
        ? this.#profile()
        : undefined;
    const secret = this.#tables.apiKeySecret(user);
    return secret !== undefined && isSameSecret(secret, password) ? this.#profile() : undefined;
  }

  async verifyAccessToken(token: string): Promise<AccessTokenOutcome> {
    const account = this.#tables.account();
    const unverified = decodeToken(token);
    if (account === undefined || unverified === undefined) return { ok: false, code: "token-malformed" };
    const issuer = accessTokenIssuer(unverified.header, unverified.payload);
    if (!issuer.ok) return issuer;
    if (issuer.value.account !== account.sid) return { ok: false, code: "token-account-mismatch" };
    const own = this.#tables.ownKey();
    const secret = own?.sid === issuer.value.apiKey ? own.secret : this.#tables.apiKeySecret(issuer.value.apiKey);
    if (secret === undefined) return { ok: false, code: "token-issuer-unknown" };
    if (!(await isSigned(token, secret))) return { ok: false, code: "token-signature-invalid" };
    const claims = checkAccessTokenClaims(unverified.header, unverified.payload, account.sid, Date.now());
    return claims.ok
      ? {
          ok: true,
          identity: claims.value.identity,
          mayReceive: claims.value.mayReceive,
          expiresAtMs: claims.value.expiresAtMs,
        }
      : claims;
  }

  async signIn(input: SignInInput): Promise<SignInOutcome> {
    return await this.#signIn.signIn(input, Date.now());
  }

  async renewAccessToken(token: string): Promise<RenewalOutcome> {
    const verified = await this.verifyAccessToken(token);
    if (!verified.ok) return verified;
    return await this.#signIn.renew(verified.identity, decodeToken(token)?.payload ?? {}, Date.now());
  }

  async identities(query: { readonly containing: string; readonly limit: number }): Promise<readonly EndpointId[]> {
    return this.#tables.identities(query.containing, query.limit);
  }

  async sign(text: string): Promise<string | undefined> {
    const token = this.#tables.authToken();
    return token === undefined ? undefined : encodeBase64(createHmac("sha1", token).update(text).digest());
  }

  async endpointSettings(identity: EndpointId): Promise<EndpointSettings | undefined> {
    return this.#tables.hasUser(identity) ? (this.#callees.settings(identity) ?? DEFAULT_SETTINGS) : undefined;
  }

  async storeEndpointSettings({
    identity,
    settings,
  }: Parameters<AccountObjectApi["storeEndpointSettings"]>[0]): Promise<boolean> {
    if (!this.#tables.hasUser(identity)) return false;
    this.#callees.storeSettings(identity, settings);
    await this.#tellHome(identity);
    return true;
  }

  async numbers(): Promise<readonly NumberSettings[]> {
    return this.#callees.numbers();
  }

  async number(endpoint: EndpointId): Promise<NumberSettings | undefined> {
    return this.#callees.number(endpoint);
  }

  async storeNumber({
    endpoint,
    settings,
  }: Parameters<AccountObjectApi["storeNumber"]>[0]): Promise<StoreNumberOutcome> {
    if (this.#callees.number(endpoint) === undefined && this.#callees.countNumbers() >= NUMBER_LIMIT)
      return { ok: false, code: "too-many-numbers" };
    this.#callees.storeNumber(endpoint, settings);
    await this.#tellHome(endpoint);
    return { ok: true };
  }

  async removeNumber(endpoint: EndpointId): Promise<boolean> {
    const removed = this.#callees.removeNumber(endpoint);
    await this.#tellHome(endpoint);
    return removed;
  }

  async noteCallDay(day: CallDay): Promise<void> {
    this.#tables.noteCallDay(day);
  }

  async callDays(): Promise<readonly CallDay[]> {
    return this.#tables.callDays();
  }

  async owner(): Promise<AccountSid | undefined> {
    return this.#tables.owner();
  }

  async claim(account: AccountSid): Promise<AccountSid> {
    const owner = this.#tables.owner();
    if (owner !== undefined) return owner;
    this.#tables.setOwner(account);
    return account;
  }

  async release(account: AccountSid): Promise<void> {
    if (this.#tables.owner() === account) this.#tables.setOwner(undefined);
  }

  /** Calls ask the endpoint's home anyway, so they learn it there; whoever changed it hears when that failed, and repeats it. */
  async #tellHome(endpoint: EndpointId): Promise<void> {
    const account = this.#tables.account();
    if (account === undefined) return;
    await regionLinkOf(this.env).endpoints.notePlan(
      { account: account.sid, identity: endpoint },
      this.#callees.plan(endpoint),
    );
  }

  #profile(): AccountProfile | undefined {
    const account = this.#tables.account();
    return account === undefined ? undefined : { sid: account.sid, name: account.name, sipDomain: account.sipDomain };
  }
}

function decodeToken(
  token: string,
): { readonly header: Record<string, unknown>; readonly payload: Record<string, unknown> } | undefined {
  try {
    return { header: { ...decodeProtectedHeader(token) }, payload: { ...decodeJwt(token) } };
  } catch {
    return undefined;
  }
}

/** The signature alone; what the claims must say is decided in `checkAccessTokenClaims`. */
async function isSigned(token: string, secret: string): Promise<boolean> {
  try {
    await compactVerify(token, new TextEncoder().encode(secret), { algorithms: ["HS256"] });
    return true;
  } catch {
    return false;
  }
}
