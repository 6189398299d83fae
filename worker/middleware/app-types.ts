import type { AccountSid, EndpointId } from "#protocol/ids";
import type { AccountProfile } from "../domain/accounts/account-object-api.ts";
import type { Env } from "../env.ts";

/** Hono's view of a request before anybody is known. */
export interface AppTypes {
  Bindings: Env;
}

/** …and behind `accountAuth`. */
export interface AccountTypes {
  Bindings: Env;
  Variables: { account: AccountProfile };
}

/** Somebody with an access token. */
export interface SignedInUser {
  readonly account: AccountSid;
  readonly identity: EndpointId;
  readonly mayReceive: boolean;
  readonly expiresAtMs: number;
}

/** …and behind `userAuth`. */
export interface UserTypes {
  Bindings: Env;
  Variables: { user: SignedInUser };
}
