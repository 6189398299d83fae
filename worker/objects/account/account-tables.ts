import type { AccountSid, EndpointId, RegionName } from "#protocol/ids";
import { parseAccountSid, parseEndpointId, parseRegionName, parseSipDomain } from "#protocol/ids";
import type { EndpointCredentials } from "#protocol/control-frames";
import type { AccountInput, AccountProfile, CallDay } from "../../domain/accounts/account-object-api.ts";
import type { SignInFailures, SignInScope } from "../../domain/accounts/sign-in-limit.ts";
import type { UserSecrets } from "../../domain/accounts/account-secrets.ts";
import type { SecretBox } from "../../secret-box.ts";
import type { SchemaStep } from "../storage/migrate.ts";

export const ACCOUNT_SCHEMA: readonly SchemaStep[] = [
  {
    id: 1,
    what: "account, its keys, users and days with calls; and the owner of a directory name",
    sql: `
      CREATE TABLE IF NOT EXISTS account (one INTEGER PRIMARY KEY CHECK (one = 1), sid TEXT NOT NULL, name TEXT NOT NULL, sip_domain TEXT NOT NULL, auth_token_hash TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS api_keys (sid TEXT PRIMARY KEY, secret_sealed TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS users (identity TEXT PRIMARY KEY, ha1_md5_sealed TEXT NOT NULL, ha1_sha256_sealed TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS call_days (day INTEGER NOT NULL, region TEXT NOT NULL, PRIMARY KEY (day, region)) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS directory (one INTEGER PRIMARY KEY CHECK (one = 1), owner TEXT NOT NULL)`,
  },
  {
    id: 2,
    what: "the key of tokens for people who sign in, and how often passwords were wrong",
    sql: `
      CREATE TABLE IF NOT EXISTS own_key (one INTEGER PRIMARY KEY CHECK (one = 1), sid TEXT NOT NULL, secret_sealed TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS sign_in_failures (scope TEXT NOT NULL, who TEXT NOT NULL, failures INTEGER NOT NULL, since_ms INTEGER NOT NULL, PRIMARY KEY (scope, who)) WITHOUT ROWID`,
  },
  {
    id: 3,
    what: "what requests to applications are signed with; settings of endpoints; numbers that applications answer",
    sql: `
      ALTER TABLE account ADD COLUMN auth_token_sealed TEXT;
      CREATE TABLE IF NOT EXISTS endpoint_settings (identity TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS numbers (endpoint TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID`,
  },
];

/** An account's rows. Everything that would let its reader act as somebody is sealed or hashed. */
export class AccountTables {
  readonly #storage: DurableObjectStorage;
  readonly #box: SecretBox;

  constructor(storage: DurableObjectStorage, box: SecretBox) {
    this.#storage = storage;
    this.#box = box;
  }

