/** The HTTP API against the whole stack: without credentials, with wrong ones, across accounts, and with requests that do not fit. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectHonestTraffic } from "../support/honest-traffic.ts";
import { Lab } from "../support/lab.ts";
import { RawSipClient } from "../support/raw-sip-client.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import {
  askOperator,
  leaksIn,
  processIds,
  readLogs,
  readSecrets,
  risen,
  workerCounters,
} from "../support/stack-watch.ts";

const SDP = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0", ""];

const lab = new Lab();
let stack: Stack;
let processesAtStart: Readonly<Record<string, number | null>>;
/** A call of the account `demo`. */
let call: string;
/** Every body that a request of this file was answered with. */
let heard = "";

beforeAll(async () => {
  stack = await lab.own(startStack());
  processesAtStart = await processIds(stack);
  call = await makeCall();
});
afterAll(() => lab.close());

/** alice calls carol, who is not registered: that is a call too. */
async function makeCall(): Promise<string> {
  const alice = await lab.own(await RawSipClient.open(stack, "udp"));
  const uri = `sip:carol@${alice.user.domain}`;
  const request = {
    requestUri: uri,
    to: `<${uri}>`,
    headers: [`Contact: ${alice.contact}`, "Content-Type: application/sdp"],
    body: SDP.join("\r\n"),
  };
  const credentials = alice.authorization("INVITE", await alice.ask("INVITE", request), { requestUri: uri });
  expect((await alice.ask("INVITE", { ...request, headers: [...request.headers, credentials] })).status).toBe(480);
  const { sid } = stack.account();
  const list = (await (await stack.request(`/2010-04-01/Accounts/${sid}/Calls.json`)).json()) as {
    readonly calls: readonly { readonly sid: string }[];
  };
  const [only] = list.calls;
  if (only === undefined) throw new Error("the call is in the list");
  return only.sid;
}

async function ask(path: string, init: RequestInit = {}): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(new URL(path, stack.http), init);
  const text = await response.text();
  heard += `${text}\n`;
  return { status: response.status, body: JSON.parse(text) as unknown };
}

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

const ACCOUNT_PATHS = (): readonly { readonly path: string; readonly refusal: unknown }[] => {
  const { sid } = stack.account();
  const own = { code: "account-credentials-invalid" };
  const twilio = { code: 20_003, status: 401 };
  return [
    { path: "/v1/endpoints/alice/routes", refusal: own },
    { path: `/v1/calls/${call}`, refusal: own },
    { path: "/v1/gateways", refusal: own },
    { path: `/2010-04-01/Accounts/${sid}/Calls.json`, refusal: twilio },
    { path: `/2010-04-01/Accounts/${sid}/Calls/${call}.json`, refusal: twilio },
  ];
};

