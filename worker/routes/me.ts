import { Hono } from "hono";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { BUILT_IN_NUMBERS } from "../domain/instructions/built-in-documents.ts";
import { settingsOf } from "../env.ts";
import type { UserTypes } from "../middleware/app-types.ts";
import { userAuth } from "../middleware/user-auth.ts";
import { ownCallRoutes } from "./me-calls.ts";
import { contacts } from "./me-contacts.ts";
import { ownSettings } from "./me-settings.ts";
import { requestPlace, requestRegion } from "./request-region.ts";

/** `/v1/me`: what a signed-in user may know of the platform, and everything that is theirs. */
export const me = new Hono<UserTypes>()
  .use(userAuth())
  .get("/", async (c) => {
    const region = requestRegion(c);
    if (region === undefined) return c.json({ code: "region-invalid" }, 400);
    const { account, identity, mayReceive, expiresAtMs } = c.var.user;
    const { regions } = settingsOf(c.env);
    const profile = await regionLinkOf(c.env).accounts.profile(account);
    return c.json({
      identity,
      sipDomain: profile?.sipDomain ?? null,
      mayReceive,
      tokenExpiresAt: new Date(expiresAtMs).toISOString(),
      region,
      place: requestPlace(c.req.raw) ?? null,
      regions: regions.regions.map(({ name, latitude, longitude }) => ({ name, latitude, longitude })),
      numbers: BUILT_IN_NUMBERS,
      gateways: regions.gateways.map(({ id, region: at }) => ({ id, region: at })),
    });
  })
  .route("/contacts", contacts)
  .route("/calls", ownCallRoutes)
  .route("/settings", ownSettings);