  /** Replaces the account, all or nothing. */
  store(input: AccountInput, authTokenHash: string, users: readonly UserSecrets[]): void {
    this.#storage.transactionSync(() => {
      const { sql } = this.#storage;
      sql.exec(
        "INSERT OR REPLACE INTO account (one, sid, name, sip_domain, auth_token_hash, auth_token_sealed) VALUES (1, ?, ?, ?, ?, ?)",
        input.sid,
        input.name,
        input.sipDomain,
        authTokenHash,
        this.#box.seal(input.authToken),
      );
      sql.exec("DELETE FROM api_keys");
      for (const { sid, secret } of input.apiKeys)
        sql.exec("INSERT OR REPLACE INTO api_keys (sid, secret_sealed) VALUES (?, ?)", sid, this.#box.seal(secret));
      sql.exec("DELETE FROM users");
      for (const { identity, ha1Md5, ha1Sha256 } of users) {
        sql.exec(
          "INSERT OR REPLACE INTO users (identity, ha1_md5_sealed, ha1_sha256_sealed) VALUES (?, ?, ?)",
          identity,
          this.#box.seal(ha1Md5),
          this.#box.seal(ha1Sha256),
        );
      }
    });
  }

  account(): (AccountProfile & { readonly authTokenHash: string }) | undefined {
    const [row] = this.#storage.sql.exec("SELECT * FROM account").toArray();
    const sid = parseAccountSid(row?.["sid"]);
    const sipDomain = parseSipDomain(row?.["sip_domain"]);
    if (row === undefined || sid === undefined || sipDomain === undefined) return undefined;
    return { sid, name: String(row["name"]), sipDomain, authTokenHash: String(row["auth_token_hash"]) };
  }

  /** Absent for an account that was stored before there were applications to sign for. */
  authToken(): string | undefined {
    const [row] = this.#storage.sql.exec("SELECT auth_token_sealed FROM account").toArray();
    const sealed = row?.["auth_token_sealed"];
    return typeof sealed === "string" ? this.#box.open(sealed) : undefined;
  }

  apiKeySids(): readonly string[] {
    return this.#storage.sql
      .exec("SELECT sid FROM api_keys")
      .toArray()
      .map((row) => String(row["sid"]));
  }

  apiKeySecret(sid: string): string | undefined {
    const [row] = this.#storage.sql.exec("SELECT secret_sealed FROM api_keys WHERE sid = ?", sid).toArray();
    return row === undefined ? undefined : this.#box.open(String(row["secret_sealed"]));
  }

  /** The account's own key, which no request to the operator API sees or replaces. */
  ownKey(): { readonly sid: string; readonly secret: string } | undefined {
    const [row] = this.#storage.sql.exec("SELECT sid, secret_sealed FROM own_key").toArray();
    const secret = row === undefined ? undefined : this.#box.open(String(row["secret_sealed"]));
    return row === undefined || secret === undefined ? undefined : { sid: String(row["sid"]), secret };
  }

  storeOwnKey(sid: string, secret: string): void {
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO own_key (one, sid, secret_sealed) VALUES (1, ?, ?)",
      sid,
      this.#box.seal(secret),
    );
  }

  signInFailures(scope: SignInScope, who: string): SignInFailures | undefined {
    const [row] = this.#storage.sql
      .exec("SELECT failures, since_ms FROM sign_in_failures WHERE scope = ? AND who = ?", scope, who)
      .toArray();
    return row === undefined ? undefined : { failures: Number(row["failures"]), sinceMs: Number(row["since_ms"]) };
  }

  storeSignInFailures(scope: SignInScope, who: string, counted: SignInFailures): void {
    this.#storage.sql.exec(
      "INSERT OR REPLACE INTO sign_in_failures (scope, who, failures, since_ms) VALUES (?, ?, ?, ?)",
      scope,
      who,
      counted.failures,
      counted.sinceMs,
    );
  }

  forgetSignInFailures(scope: SignInScope, who: string): void {
    this.#storage.sql.exec("DELETE FROM sign_in_failures WHERE scope = ? AND who = ?", scope, who);
  }

  forgetSignInFailuresBefore(atMs: number): void {
    this.#storage.sql.exec("DELETE FROM sign_in_failures WHERE since_ms < ?", atMs);
  }

  /** In alphabetical order; `containing` is a part of the name. */
  identities(containing: string, limit: number): readonly EndpointId[] {
    return this.#storage.sql
      .exec("SELECT identity FROM users WHERE instr(identity, ?) > 0 ORDER BY identity LIMIT ?", containing, limit)
      .toArray()
      .flatMap((row) => parseEndpointId(row["identity"]) ?? []);
  }

  credentials(account: AccountSid, identity: EndpointId): EndpointCredentials | undefined {
    const [row] = this.#storage.sql.exec("SELECT * FROM users WHERE identity = ?", identity).toArray();
    if (row === undefined) return undefined;
    const ha1Md5 = this.#box.open(String(row["ha1_md5_sealed"]));
    const ha1Sha256 = this.#box.open(String(row["ha1_sha256_sealed"]));
    return ha1Md5 === undefined || ha1Sha256 === undefined ? undefined : { account, ha1Md5, ha1Sha256 };
  }

  hasUser(identity: EndpointId): boolean {
    return this.#storage.sql.exec("SELECT 1 FROM users WHERE identity = ?", identity).toArray().length > 0;
  }

  noteCallDay({ day, region }: CallDay): void {
    this.#storage.sql.exec("INSERT OR IGNORE INTO call_days (day, region) VALUES (?, ?)", day, region);
  }

  callDays(): readonly CallDay[] {
    return this.#storage.sql
      .exec("SELECT day, region FROM call_days ORDER BY day DESC, region")
      .toArray()
      .flatMap((row) => {
        const region: RegionName | undefined = parseRegionName(row["region"]);
        return region === undefined ? [] : [{ day: Number(row["day"]), region }];
      });
  }

  owner(): AccountSid | undefined {
    return parseAccountSid(this.#storage.sql.exec("SELECT owner FROM directory").toArray()[0]?.["owner"]);
  }

  setOwner(account: AccountSid | undefined): void {
    if (account === undefined) this.#storage.sql.exec("DELETE FROM directory");
    else this.#storage.sql.exec("INSERT OR REPLACE INTO directory (one, owner) VALUES (1, ?)", account);
  }
}
