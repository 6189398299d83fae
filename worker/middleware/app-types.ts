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