describe("credentials of an account", () => {
  it.each<{ readonly what: string; readonly authorization: () => string | undefined }>([
    { what: "none", authorization: () => undefined },
    { what: "an auth token that is wrong", authorization: () => basic(stack.account().sid, "0".repeat(32)) },
    {
      what: "the other account's token",
      authorization: () => basic(stack.account().sid, stack.account("other").authToken),
    },
    { what: "an account that is none", authorization: () => basic(`AC${"0".repeat(32)}`, "x") },
    { what: "an API key that is none", authorization: () => basic(`SK${"0".repeat(32)}`, "x") },
    { what: "an API key with another's secret", authorization: () => basic(stack.account().apiKey.sid, "wrong") },
    { what: "a user without a password", authorization: () => basic(stack.account().sid, "") },
    { what: "a name of no form", authorization: () => basic("../../accounts", "x") },
    { what: "no base64", authorization: () => "Basic %%%" },
    { what: "no colon inside", authorization: () => `Basic ${Buffer.from("nocolon").toString("base64")}` },
    { what: "another scheme", authorization: () => `Bearer ${stack.account().authToken}` },
    { what: "60 kB of name", authorization: () => basic("x".repeat(6_000), "x") },
  ])("that are $what open nothing: 401", async ({ authorization }) => {
    const value = authorization();
    const init: RequestInit = value === undefined ? {} : { headers: { authorization: value } };
    for (const { path, refusal } of ACCOUNT_PATHS()) {
      const before = await workerCounters(stack);
      const { status, body } = await ask(path, init);
      expect(status, path).toBe(401);
      expect(body, path).toMatchObject(refusal as object);
      expect(risen(before, await workerCounters(stack))).toMatchObject({ "http.account-refused": 1 });
    }
  });

  it("are asked for by name, so that client libraries know what to send", async () => {
    expect((await fetch(`${stack.http}/v1/gateways`)).headers.get("www-authenticate")).toMatch(/^Basic realm=/);
  });

  it("of another account do not show that something exists", async () => {
    const [demo, other] = [stack.account(), stack.account("other")];
    const init = { headers: { authorization: basic(other.sid, other.authToken) } };
    const unknown = `CA${"0".repeat(32)}`;
    for (const sid of [call, unknown]) {
      expect(await ask(`/v1/calls/${sid}`, init)).toEqual({ status: 404, body: { code: "call-unknown" } });
      const path = `/2010-04-01/Accounts/${other.sid}/Calls/${sid}.json`;
      expect(await ask(path, init)).toMatchObject({ status: 404, body: { code: 20_404 } });
    }
    for (const path of [`Calls.json`, `Calls/${call}.json`]) {
      const answer = await ask(`/2010-04-01/Accounts/${demo.sid}/${path}`, init);
      expect(answer).toMatchObject({ status: 404, body: { code: 20_404 } });
    }
    const lists = await ask(`/2010-04-01/Accounts/${other.sid}/Calls.json`, init);
    expect(lists).toMatchObject({ status: 200, body: { calls: [] } });
    // …while its owner sees it.
    expect((await stack.request(`/v1/calls/${call}`)).status).toBe(200);
  });
});

