import { decodeJwt } from "jose";
import type { MiddlewareHandler } from "hono";
import { parseAccountSid } from "#protocol/ids";
import type { AccountSid } from "#protocol/ids";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { count } from "../counters.ts";
import type { UserTypes } from "./app-types.ts";

/** Lets a user pass: `Authorization: Bearer` with the access token that REGISTER takes as well (RFC 6750). */
export function userAuth(): MiddlewareHandler<UserTypes> {
  return async function userAuthMiddleware(c, next) {
    const token = bearerToken(c.req.header("Authorization"));
    const account = token === undefined ? undefined : accountOf(token);
    const outcome =
      token === undefined || account === undefined
        ? ({ ok: false, code: "token-malformed" } as const)
        : await regionLinkOf(c.env).accounts.verifyAccessToken(account, token);
    if (!outcome.ok || account === undefined) {
      const code = outcome.ok ? "token-malformed" : outcome.code;
      count(`http.user-refused.${code}`);
      return c.json({ code }, 401, { "WWW-Authenticate": `Bearer realm="Nearside", error="invalid_token"` });
    }
    const { identity, mayReceive, expiresAtMs } = outcome;
    c.set("user", { account, identity, mayReceive, expiresAtMs });
    // What people see of their calls is nobody else's.
    c.header("Cache-Control", "no-store");
    return await next();
  };
}

export function bearerToken(authorization: string | undefined): string | undefined {
  const [scheme = "", token = ""] = (authorization ?? "").split(" ", 2);
  return scheme.toLowerCase() === "bearer" && token !== "" ? token : undefined;
}

/** Whose account an unverified token speaks of: it only picks who verifies it. */
export function accountOf(token: string): AccountSid | undefined {
  try {
    return parseAccountSid(decodeJwt(token).sub);
  } catch {
    return undefined;
  }
}
