import { Hono } from "hono";
import type { AccountSid, EndpointId, RegionName } from "#protocol/ids";
import { fleetSnapshot } from "../adapters/fleet-snapshot.ts";
import { locateEndpoint } from "../adapters/locate.ts";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import type { GatewayStatus } from "../domain/routing/gateway-status.ts";
import { registrationHasRunOut } from "../domain/routing/route-reach.ts";
import type { Env } from "../env.ts";
import type { UserTypes } from "../middleware/app-types.ts";
import { requestRegion } from "./request-region.ts";

/** Each of them is asked for its routes: a page shows what people can overlook, and a longer list is searched. */
const CONTACT_LIMIT = 50;

/** `/v1/me/contacts`: the other identities of the account and whether they can be reached now. */
export const contacts = new Hono<UserTypes>().get("/", async (c) => {
  const region = requestRegion(c);
  if (region === undefined) return c.json({ code: "region-invalid" }, 400);
  const { account, identity } = c.var.user;
  const containing = (c.req.query("search") ?? "").trim().toLowerCase().slice(0, 64);
  const found = await regionLinkOf(c.env).accounts.identities(account, { containing, limit: CONTACT_LIMIT + 2 });
  const others = found.filter((one) => one !== identity);
  const shown = others.slice(0, CONTACT_LIMIT);
  const fleet = await fleetSnapshot(c.env, region);
  const presences = await Promise.all(shown.map((one) => presenceOf(c.env, { account, identity: one, region, fleet })));
  return c.json({ contacts: presences, more: others.length > shown.length });
});

/** Reachable is who has a route that a call would take (US20130072153A1 calls it the presence status). */
async function presenceOf(
  env: Env,
  input: {
    readonly account: AccountSid;
    readonly identity: EndpointId;
    readonly region: RegionName;
    readonly fleet: readonly GatewayStatus[];
  },
): Promise<Readonly<Record<string, unknown>>> {
  const { account, identity, region, fleet } = input;
  const { routes } = await locateEndpoint(env, account, region, identity);
  const nowMs = Date.now();
  const live = routes.filter((route) => !registrationHasRunOut(route, fleet, nowMs));
  return {
    identity,
    presence: live.length > 0 ? "online" : "offline",
    devices: new Set(live.map(({ device }) => device)).size,
    regions: [...new Set(live.map((route) => route.region))],
  };
}
