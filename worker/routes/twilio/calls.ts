import { Hono } from "hono";
import type { Context } from "hono";
import { parseCallSid } from "#protocol/ids";
import { findCall, listCalls, presentCalls } from "../../adapters/call-list.ts";
import type { CallSummary } from "../../domain/calls/call-object-api.ts";
import { accountAuth } from "../../middleware/account-auth.ts";
import type { AccountTypes } from "../../middleware/app-types.ts";
import { pageToken, readCallListQuery } from "./call-query.ts";
import type { CallListQuery } from "./call-query.ts";
import { callResource, callsPath } from "./call-resource.ts";
import { twilioProblem } from "./problem.ts";

/** `/2010-04-01/Accounts/{AccountSid}/Calls`: lists and single calls, as the `twilio` libraries expect them. */
export const twilioCalls = new Hono<AccountTypes>()
  .use(accountAuth((c) => twilioProblem(c, "authenticate")))
  .get("/Calls.json", (c) => list(c))
  .get("/Calls", (c) => list(c))
  .get("/Calls/:file", async (c) => {
    const sid = parseCallSid(c.req.param("file").replace(/\.json$/, ""));
    if (sid === undefined || isForeign(c)) return twilioProblem(c, "not-found");
    const found = await findCall(c.env, c.var.account.sid, sid);
    const [call] = found === undefined ? [] : await presentCalls(c.env, [found]);
    return call === undefined ? twilioProblem(c, "not-found") : c.json(callResource(call));
  });

async function list(c: Context<AccountTypes>): Promise<Response> {
  if (isForeign(c)) return twilioProblem(c, "not-found");
  const query = readCallListQuery(new URL(c.req.url).searchParams);
  if (!query.ok) return twilioProblem(c, query.problem, query.parameter);
  const { sid } = c.var.account;
  const { calls, more } = await listCalls(c.env, { account: sid, ...query.page });
  return c.json(pageOf(sid, query, calls, more));
}

/** Another account's resources do not exist for this one. */
function isForeign(c: Context<AccountTypes>): boolean {
  return c.req.param("accountSid") !== c.var.account.sid;
}

function pageOf(
  account: string,
  query: Extract<CallListQuery, { ok: true }>,
  calls: readonly CallSummary[],
  more: boolean,
): Readonly<Record<string, unknown>> {
  const { number, filters, page } = query;
  const uri = (extra: readonly (readonly [string, string])[]): string =>
    `${callsPath(account)}.json?${new URLSearchParams([...filters, ["PageSize", String(page.limit)], ...extra].map(([name, value]) => [name, value])).toString()}`;
  const [newest] = calls;
  const oldest = calls.at(-1);
  // Whoever came from a newer page can go on, whatever lies beyond.
  const hasOlder = page.direction === "older" ? more : true;
  const hasNewer = number > 0 && (page.direction === "older" ? page.place !== undefined : more);

  return {
    calls: calls.map(callResource),
    page: number,
    page_size: page.limit,
    start: number * page.limit,
    end: number * page.limit + Math.max(0, calls.length - 1),
    uri: uri([["Page", String(number)], ...(query.token === undefined ? [] : [["PageToken", query.token] as const])]),
    first_page_uri: uri([["Page", "0"]]),
    next_page_uri:
      hasOlder && oldest !== undefined
        ? uri([
            ["Page", String(number + 1)],
            ["PageToken", pageToken("older", oldest)],
          ])
        : null,
    previous_page_uri:
      hasNewer && newest !== undefined
        ? uri([
            ["Page", String(number - 1)],
            ["PageToken", pageToken("newer", newest)],
          ])
        : null,
  };
}
