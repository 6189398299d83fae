import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import twilio from "twilio";
import { createCallSid, dayOf } from "../../worker/domain/call-sid.ts";
import { sealCallToken } from "../../worker/call-token.ts";
import { parseRegionName } from "../../protocol/ids.ts";
import { createAccount } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

const REGIONS = ["us-east", "eu-west", "ap-south"];
/** The last calls of one day and the first of the next. */
const MIDNIGHT = Date.UTC(2026, 9, 5);

let worker: TestWorker;
let demo: TestAccount;
let other: TestAccount;
/** SIDs in the order in which calls were created. */
const created: { readonly sid: string; readonly status: string; readonly createdAtMs: number }[] = [];

async function recordCall(account: TestAccount, createdAtMs: number, index: number): Promise<void> {
  const regionIndex = index % REGIONS.length;
  const region = REGIONS[regionIndex]!;
  const day = dayOf(createdAtMs);
  const [sid, childSid] = [0, 1].map(() =>
    createCallSid({ regionIndex, day, randomHex: randomBytes(13).toString("hex") }),
  );
  const status = index % 2 === 0 ? "completed" : "no-answer";
  const answered = status === "completed" ? { answeredAtMs: createdAtMs + 2_000 } : {};
  const common = {
    account: account.sid,
    from: "client:alice",
    status,
    createdAtMs,
    updatedAtMs: createdAtMs + 9_000,
    endedAtMs: createdAtMs + 9_000,
    ...answered,
  };
  const parent = { ...common, sid, to: "client:bob", direction: "inbound" };
  const child = {
    ...common,
    sid: childSid,
    parentSid: sid,
    to: "client:bob",
    direction: "outbound-dial",
    createdAtMs: createdAtMs + 1,
  };
  const token = sealCallToken(worker.callTokenKey, {
    objectId: randomBytes(32).toString("hex"),
    region: parseRegionName(region)!,
  });
  await worker.recordCall({ account: account.sid, region, day, entry: { sid, token, summaries: [parent, child] } });
  if (account === demo)
    created.push({ sid: sid!, status, createdAtMs }, { sid: childSid!, status, createdAtMs: createdAtMs + 1 });
}

function clientOf(account: TestAccount, user = account.sid, password = account.authToken): twilio.Twilio {
  const client = twilio(user, password, { accountSid: account.sid });
  client.api.baseUrl = worker.origin;
  return client;
}

beforeAll(async () => {
  worker = await startWorker();
  demo = await createAccount(worker, "demo");
  other = await createAccount(worker, "other");
  for (let index = 0; index < 12; index += 1) await recordCall(demo, MIDNIGHT - 60_000 + index * 10_000, index);
  await recordCall(other, MIDNIGHT, 0);
});

afterAll(async () => {
  await worker.close();
});

