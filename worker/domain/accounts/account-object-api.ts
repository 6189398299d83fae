/** What other parts may ask of an Account object: who may do what under one account. */
import type { EndpointCredentials } from "#protocol/control-frames";
import type { EndpointSettings, NumberSettings } from "./callee-plan.ts";
import type { AccountSid, EndpointId, RegionName, SipDomain } from "#protocol/ids";

/** An account as the operator writes it; replaces what was there. */
export interface AccountInput {
  readonly sid: AccountSid;
  readonly name: string;
  readonly sipDomain: SipDomain;
  readonly authToken: string;
  readonly apiKeys: readonly { readonly sid: string; readonly secret: string }[];
  readonly users: readonly { readonly identity: EndpointId; readonly password: string }[];
}

export type AccountUpsert =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: "sip-domain-taken" | "api-key-taken" };

export interface AccountProfile {
  readonly sid: AccountSid;
  readonly name: string;
  readonly sipDomain: SipDomain;
}

/** What is wrong with an access token; `code` is stable. */
export type AccessTokenFault =
  | "token-malformed"
  | "token-header-invalid"
  | "token-issuer-unknown"
  | "token-signature-invalid"
  | "token-account-mismatch"
  | "token-expired"
  | "token-not-yet-valid"
  | "token-lifetime-too-long"
  | "token-grants-missing";

export type AccessTokenOutcome =
  | { readonly ok: true; readonly identity: EndpointId; readonly mayReceive: boolean; readonly expiresAtMs: number }
  | { readonly ok: false; readonly code: AccessTokenFault };

export interface SignInInput {
  readonly identity: EndpointId;
  readonly sipDomain: SipDomain;
  readonly password: string;
  /** Where the request came from, as far as that is known. */
  readonly source: string;
}

/** `sign-in-refused` says nothing of what was wrong. */
export type SignInOutcome =
  | { readonly ok: true; readonly token: string; readonly expiresAtMs: number }
  | { readonly ok: false; readonly code: "sign-in-refused" }
  | { readonly ok: false; readonly code: "too-many-tries"; readonly retryAfterSeconds: number };

export type RenewalOutcome =
  | { readonly ok: true; readonly token: string; readonly expiresAtMs: number }
  | { readonly ok: false; readonly code: AccessTokenFault | "token-not-renewable" };

/** A day on which a region indexed calls of the account. */
export interface CallDay {
  readonly region: RegionName;
  readonly day: number;
}

export type StoreNumberOutcome = { readonly ok: true } | { readonly ok: false; readonly code: "too-many-numbers" };

export interface AccountObjectApi {
  upsert(input: AccountInput): Promise<AccountUpsert>;
  profile(): Promise<AccountProfile | undefined>;
  credentials(identity: EndpointId): Promise<EndpointCredentials | undefined>;
  hasUser(identity: EndpointId): Promise<boolean>;
  /** Basic authentication: account SID with auth token, or API key SID with its secret. */
  authenticate(basic: { readonly user: string; readonly password: string }): Promise<AccountProfile | undefined>;
  verifyAccessToken(token: string): Promise<AccessTokenOutcome>;
  /** A password for an access token. */
  signIn(input: SignInInput): Promise<SignInOutcome>;
  /** A token of `signIn` for a later one. */
  renewAccessToken(token: string): Promise<RenewalOutcome>;
  /** Users of the account in alphabetical order; `containing` is a part of the name. */
  identities(query: { readonly containing: string; readonly limit: number }): Promise<readonly EndpointId[]>;
  /** HMAC-SHA1 of a text under the auth token, in base64, as X-Twilio-Signature has it. */
  sign(text: string): Promise<string | undefined>;
  /** `undefined` when the account has no such user; the defaults when nothing was set. */
  endpointSettings(identity: EndpointId): Promise<EndpointSettings | undefined>;
  /** In force for every call that begins after it; `false` when the account has no such user. */
  storeEndpointSettings(input: {
    readonly identity: EndpointId;
    readonly settings: EndpointSettings;
  }): Promise<boolean>;
  numbers(): Promise<readonly NumberSettings[]>;
  number(endpoint: EndpointId): Promise<NumberSettings | undefined>;
  storeNumber(input: { readonly endpoint: EndpointId; readonly settings: NumberSettings }): Promise<StoreNumberOutcome>;
  /** `false` when there was none. */
  removeNumber(endpoint: EndpointId): Promise<boolean>;
  noteCallDay(day: CallDay): Promise<void>;
  /** Newest day first. */
  callDays(): Promise<readonly CallDay[]>;
  /** The account that owns the domain or API key which this object is named by. */
  owner(): Promise<AccountSid | undefined>;
  /** Takes the name for an account unless another has it; returns the owner. */
  claim(account: AccountSid): Promise<AccountSid>;
  release(account: AccountSid): Promise<void>;
}
