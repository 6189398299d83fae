import { Hono } from "hono";
import { parseCallSid } from "#protocol/ids";
import { findCall } from "../adapters/call-list.ts";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { openCallToken } from "../call-token.ts";
import { settingsOf } from "../env.ts";
import { accountAuth, refuseAccount } from "../middleware/account-auth.ts";
import type { AccountTypes } from "../middleware/app-types.ts";

/** `/v1/calls`: a call with its legs, its routing decision and its log. */
export const calls = new Hono<AccountTypes>().use(accountAuth(refuseAccount)).get("/:sid", async (c) => {
  const sid = parseCallSid(c.req.param("sid"));
  if (sid === undefined) return c.json({ code: "call-sid-invalid" }, 400);
  const entry = await findCall(c.env, c.var.account.sid, sid);
  const name = entry === undefined ? undefined : openCallToken(settingsOf(c.env).callTokenKey, entry.token);
  const record = name === undefined ? undefined : await regionLinkOf(c.env).call(name).describe();
  if (record === undefined || record.account !== c.var.account.sid) return c.json({ code: "call-unknown" }, 404);
  return c.json(record);
});
