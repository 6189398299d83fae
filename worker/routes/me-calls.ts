import { Hono } from "hono";
import { parseCallSid } from "#protocol/ids";
import type { AccountSid, EndpointId } from "#protocol/ids";
import { listCalls } from "../adapters/call-list.ts";
import { readCall } from "../adapters/call-reader.ts";
import { ownCalls } from "../domain/call-index/own-calls.ts";
import type { CallPlace } from "../domain/call-index/call-place.ts";
import { dayOf } from "../domain/call-sid.ts";
import type { CallRecord, CallSummary } from "../domain/calls/call-object-api.ts";
import type { Env } from "../env.ts";
import type { UserTypes } from "../middleware/app-types.ts";
import { ladderAnswer } from "./ladder-answer.ts";

const PAGE_LIMIT = 100;
const PAGE_DEFAULT = 30;
/** Devices that ring make legs of their own: so many are read for each call that is shown. */
const LEGS_PER_CALL = 3;
/** After every SID in the order of a list. */
const LAST_SID = "CA" + "f".repeat(32);

/** `/v1/me/calls`: the calls that the user took part in, and nobody else's. */
export const ownCallRoutes = new Hono<UserTypes>()
  .get("/", async (c) => {
    const limit = Number(c.req.query("limit") ?? PAGE_DEFAULT);
    const before = c.req.query("before");
    const beforeMs = before === undefined ? undefined : Date.parse(before);
    if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_LIMIT) return c.json({ code: "limit-invalid" }, 400);
    if (Number.isNaN(beforeMs)) return c.json({ code: "before-invalid" }, 400);
    const { account, identity } = c.var.user;
    const legs = await legsNaming(c.env, { account, identity, limit: limit * LEGS_PER_CALL, beforeMs });
    const calls = ownCalls(identity, legs);
    return c.json({
      calls: calls.slice(0, limit).map(({ createdAtMs, answeredAtMs, endedAtMs, ...call }) => ({
        ...call,
        createdAt: isoTime(createdAtMs),
        answeredAt: isoTime(answeredAtMs),
        endedAt: isoTime(endedAtMs),
      })),
      more: calls.length > limit,
    });
  })
  .get("/:sid", async (c) => {
    const sid = parseCallSid(c.req.param("sid"));
    if (sid === undefined) return c.json({ code: "call-sid-invalid" }, 400);
    const { account, identity } = c.var.user;
    const record = await readCall(c.env, account, sid, (call) => call.describe());
    // A call of others is as unknown as one that never was.
    if (record?.account !== account || !tookPart(record, identity)) return c.json({ code: "call-unknown" }, 404);
    // The decision's inputs say where others can be reached; its reasons are in the ladder.
    const { routing: _inputs, ...own } = record;
    return c.json(own);
  })
  .get("/:sid/ladder", async (c) => {
    const sid = parseCallSid(c.req.param("sid"));
    if (sid === undefined) return c.json({ code: "call-sid-invalid" }, 400);
    const { account, identity } = c.var.user;
    const told = await readCall(c.env, account, sid, (call) => call.ladder());
    if (told?.record.account !== account || !tookPart(told.record, identity))
      return c.json({ code: "call-unknown" }, 404);
    return ladderAnswer(c, told.ladder);
  });

/** Two lists, because a leg names its two ends in different fields. `beforeMs` is inclusive: instants are shared. */
async function legsNaming(
  env: Env,
  query: {
    readonly account: AccountSid;
    readonly identity: EndpointId;
    readonly limit: number;
    readonly beforeMs: number | undefined;
  },
): Promise<readonly CallSummary[]> {
  const { account, identity, limit, beforeMs } = query;
  const sid = parseCallSid(LAST_SID);
  const place: CallPlace | undefined =
    beforeMs === undefined || sid === undefined ? undefined : { day: dayOf(beforeMs), createdAtMs: beforeMs, sid };
  const lists = await Promise.all(
    (["from", "to"] as const).map((end) =>
      listCalls(env, { account, direction: "older", place, limit, filter: { [end]: `client:${identity}` } }),
    ),
  );
  return lists.flatMap(({ calls }) => calls);
}

function tookPart(record: CallRecord, identity: EndpointId): boolean {
  return record.from === identity || record.to === identity || record.legs.some((leg) => leg.identity === identity);
}

function isoTime(atMs: number | undefined): string | null {
  return atMs === undefined ? null : new Date(atMs).toISOString();
}
