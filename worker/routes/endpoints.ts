import { Hono } from "hono";
import { parseEndpointId } from "#protocol/ids";
import { fleetDetails } from "../adapters/gateway-fleet.ts";
import { locateEndpoint } from "../adapters/locate.ts";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import type { EndpointRoute } from "../domain/location/endpoint-route.ts";
import type { GatewayStatus } from "../domain/routing/gateway-status.ts";
import { registrationHasRunOut } from "../domain/routing/route-reach.ts";
import { settingsOf } from "../env.ts";
import { accountAuth, refuseAccount } from "../middleware/account-auth.ts";
import type { AccountTypes } from "../middleware/app-types.ts";
import { settingsBody } from "./callee-settings.ts";
import { readJson } from "./json-body.ts";

/** `/v1/endpoints`: where an endpoint can be reached now, and what becomes of calls to it. */
export const endpoints = new Hono<AccountTypes>()
  .use(accountAuth(refuseAccount))
  .get("/:identity/routes", async (c) => {
    const identity = parseEndpointId(c.req.param("identity"));
    if (identity === undefined) return c.json({ code: "identity-invalid" }, 400);
    const { central } = settingsOf(c.env).regions;
    const [{ known, routes }, fleet] = await Promise.all([
      locateEndpoint(c.env, c.var.account.sid, central, identity),
      fleetDetails(c.env),
    ]);
    if (!known) return c.json({ code: "endpoint-unknown" }, 404);
    const statuses = fleet.gateways.map(({ status }) => status);
    const nowMs = Date.now();
    const live = routes.filter((route) => !registrationHasRunOut(route, statuses, nowMs));
    return c.json({ identity, routes: live.map((route) => describeRoute(route, statuses, nowMs)) });
  })
  .get("/:identity/settings", async (c) => {
    const identity = parseEndpointId(c.req.param("identity"));
    if (identity === undefined) return c.json({ code: "identity-invalid" }, 400);
    const settings = await regionLinkOf(c.env).accounts.endpointSettings(c.var.account.sid, identity);
    return settings === undefined ? c.json({ code: "endpoint-unknown" }, 404) : c.json(settings);
  })
  .put("/:identity/settings", async (c) => {
    const identity = parseEndpointId(c.req.param("identity"));
    if (identity === undefined) return c.json({ code: "identity-invalid" }, 400);
    const { sid, sipDomain } = c.var.account;
    const body = await readJson(c.req.raw, settingsBody(sipDomain));
    if (!body.ok) return c.json(body.problem, 400);
    const settings = body.value;
    const stored = await regionLinkOf(c.env).accounts.storeEndpointSettings(sid, { identity, settings });
    return stored ? c.json(settings) : c.json({ code: "endpoint-unknown" }, 404);
  });

function describeRoute(
  route: EndpointRoute,
  fleet: readonly GatewayStatus[],
  nowMs: number,
): Readonly<Record<string, unknown>> {
  return {
    routeId: route.routeId,
    device: route.device,
    kind: route.kind,
    region: route.region,
    gateway: route.gateway ?? null,
    bridge: route.bridge ?? null,
    transport: route.transport,
    contact: route.contact,
    reachability: route.reachability,
    userAgent: route.userAgent ?? null,
    registeredAt: new Date(route.registeredAtMs).toISOString(),
    expiresAt: new Date(route.expiresAtMs).toISOString(),
    lease: leaseState(route, fleet, nowMs),
  };
}

/** A route is as good as whoever holds its flow: the gateway's state, or the socket that would have removed it. */
function leaseState(
  route: EndpointRoute,
  fleet: readonly GatewayStatus[],
  nowMs: number,
): "confirmed" | "suspect" | "lost" {
  if (route.confirmedUntilMs <= nowMs) return "lost";
  if (route.kind === "browser") return "confirmed";
  const holder = fleet.find(({ gateway }) => gateway === route.gateway);
  if (holder === undefined || holder.state === "down" || holder.instance !== route.gatewayInstance) return "lost";
  return holder.state === "suspect" ? "suspect" : "confirmed";
}