async function get(
  path: string,
  headers: Record<string, string> = demo.basic(),
): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const response = await worker.request(path, { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("Twilio's helper library, unchanged", () => {
  it("lists the calls of all regions and days, newest first, page by page", async () => {
    const calls = await clientOf(demo).calls.list({ pageSize: 5 });
    expect(calls.map(({ sid }) => sid)).toEqual(created.map(({ sid }) => sid).toReversed());
    expect(calls.every(({ accountSid }) => accountSid === demo.sid)).toBe(true);
  });

  it("works with an API key as well", async () => {
    expect(await clientOf(demo, demo.apiKey.sid, demo.apiKey.secret).calls.list({ limit: 3 })).toHaveLength(3);
  });

  it("keeps filters over pages", async () => {
    const calls = await clientOf(demo).calls.list({ status: "completed", pageSize: 4 });
    expect(calls).toHaveLength(12);
    expect(new Set(calls.map(({ status }) => status))).toEqual(new Set(["completed"]));
  });

  it.each([
    { what: "the parent", filter: () => ({ parentCallSid: created[0]!.sid }), count: 1 },
    { what: "a number that nobody called", filter: () => ({ to: "client:nobody" }), count: 0 },
    { what: "a start after an instant", filter: () => ({ startTimeAfter: new Date(MIDNIGHT) }), count: 12 },
    { what: "a start before an instant", filter: () => ({ startTimeBefore: new Date(MIDNIGHT) }), count: 12 },
    { what: "an end before everything", filter: () => ({ endTimeBefore: new Date(0) }), count: 0 },
  ])("filters by $what", async ({ filter, count }) => {
    expect(await clientOf(demo).calls.list({ pageSize: 50, ...filter() })).toHaveLength(count);
  });

  it("goes forth and back through pages", async () => {
    const client = clientOf(demo);
    const first = await client.calls.page({ pageSize: 10 });
    const second = await first.nextPage();
    const third = await second!.nextPage();
    expect(third!.instances).toHaveLength(4);
    expect(await third!.nextPage()).toBeUndefined();
    const secondAgain = await third!.previousPage();
    expect(secondAgain!.instances.map(({ sid }) => sid)).toEqual(second!.instances.map(({ sid }) => sid));
    const firstAgain = await secondAgain!.previousPage();
    expect(firstAgain!.instances.map(({ sid }) => sid)).toEqual(first.instances.map(({ sid }) => sid));
  });

  it("fetches one call by its SID, and children of their parents", async () => {
    const call = await clientOf(demo).calls(created[0]!.sid).fetch();
    expect(call).toMatchObject({
      sid: created[0]!.sid,
      status: "completed",
      duration: "7",
      direction: "inbound",
      parentCallSid: null,
      to: "client:bob",
    });
    expect(call.dateCreated.getTime()).toBe(MIDNIGHT - 60_000);
    const child = await clientOf(demo).calls(created[1]!.sid).fetch();
    expect(child).toMatchObject({ parentCallSid: created[0]!.sid, direction: "outbound-dial" });
  });

  it("gets its own error for calls that are unknown or another account's", async () => {
    for (const sid of [`CA${"0".repeat(32)}`, created[0]!.sid]) {
      await expect(clientOf(other).calls(sid).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    }
    await expect(clientOf(demo, demo.sid, "wrong").calls.list()).rejects.toMatchObject({ status: 401, code: 20003 });
    await expect(clientOf(other, demo.sid, demo.authToken).calls.list()).rejects.toMatchObject({
      status: 404,
      code: 20404,
    });
  });
});

describe("the wire", () => {
  it("has Twilio's form of a list", async () => {
    const { body } = await get(`/2010-04-01/Accounts/${demo.sid}/Calls.json?PageSize=2&Status=completed`);
    const { calls, ...paging } = body as { calls: Record<string, unknown>[] } & Record<string, unknown>;
    const base = `/2010-04-01/Accounts/${demo.sid}/Calls.json?Status=completed&PageSize=2`;
    expect(paging).toMatchObject({
      page: 0,
      page_size: 2,
      start: 0,
      end: 1,
      uri: `${base}&Page=0`,
      first_page_uri: `${base}&Page=0`,
      previous_page_uri: null,
    });
    expect(paging["next_page_uri"]).toMatch(new RegExp(`^${base.replaceAll(/[.?]/g, "\\$&")}&Page=1&PageToken=PA`));
    expect(calls[0]).toMatchObject({
      date_created: "Mon, 05 Oct 2026 00:00:40 +0000",
      start_time: "Mon, 05 Oct 2026 00:00:42 +0000",
      duration: "7",
      price: null,
      api_version: "2010-04-01",
    });
    expect(calls[0]?.["uri"]).toBe(`/2010-04-01/Accounts/${demo.sid}/Calls/${String(calls[0]?.["sid"])}.json`);
  });

  it.each([
    { what: "a page size of 1001", query: "PageSize=1001", status: 400, code: 20007 },
    { what: "a page size of 0", query: "PageSize=0", status: 400, code: 20007 },
    { what: "a status that is none", query: "Status=sleeping", status: 400, code: 20001 },
    { what: "a date that is none", query: "StartTime=yesterday", status: 400, code: 20001 },
    { what: "a page token that is none", query: "PageToken=PAs1", status: 400, code: 20001 },
  ])("refuses $what with $status and $code", async ({ query, status, code }) => {
    const answer = await get(`/2010-04-01/Accounts/${demo.sid}/Calls.json?${query}`);
    expect(answer).toMatchObject({
      status,
      body: { code, status, more_info: `https://www.twilio.com/docs/errors/${code}` },
    });
  });

  it.each([
    { what: "no credentials", headers: { Authorization: "" } },
    { what: "a scheme that is none", headers: { Authorization: "Digest x" } },
    { what: "base64 that is none", headers: { Authorization: "Basic %%%" } },
  ])("refuses $what with 401 and 20003", async ({ headers }) => {
    const response = await worker.request(`/2010-04-01/Accounts/${demo.sid}/Calls.json`, { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get("WWW-Authenticate")).toBe('Basic realm="Twilio API"');
    expect(await response.json()).toMatchObject({ code: 20003, message: "Authenticate" });
  });

  it("answers other paths of this API with 404 and 20404", async () => {
    expect(await get(`/2010-04-01/Accounts/${demo.sid}/Sandwiches.json`)).toMatchObject({
      status: 404,
      body: { code: 20404 },
    });
  });
});
