import type { Context, MiddlewareHandler } from "hono";
import { parseAccountSid } from "#protocol/ids";
import type { AccountProfile } from "../domain/accounts/account-object-api.ts";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { count } from "../counters.ts";
import { decodeBase64 } from "../encoding.ts";
import type { Env } from "../env.ts";
import type { AccountTypes } from "./app-types.ts";

/** Lets an account pass: Basic authentication (RFC 7617) with account SID and auth token, or API key SID and secret. */
export function accountAuth(refuse: (c: Context<AccountTypes>) => Response): MiddlewareHandler<AccountTypes> {
  return async function accountAuthMiddleware(c, next) {
    const account = await authenticate(c.env, c.req.header("Authorization") ?? "");
    if (account === undefined) {
      count("http.account-refused");
      return refuse(c);
    }
    c.set("account", account);
    return await next();
  };
}

/** The refusal of our own API. */
export function refuseAccount(c: Context<AccountTypes>): Response {
  return c.json({ code: "account-credentials-invalid" }, 401, {
    "WWW-Authenticate": 'Basic realm="Nearside API", charset="UTF-8"',
  });
}

async function authenticate(env: Env, authorization: string): Promise<AccountProfile | undefined> {
  const [scheme = "", credentials = ""] = authorization.split(" ", 2);
  const bytes = scheme.toLowerCase() === "basic" ? decodeBase64(credentials) : undefined;
  if (bytes === undefined) return undefined;
  const text = new TextDecoder().decode(bytes);
  const colon = text.indexOf(":");
  const user = text.slice(0, Math.max(0, colon));
  const link = regionLinkOf(env);
  // Only well-formed SIDs become names of objects.
  const account =
    parseAccountSid(user) ?? (/^SK[0-9a-f]{32}$/.test(user) ? await link.accounts.ofApiKey(user) : undefined);
  return account === undefined
    ? undefined
    : await link.accounts.authenticate(account, { user, password: text.slice(colon + 1) });
}
