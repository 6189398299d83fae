import type { MiddlewareHandler } from "hono";
import { isSameSecret } from "../constant-time.ts";
import { count } from "../counters.ts";
import { settingsOf } from "../env.ts";
import type { AppTypes } from "./app-types.ts";

/** Lets only the operator pass: `Authorization: Bearer OPERATOR_TOKEN` (RFC 6750). */
export function operatorAuth(): MiddlewareHandler<AppTypes> {
  return async function operatorAuthMiddleware(c, next) {
    const [scheme = "", token = ""] = (c.req.header("Authorization") ?? "").split(" ", 2);
    if (scheme.toLowerCase() !== "bearer" || !isSameSecret(token, settingsOf(c.env).operatorToken)) {
      count("http.operator-refused");
      return c.json({ code: "operator-token-invalid" }, 401, {
        "WWW-Authenticate": 'Bearer realm="Nearside operator"',
      });
    }
    return await next();
  };
}
