import { Hono } from "hono";
import { BRIDGE_SHARDS } from "../domain/bridging/bridge-object-api.ts";
import type { AppTypes } from "../middleware/app-types.ts";
import { stubFor } from "../objects/stub-for.ts";
import { requestRegion } from "./request-region.ts";

/** `/sip`: SIP over WebSocket (RFC 7118), to a bridge shard of the nearest region. */
export const sipSocket = new Hono<AppTypes>().get("/", async (c) => {
  const offered = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",").map((name) => name.trim().toLowerCase());
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket" || !offered.includes("sip")) {
    return c.json({ code: "websocket-sip-expected" }, 426, { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip" });
  }
  const region = requestRegion(c);
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
