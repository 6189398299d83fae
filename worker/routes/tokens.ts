import { Hono } from "hono";
import type { Context } from "hono";
import * as z from "zod";
import { parseEndpointId, parseSipDomain } from "#protocol/ids";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { count } from "../counters.ts";
import type { AppTypes } from "../middleware/app-types.ts";
import { accountOf, bearerToken } from "../middleware/user-auth.ts";
import { readJson } from "./json-body.ts";

/** Anything may be typed into a form: what cannot be a name is refused like a wrong password. */
const SIGN_IN_BODY = z.strictObject({
  sipDomain: z.string().max(300),
  identity: z.string().max(100),
  password: z.string().max(256),
});

/** `/v1/tokens`: access tokens for people, against a password or a token that is about to end. */
export const tokens = new Hono<AppTypes>()
  .use(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
  })
  .post("/", async (c) => {
    const body = await readJson(c.req.raw, SIGN_IN_BODY);
    if (!body.ok) return c.json(body.problem, 400);
    const sipDomain = parseSipDomain(body.value.sipDomain.trim());
    const identity = parseEndpointId(body.value.identity.trim());
    const { accounts } = regionLinkOf(c.env);
    const account = sipDomain === undefined ? undefined : await accounts.ofDomain(sipDomain);
    if (sipDomain === undefined || identity === undefined || account === undefined) {
      count("sign-in.refused");
      return c.json({ code: "sign-in-refused" }, 401);
    }
    const { password } = body.value;
    const outcome = await accounts.signIn(account, { identity, sipDomain, password, source: sourceOf(c) });
    if (outcome.ok) {
      const { token, expiresAtMs } = outcome;
      return c.json({ token, identity, sipDomain, expiresAt: new Date(expiresAtMs).toISOString() });
    }
    if (outcome.code === "sign-in-refused") return c.json({ code: outcome.code }, 401);
    return c.json({ code: outcome.code }, 429, { "Retry-After": String(outcome.retryAfterSeconds) });
  })
  .post("/renewal", async (c) => {
    const token = bearerToken(c.req.header("Authorization"));
    const account = token === undefined ? undefined : accountOf(token);
    const outcome =
      token === undefined || account === undefined
        ? ({ ok: false, code: "token-malformed" } as const)
        : await regionLinkOf(c.env).accounts.renewAccessToken(account, token);
    if (!outcome.ok) return c.json({ code: outcome.code }, 401);
    return c.json({ token: outcome.token, expiresAt: new Date(outcome.expiresAtMs).toISOString() });
  });

/** The edge sets the header and lets nobody else; elsewhere its absence or presence proves nothing. */
function sourceOf(c: Context<AppTypes>): string {
  return (c.req.raw.cf === undefined ? undefined : c.req.header("CF-Connecting-IP")) ?? "unknown";
}
