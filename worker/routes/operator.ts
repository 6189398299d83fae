import { Hono } from "hono";
import * as z from "zod";
import { parseAccountSid, parseEndpointId, parseGatewayId, parseRegionName, parseSipDomain } from "#protocol/ids";
import { fleetDetails } from "../adapters/gateway-fleet.ts";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { countersSnapshot } from "../counters.ts";
import { decodeBase64 } from "../encoding.ts";
import { settingsOf } from "../env.ts";
import type { AppTypes } from "../middleware/app-types.ts";
import { operatorAuth } from "../middleware/operator-auth.ts";
import { stubFor } from "../objects/stub-for.ts";
import { idText, readJson } from "./json-body.ts";

const PASSWORD = z.string().min(8).max(256);

const ACCOUNT_BODY = z.strictObject({
  name: z.string().min(1).max(100),
  sipDomain: idText("sip-domain-invalid", parseSipDomain),
  authToken: z.string().min(16).max(256),
  apiKeys: z
    .array(z.strictObject({ sid: z.string().regex(/^SK[0-9a-f]{32}$/), secret: z.string().min(16).max(256) }))
    .max(100)
    .default([]),
  users: z
    .array(z.strictObject({ identity: idText("identity-invalid", parseEndpointId), password: PASSWORD }))
    .max(10_000)
    .default([]),
});

const GATEWAY_BODY = z.strictObject({
  region: idText("region-invalid", parseRegionName),
  publicKey: z.string().refine((text) => decodeBase64(text)?.length === 32, "32 bytes as base64url"),
});

/** `/v1/operator`: accounts, gateway keys and counters, for whoever runs this. */
export const operator = new Hono<AppTypes>()
  .use(operatorAuth())
  .put("/accounts/:sid", async (c) => {
    const sid = parseAccountSid(c.req.param("sid"));
    if (sid === undefined) return c.json({ code: "account-sid-invalid" }, 400);
    const body = await readJson(c.req.raw, ACCOUNT_BODY);
    if (!body.ok) return c.json(body.problem, 400);
    const outcome = await stubFor<"account">(c.env, { kind: "account", account: sid }).upsert({ sid, ...body.value });
    return outcome.ok
      ? c.json({ sid, name: body.value.name, sipDomain: body.value.sipDomain, users: body.value.users.length })
      : c.json({ code: outcome.code }, 409);
  })
  .put("/gateways/:id", async (c) => {
    const entry = settingsOf(c.env).regions.gateways.find(({ id }) => id === parseGatewayId(c.req.param("id")));
    if (entry === undefined) return c.json({ code: "gateway-not-configured" }, 404);
    const body = await readJson(c.req.raw, GATEWAY_BODY);
    if (!body.ok) return c.json(body.problem, 400);
    if (body.value.region !== entry.region)
      return c.json({ code: "region-mismatch", problems: [`this gateway is configured in ${entry.region}`] }, 400);
    await regionLinkOf(c.env).region(entry.region).enrol({ gateway: entry.id, publicKey: body.value.publicKey });
    return c.json({ gateway: entry.id, region: entry.region });
  })
  .delete("/gateways/:id", async (c) => {
    const entry = settingsOf(c.env).regions.gateways.find(({ id }) => id === parseGatewayId(c.req.param("id")));
    if (entry === undefined) return c.json({ code: "gateway-not-configured" }, 404);
    const { known } = await regionLinkOf(c.env).region(entry.region).revoke(entry.id);
    return known ? c.body(null, 204) : c.json({ code: "gateway-not-enrolled" }, 404);
  })
  .get("/counters", async (c) => {
    const { gateways, unreachable } = await fleetDetails(c.env);
    return c.json({
      worker: countersSnapshot(),
      gateways: Object.fromEntries(gateways.map(({ status, counters }) => [status.gateway, counters])),
      unreachable,
    });
  });
