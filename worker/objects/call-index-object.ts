import { DurableObject } from "cloudflare:workers";
import { parseAccountSid, parseCallToken, parseRegionName } from "#protocol/ids";
import type { CallSid } from "#protocol/ids";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { count } from "../counters.ts";
import { mayBeRunning } from "../domain/call-index/call-index-api.ts";
import type {
  CallIndexEntry,
  CallIndexObjectApi,
  CallIndexQuery,
  IndexedCall,
} from "../domain/call-index/call-index-api.ts";
import type { CallSummary } from "../domain/calls/call-object-api.ts";
import type { Env } from "../env.ts";
import { faultCode, log } from "../log.ts";
import { ownName } from "./own-name.ts";
import { migrate } from "./storage/migrate.ts";
import type { SchemaStep } from "./storage/migrate.ts";

const CALL_INDEX_SCHEMA: readonly SchemaStep[] = [
  {
    id: 1,
    what: "one row per call, with the summaries of its legs as JSON",
    sql: "CREATE TABLE IF NOT EXISTS calls (sid TEXT PRIMARY KEY, token TEXT NOT NULL, summaries TEXT NOT NULL) WITHOUT ROWID",
  },
];

/** Whether the account knows that this day has calls. */
const DAY_NOTED_KEY = "day-noted";

const CREATED = "json_extract(leg.value, '$.createdAtMs')";
const SID = "json_extract(leg.value, '$.sid')";
const STARTED = `COALESCE(json_extract(leg.value, '$.answeredAtMs'), ${CREATED})`;
const ENDED = "json_extract(leg.value, '$.endedAtMs')";

/** The calls of one account that began in one region on one day. A row is read as JSON so that each call costs one write. */
export class CallIndexObject extends DurableObject<Env> implements CallIndexObjectApi {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void migrate(ctx, CALL_INDEX_SCHEMA);
  }

  async record({ sid, token, summaries }: CallIndexEntry): Promise<void> {
    const [stored] = this.ctx.storage.sql.exec("SELECT summaries FROM calls WHERE sid = ?", sid).toArray();
    // A call's records travel on their own and may overtake each other.
    if (stored !== undefined && progressOf(summariesOf(String(stored["summaries"]))) > progressOf(summaries)) return;
    this.ctx.storage.sql.exec(
      "INSERT OR REPLACE INTO calls (sid, token, summaries) VALUES (?, ?, ?)",
      sid,
      token,
      JSON.stringify(summaries),
    );
    if (this.ctx.storage.kv.get(DAY_NOTED_KEY) === true) return;
    const [accountPart, regionPart, dayPart] = ownName(this.ctx, "call-index");
    const account = parseAccountSid(accountPart);
    const region = parseRegionName(regionPart);
    if (account === undefined || region === undefined)
      throw new TypeError("a call index is named by account, region and day");
    try {
      await regionLinkOf(this.env).accounts.noteCallDay(account, { region, day: Number(dayPart) });
      this.ctx.storage.kv.put(DAY_NOTED_KEY, true);
    } catch (error) {
      // The call stands; its day becomes listed with the next record.
      count("call-index.day-not-noted");
      log({ event: "fault", where: "call-index.note-day", code: faultCode(error) });
    }
  }

  async list({ direction, cursor, limit, filter = {} }: CallIndexQuery): Promise<readonly IndexedCall[]> {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const where = (condition: string, ...given: readonly (string | number | undefined)[]): void => {
      const present = given.filter((value) => value !== undefined);
      if (present.length < given.length) return;
      conditions.push(condition);
      values.push(...present);
    };
    const beyond = direction === "older" ? "<" : ">";
    where(`(${CREATED}, ${SID}) ${beyond} (?, ?)`, cursor?.createdAtMs, cursor?.sid);
    // What has not ended may have changed since: it is a candidate, and whoever asks looks at it again.
    const running = mayBeRunning(filter) ? `OR ${ENDED} IS NULL` : "";
    where(`(json_extract(leg.value, '$.status') = ? ${running})`, filter.status);
    where("json_extract(leg.value, '$.to') = ?", filter.to);
    where("json_extract(leg.value, '$.from') = ?", filter.from);
    where("json_extract(leg.value, '$.parentSid') = ?", filter.parentSid);
    where(`(${STARTED} >= ? ${running})`, filter.startFromMs);
    where(`(${STARTED} < ? ${running})`, filter.startUntilMs);
    where(`(${ENDED} >= ? ${running})`, filter.endFromMs);
    where(`(${ENDED} < ? ${running})`, filter.endUntilMs);
    const order = direction === "older" ? "DESC" : "ASC";
    return this.ctx.storage.sql
      .exec(
        `SELECT calls.token AS token, leg.value AS summary FROM calls, json_each(calls.summaries) AS leg
         ${conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : ""}
         ORDER BY ${CREATED} ${order}, ${SID} ${order} LIMIT ?`,
        ...values,
        limit,
      )
      .toArray()
      .flatMap((row) => indexedCall(row) ?? []);
  }

  async find(sid: CallSid): Promise<IndexedCall | undefined> {
    const [row] = this.ctx.storage.sql
      .exec(
        `SELECT calls.token AS token, leg.value AS summary FROM calls, json_each(calls.summaries) AS leg WHERE ${SID} = ? LIMIT 1`,
        sid,
      )
      .toArray();
    return row === undefined ? undefined : indexedCall(row);
  }
}

function indexedCall(row: Readonly<Record<string, SqlStorageValue>>): IndexedCall | undefined {
  const token = parseCallToken(row["token"]);
  return token === undefined ? undefined : { token, summary: summaryOf(String(row["summary"])) };
}

/** Grows as a call goes on: every leg that answers or ends adds to it. */
function progressOf(summaries: readonly CallSummary[]): number {
  return summaries.reduce(
    (sum, { answeredAtMs, endedAtMs, status }) =>
      sum +
      1 +
      (status === "queued" ? 0 : 1) +
      (answeredAtMs === undefined ? 0 : 1) +
      (endedAtMs === undefined ? 0 : 3),
    0,
  );
}

function summariesOf(json: string): readonly CallSummary[] {
  const summaries: readonly CallSummary[] = JSON.parse(json);
  return summaries;
}

function summaryOf(json: string): CallSummary {
  const summary: CallSummary = JSON.parse(json);
  return summary;
}
