/** The calls of an account over all regions and days, a page at a time. */
import type { AccountSid, CallSid, CallToken } from "#protocol/ids";
import type { CallPageQuery } from "../domain/call-index/call-place.ts";
import { parseCallSidParts } from "../domain/call-sid.ts";
import type { CallSummary } from "../domain/calls/call-object-api.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { stubFor } from "../objects/stub-for.ts";
import { withDeadline } from "./deadline.ts";
import { regionLinkOf } from "./object-region-link.ts";

/** At most `limit` calls, newest first, and whether there are more in the direction asked for. */
export async function listCalls(
  env: Env,
  query: CallPageQuery,
): Promise<{ readonly calls: readonly CallSummary[]; readonly more: boolean }> {
  const { account, direction, place, limit } = query;
  const known = await regionLinkOf(env).accounts.callDays(account);
  const days = [...new Set(known.map(({ day }) => day))].filter(
    (day) => place === undefined || (direction === "older" ? day <= place.day : day >= place.day),
  );
  if (direction === "newer") days.reverse();
  const found: CallSummary[] = [];
  for (const day of days) {
    const missing = limit + 1 - found.length;
    if (missing <= 0) break;
    const regions = known.filter((entry) => entry.day === day).map(({ region }) => region);
    const cursor = place?.day === day ? { cursor: { createdAtMs: place.createdAtMs, sid: place.sid } } : {};
    const lists = await Promise.all(
      regions.map((region) =>
        withDeadline(
          "call-index.list",
          stubFor<"call-index">(env, { kind: "call-index", account, region, day }).list({
            direction,
            ...cursor,
            limit: missing,
            filter: query.filter,
          }),
        ),
      ),
    );
    const sign = direction === "older" ? -1 : 1;
    found.push(
      ...lists
        .flat()
        .toSorted((a, b) => sign * compareCalls(a, b))
        .slice(0, missing),
    );
  }
  const calls = found.slice(0, limit);
  if (direction === "newer") calls.reverse();
  return { calls, more: found.length > limit };
}

export async function findCall(
  env: Env,
  account: AccountSid,
  sid: CallSid,
): Promise<{ readonly token: CallToken; readonly summary: CallSummary } | undefined> {
  const { regionIndex, day } = parseCallSidParts(sid);
  const region = settingsOf(env).regions.regions[regionIndex]?.name;
  if (region === undefined) return undefined;
  return await withDeadline(
    "call-index.find",
    stubFor<"call-index">(env, { kind: "call-index", account, region, day }).find(sid),
  );
}

function compareCalls(a: CallSummary, b: CallSummary): number {
  return a.createdAtMs - b.createdAtMs || (a.sid < b.sid ? -1 : 1);
}
