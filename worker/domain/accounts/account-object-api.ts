/** What other parts may ask of an Account object: who may do what under one account. */
import type { EndpointCredentials } from "#protocol/control-frames";
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

/** A day on which a region indexed calls of the account. */
export interface CallDay {
  readonly region: RegionName;
  readonly day: number;
}

export interface AccountObjectApi {
  upsert(input: AccountInput): Promise<AccountUpsert>;
  profile(): Promise<AccountProfile | undefined>;
  credentials(identity: EndpointId): Promise<EndpointCredentials | undefined>;
  hasUser(identity: EndpointId): Promise<boolean>;
  /** Basic authentication: account SID with auth token, or API key SID with its secret. */
  authenticate(basic: { readonly user: string; readonly password: string }): Promise<AccountProfile | undefined>;
  verifyAccessToken(token: string): Promise<AccessTokenOutcome>;
  noteCallDay(day: CallDay): Promise<void>;
  /** Newest day first. */
  callDays(): Promise<readonly CallDay[]>;
  /** The account that owns the domain or API key which this object is named by. */
  owner(): Promise<AccountSid | undefined>;
  /** Takes the name for an account unless another has it; returns the owner. */
  claim(account: AccountSid): Promise<AccountSid>;
  release(account: AccountSid): Promise<void>;
}
