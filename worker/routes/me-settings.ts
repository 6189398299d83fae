import { Hono } from "hono";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import type { UserTypes } from "../middleware/app-types.ts";
import { settingsBody } from "./callee-settings.ts";
import { readJson } from "./json-body.ts";

/** `/v1/me/settings`: what becomes of calls to the user. */
export const ownSettings = new Hono<UserTypes>()
  .get("/", async (c) => {
    const { account, identity } = c.var.user;
    const settings = await regionLinkOf(c.env).accounts.endpointSettings(account, identity);
    return settings === undefined ? c.json({ code: "endpoint-unknown" }, 404) : c.json(settings);
  })
  .put("/", async (c) => {
    const { account, identity } = c.var.user;
    const { accounts } = regionLinkOf(c.env);
    const profile = await accounts.profile(account);
    if (profile === undefined) return c.json({ code: "endpoint-unknown" }, 404);
    const body = await readJson(c.req.raw, settingsBody(profile.sipDomain));
    if (!body.ok) return c.json(body.problem, 400);
    const stored = await accounts.storeEndpointSettings(account, { identity, settings: body.value });
    return stored ? c.json(body.value) : c.json({ code: "endpoint-unknown" }, 404);
  });
