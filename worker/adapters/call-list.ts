/** The calls of an account over all regions and days, a page at a time; those that have not ended as they are now. */
import type { AccountSid, CallSid, RegionName } from "#protocol/ids";
import { openCallToken } from "../call-token.ts";
import { count } from "../counters.ts";
import { matchesFilter } from "../domain/call-index/call-index-api.ts";
import type { CallCursor, IndexedCall } from "../domain/call-index/call-index-api.ts";
import type { CallPageQuery } from "../domain/call-index/call-place.ts";
import { parseCallSidParts } from "../domain/call-sid.ts";
import type { CallSummary } from "../domain/calls/call-object-api.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { stubFor } from "../objects/stub-for.ts";
import { withDeadline } from "./deadline.ts";
import { regionLinkOf } from "./object-region-link.ts";

/** Call objects that one request asks, and how many of them at a time. A page of more running calls shows the rest as they began. */
const CALLS_ASKED = 200;
const CALLS_AT_ONCE = 20;

/** Where a day's list is read, and from where on. */
interface DayPlace {
  readonly day: number;
  readonly regions: readonly RegionName[];
  readonly cursor: CallCursor | undefined;
}

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
    const regions = known.filter((entry) => entry.day === day).map(({ region }) => region);
    let cursor: CallCursor | undefined = place?.day === day ? place : undefined;
    // A call that has not ended is read whatever the filter, so a stretch may hold fewer than it was long.
    for (let exhausted = false; !exhausted && found.length <= limit;) {
      const wanted = limit + 1 - found.length;
      const stretch = await readStretch(env, query, { day, regions, cursor }, wanted);
      found.push(...(await presentCalls(env, stretch)).filter((call) => matchesFilter(call, query.filter)));
      cursor = stretch.at(-1)?.summary;
      exhausted = stretch.length < wanted;
    }
    if (found.length > limit) break;
  }
  const calls = found.slice(0, limit);
  if (direction === "newer") calls.reverse();
  return { calls, more: found.length > limit };
}

/** The next calls of all regions on a day, as their indexes know them. */
async function readStretch(
  env: Env,
  { account, direction, filter }: CallPageQuery,
  { day, regions, cursor }: DayPlace,
  limit: number,
): Promise<readonly IndexedCall[]> {
  const from = cursor === undefined ? {} : { cursor: { createdAtMs: cursor.createdAtMs, sid: cursor.sid } };
  const lists = await Promise.all(
    regions.map((region) =>
      withDeadline(
        "call-index.list",
        stubFor<"call-index">(env, { kind: "call-index", account, region, day }).list({
          direction,
          ...from,
          limit,
          filter,
        }),
      ),
    ),
  );
  const sign = direction === "older" ? -1 : 1;
  return lists
    .flat()
    .toSorted((a, b) => sign * compareCalls(a.summary, b.summary))
    .slice(0, limit);
}

/** The index entry of a call or of one of its legs. */
export async function findCall(env: Env, account: AccountSid, sid: CallSid): Promise<IndexedCall | undefined> {
  const { regionIndex, day } = parseCallSidParts(sid);
  const region = settingsOf(env).regions.regions[regionIndex]?.name;
  if (region === undefined) return undefined;
  return await withDeadline(
    "call-index.find",
    stubFor<"call-index">(env, { kind: "call-index", account, region, day }).find(sid),
  );
}

/** Index entries brought up to date, each call asked once. One that cannot be asked stays as it was written. */
export async function presentCalls(env: Env, indexed: readonly IndexedCall[]): Promise<readonly CallSummary[]> {
  const running = new Set(indexed.filter(({ summary }) => summary.endedAtMs === undefined).map(({ token }) => token));
  const asked = [...running].slice(0, CALLS_ASKED);
  const present = new Map<CallSid, CallSummary>();
  for (let from = 0; from < asked.length; from += CALLS_AT_ONCE) {
    const some = asked.slice(from, from + CALLS_AT_ONCE);
    const answers = await Promise.all(some.map((token) => summariesOf(env, token)));
    for (const summary of answers.flat()) present.set(summary.sid, summary);
  }
  return indexed.map(({ summary }) => present.get(summary.sid) ?? summary);
}

async function summariesOf(env: Env, token: IndexedCall["token"]): Promise<readonly CallSummary[]> {
  const name = openCallToken(settingsOf(env).callTokenKey, token);
  if (name === undefined) return [];
  try {
    return await regionLinkOf(env).call(name).summaries();
  } catch {
    count("call-list.call-unreachable");
    return [];
  }
}

function compareCalls(a: CallSummary, b: CallSummary): number {
  return a.createdAtMs - b.createdAtMs || (a.sid < b.sid ? -1 : 1);
}
