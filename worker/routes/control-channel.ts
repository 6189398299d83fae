import { Hono } from "hono";
import { settingsOf } from "../env.ts";
import type { AppTypes } from "../middleware/app-types.ts";
import { stubFor } from "../objects/stub-for.ts";

/** `/control?gateway=ID&channel=N`: where gateway nodes dial in. Who they are is proved inside (docs/design/control-channel.md). */
export const controlChannel = new Hono<AppTypes>().get("/", async (c) => {
  const entry = settingsOf(c.env).regions.gateways.find(({ id }) => id === c.req.query("gateway"));
  if (entry === undefined) return c.json({ code: "gateway-not-configured" }, 404);
  const channel = c.req.query("channel") ?? "";
  if (!/^[0-9]{1,2}$/.test(channel) || Number(channel) >= entry.channels)
    return c.json({ code: "channel-invalid" }, 404);
  return await stubFor<"gateway">(c.env, {
    kind: "gateway",
    region: entry.region,
    gateway: entry.id,
    channel: Number(channel),
  }).fetch(c.req.raw);
});
