import { Hono } from "hono";
import { settingsOf } from "../env.ts";
import type { AppTypes } from "../middleware/app-types.ts";

/** `/health`: this Worker answers and its settings are whole. */
export const health = new Hono<AppTypes>().get("/", (c) => {
  const { regions } = settingsOf(c.env);
  return c.json({ status: "ok", regions: regions.regions.map(({ name }) => name) });
});
