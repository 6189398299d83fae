import { Hono } from "hono";
import type { Context } from "hono";
import { parseCallSid } from "#protocol/ids";
import { readCall } from "../adapters/call-reader.ts";
import { accountAuth, refuseAccount } from "../middleware/account-auth.ts";
import type { AccountTypes } from "../middleware/app-types.ts";
import { ladderAnswer } from "./ladder-answer.ts";

/** `/v1/calls`: a call with its legs, its routing decision and its log; and the same told in order. */
export const calls = new Hono<AccountTypes>()
  .use(accountAuth(refuseAccount))
  .get("/:sid", async (c) => {
    const sid = parseCallSid(c.req.param("sid"));
    if (sid === undefined) return c.json({ code: "call-sid-invalid" }, 400);
    const record = await readCall(c.env, c.var.account.sid, sid, (call) => call.describe());
    return record?.account === c.var.account.sid ? c.json(record) : unknown(c);
  })
  .get("/:sid/ladder", async (c) => {
    const sid = parseCallSid(c.req.param("sid"));
    if (sid === undefined) return c.json({ code: "call-sid-invalid" }, 400);
    const told = await readCall(c.env, c.var.account.sid, sid, (call) => call.ladder());
    return told?.record.account === c.var.account.sid ? ladderAnswer(c, told.ladder) : unknown(c);
  });

function unknown(c: Context<AccountTypes>): Response {
  return c.json({ code: "call-unknown" }, 404);
}
