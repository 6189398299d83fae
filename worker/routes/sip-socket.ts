import { Hono } from "hono";
import type { Context } from "hono";
import { parseRegionName } from "#protocol/ids";
import type { RegionName } from "#protocol/ids";
import { BRIDGE_SHARDS } from "../domain/bridging/bridge-object-api.ts";
import { nearestRegion } from "../domain/location/nearest-region.ts";
import { settingsOf } from "../env.ts";
import type { AppTypes } from "../middleware/app-types.ts";
import { stubFor } from "../objects/stub-for.ts";

/** `/sip`: SIP over WebSocket (RFC 7118), to a bridge shard of the nearest region. */
export const sipSocket = new Hono<AppTypes>().get("/", async (c) => {
  const offered = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",").map((name) => name.trim().toLowerCase());
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket" || !offered.includes("sip")) {
    return c.json({ code: "websocket-sip-expected" }, 426, { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip" });
  }
  const region = regionOf(c);
  if (region === undefined) return c.json({ code: "region-invalid" }, 400);
  const first = crypto.getRandomValues(new Uint8Array(1))[0] ?? 0;
  for (let tried = 0; tried < BRIDGE_SHARDS; tried += 1) {
    const response = await stubFor<"bridge">(c.env, {
      kind: "bridge",
      region,
      shard: (first + tried) % BRIDGE_SHARDS,
    }).fetch(c.req.raw);
    if (response.status !== 503) return response;
  }
  return c.json({ code: "region-full" }, 503, { "Retry-After": "5" });
});

/** Where the request entered; in development whatever it says. `undefined`: it names a region that is none. */
function regionOf(c: Context<AppTypes>): RegionName | undefined {
  const { regions, development } = settingsOf(c.env);
  const named = c.req.query("region");
  if (named !== undefined && (development || regions.allowDevelopmentRegionQuery === true)) {
    return regions.regions.find(({ name }) => name === parseRegionName(named))?.name;
  }
  const { cf } = c.req.raw;
  const latitude = Number(cf?.["latitude"] ?? Number.NaN);
  const longitude = Number(cf?.["longitude"] ?? Number.NaN);
  return nearestRegion(
    regions,
    Number.isFinite(latitude) && Number.isFinite(longitude) ? { latitude, longitude } : undefined,
  );
}