describe("the operator's doors", () => {
  it.each<{ readonly what: string; readonly headers: () => Record<string, string> }>([
    { what: "no token", headers: () => ({}) },
    { what: "a wrong token", headers: () => ({ authorization: `Bearer ${"0".repeat(64)}` }) },
    {
      what: "an account's credentials",
      headers: () => ({ authorization: basic(stack.account().sid, stack.account().authToken) }),
    },
    { what: "the token as Basic", headers: () => ({ authorization: "Basic b3BlcmF0b3I6eA==" }) },
  ])("are closed to $what: 401", async ({ headers }) => {
    const before = await workerCounters(stack);
    const doors = [
      ["GET", "/v1/operator/counters"],
      ["PUT", `/v1/operator/accounts/${stack.account().sid}`],
      ["PUT", "/v1/operator/gateways/us-east"],
      ["DELETE", "/v1/operator/gateways/us-east"],
      ["GET", "/v1/operator/nothing-here"],
    ] as const;
    for (const [method, path] of doors) {
      const answer = await ask(path, { method, headers: headers() });
      expect(answer).toEqual({ status: 401, body: { code: "operator-token-invalid" } });
    }
    expect(risen(before, await workerCounters(stack))).toMatchObject({ "http.operator-refused": doors.length });
  });

  it.each<{
    readonly what: string;
    readonly path: string;
    readonly body: string;
    readonly status: number;
    readonly code: string;
  }>([
    { what: "no JSON", path: "gateways/us-east", body: "{", status: 400, code: "body-invalid" },
    { what: "no body", path: "gateways/us-east", body: "", status: 400, code: "body-invalid" },
    { what: "a list", path: "gateways/us-east", body: "[]", status: 400, code: "body-invalid" },
    { what: "a number", path: "gateways/us-east", body: "7", status: 400, code: "body-invalid" },
    {
      what: "a key that is none",
      path: "gateways/us-east",
      body: '{"region":"us-east","publicKey":"abc"}',
      status: 400,
      code: "body-invalid",
    },
    {
      what: "fields that nobody knows",
      path: `accounts/AC${"1".repeat(32)}`,
      body: '{"admin":true}',
      status: 400,
      code: "body-invalid",
    },
    {
      what: "deep nesting",
      path: "gateways/us-east",
      body: `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
      status: 400,
      code: "body-invalid",
    },
    {
      what: "two megabytes",
      path: "gateways/us-east",
      body: JSON.stringify({ region: "x".repeat(2_000_000) }),
      status: 400,
      code: "body-invalid",
    },
    { what: "a gateway on no map", path: "gateways/atlantis", body: "{}", status: 404, code: "gateway-not-configured" },
    {
      what: "an account SID that is none",
      path: "accounts/alice",
      body: "{}",
      status: 400,
      code: "account-sid-invalid",
    },
  ])("answer $what with $status $code", async ({ path, body, status, code }) => {
    const response = await askOperator(stack, `/v1/operator/${path}`, { method: "PUT", body });
    const text = await response.text();
    heard += `${text}\n`;
    expect(response.status).toBe(status);
    expect(JSON.parse(text)).toMatchObject({ code });
    expect(text.length).toBeLessThan(1_000);
  });

  it("take no domain from its account", async () => {
    const { name, sipDomain, authToken } = stack.account();
    const body = JSON.stringify({ name, sipDomain, authToken });
    const answer = await askOperator(stack, `/v1/operator/accounts/AC${"2".repeat(32)}`, { method: "PUT", body });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toEqual({ code: "sip-domain-taken" });
  });
});

describe("paths and queries", () => {
  it.each<{ readonly path: string; readonly status: number; readonly body: object }>([
    { path: "/nothing-here", status: 404, body: { code: "not-found" } },
    { path: "/v1/nothing-here", status: 404, body: { code: "not-found" } },
    { path: "/v1/calls/CA123", status: 400, body: { code: "call-sid-invalid" } },
    { path: "/v1/calls/%00", status: 400, body: { code: "call-sid-invalid" } },
    { path: "/v1/endpoints/a%20b/routes", status: 400, body: { code: "identity-invalid" } },
    { path: `/v1/endpoints/${"x".repeat(2_000)}/routes`, status: 400, body: { code: "identity-invalid" } },
    { path: "/v1/endpoints/%E0%A4%A/routes", status: 400, body: { code: "identity-invalid" } },
    { path: "/v1/endpoints/nobody/routes", status: 404, body: { code: "endpoint-unknown" } },
    { path: "/2010-04-01/nothing-here", status: 404, body: { code: 20_404 } },
    { path: "/2010-04-01/Accounts/SID/Calls/CA123.json", status: 404, body: { code: 20_404 } },
    { path: "/2010-04-01/Accounts/SID/Calls.json?PageSize=0", status: 400, body: { code: 20_007 } },
    { path: "/2010-04-01/Accounts/SID/Calls.json?PageSize=many", status: 400, body: { code: 20_007 } },
    { path: "/2010-04-01/Accounts/SID/Calls.json?PageToken=x", status: 400, body: { code: 20_001 } },
    { path: "/2010-04-01/Accounts/SID/Calls.json?Status=lost", status: 400, body: { code: 20_001 } },
    { path: "/2010-04-01/Accounts/SID/Calls.json?StartTime=yesterday", status: 400, body: { code: 20_001 } },
  ])("$path is answered $status", async ({ path, status, body }) => {
    const { sid, authToken } = stack.account();
    const answer = await ask(path.replace("SID", sid), { headers: { authorization: basic(sid, authToken) } });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject(body);
  });
});

describe("after all of it", () => {
  it("no fault was counted, honest phones are served, and no secret came to light", async () => {
    await expectHonestTraffic(stack, processesAtStart);
    expect(await workerCounters(stack)).not.toHaveProperty(["http.fault"]);
    expect(await leaksIn(stack, heard)).toEqual([]);
    expect(await leaksIn(stack, await readLogs(stack))).toEqual([]);
    expect(heard).not.toContain((await readSecrets(stack)).operatorToken);
  });
});
