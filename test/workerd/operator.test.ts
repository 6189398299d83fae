import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccount } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { OPERATOR_TOKEN, startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

let worker: TestWorker;
let demo: TestAccount;

beforeAll(async () => {
  worker = await startWorker();
  demo = await createAccount(worker, "demo");
});

afterAll(async () => {
  await worker.close();
});

function accountSid(): string {
  return `AC${randomBytes(16).toString("hex")}`;
}

const GOOD = { name: "good", sipDomain: "good.test", authToken: "0123456789abcdef" };

describe("the operator's API", () => {
  it.each([
    { what: "no token", headers: { Authorization: "" } },
    { what: "another token", headers: { Authorization: `Bearer ${OPERATOR_TOKEN}x` } },
    { what: "another scheme", headers: { Authorization: `Basic ${OPERATOR_TOKEN}` } },
  ])("refuses $what", async ({ headers }) => {
    for (const path of ["/v1/operator/counters", `/v1/operator/accounts/${accountSid()}`]) {
      expect((await worker.request(path, { headers })).status).toBe(401);
    }
  });

  it("tells every problem of a body at once", async () => {
    const response = await worker.operator("PUT", `/v1/operator/accounts/${accountSid()}`, {
      name: "",
      sipDomain: "not a domain",
      authToken: "short",
      users: [{ identity: "alice" }],
      extra: 1,
    });
    expect(response.status).toBe(400);
    const body = (await response.json()) as { code: string; problems: string[] };
    expect(body.code).toBe("body-invalid");
    expect(body.problems.map((problem) => problem.split(":")[0])).toEqual(
      expect.arrayContaining(["name", "sipDomain", "authToken", "users.0.password", "body"]),
    );
    expect(body.problems).toContain("sipDomain: sip-domain-invalid");
  });

  it.each([
    { what: "an account SID that is none", path: "accounts/AC1", json: GOOD, status: 400 },
    { what: "a body that is no JSON object", path: `accounts/${accountSid()}`, json: "x", status: 400 },
    {
      what: "a gateway that is not on the map",
      path: "gateways/atlantis",
      json: { region: "us-east", publicKey: "A".repeat(43) },
      status: 404,
    },
    {
      what: "a gateway in another region",
      path: "gateways/us-east",
      json: { region: "eu-west", publicKey: "A".repeat(43) },
      status: 400,
    },
    {
      what: "a key of 31 bytes",
      path: "gateways/us-east",
      json: { region: "us-east", publicKey: "A".repeat(42) },
      status: 400,
    },
  ])("refuses $what", async ({ path, json, status }) => {
    expect((await worker.operator("PUT", `/v1/operator/${path}`, json)).status).toBe(status);
  });

  it("gives a domain and an API key to one account only, and frees them again", async () => {
    const [first, second] = [accountSid(), accountSid()];
    const apiKeys = [{ sid: `SK${randomBytes(16).toString("hex")}`, secret: "0123456789abcdef" }];
    const put = async (sid: string, body: unknown): Promise<unknown> => {
      const response = await worker.operator("PUT", `/v1/operator/accounts/${sid}`, body);
      return response.status === 200 ? 200 : ((await response.json()) as { code: string }).code;
    };
    expect(await put(first, { ...GOOD, apiKeys })).toBe(200);
    expect(await put(first, { ...GOOD, apiKeys })).toBe(200);
    expect(await put(second, { ...GOOD, apiKeys: [] })).toBe("sip-domain-taken");
    expect(await put(second, { ...GOOD, sipDomain: "second.test", apiKeys })).toBe("api-key-taken");
    expect(await put(first, { ...GOOD, sipDomain: "moved.test" })).toBe(200);
    expect(await put(second, { ...GOOD, apiKeys })).toBe(200);
  });
});

describe("the account's API", () => {
  it.each(["/v1/gateways", "/v1/endpoints/alice/routes", `/v1/calls/CA${"0".repeat(32)}`])(
    "asks for credentials at %s",
    async (path) => {
      expect((await worker.request(path)).status).toBe(401);
      expect((await worker.request(path, { headers: demo.basic(demo.sid, "wrong") })).status).toBe(401);
      expect((await worker.request(path, { headers: demo.basic(demo.apiKey.sid, demo.authToken) })).status).toBe(401);
      expect((await worker.request(path, { headers: demo.basic(accountSid(), demo.authToken) })).status).toBe(401);
      expect([200, 404]).toContain(
        (await worker.request(path, { headers: demo.basic(demo.apiKey.sid, demo.apiKey.secret) })).status,
      );
    },
  );

  it.each([
    { path: "/v1/endpoints/nobody/routes", status: 404, code: "endpoint-unknown" },
    { path: "/v1/endpoints/-/routes", status: 400, code: "identity-invalid" },
    { path: "/v1/calls/CA1", status: 400, code: "call-sid-invalid" },
    { path: `/v1/calls/CA${"0".repeat(32)}`, status: 404, code: "call-unknown" },
    { path: `/v1/calls/CA${"f".repeat(32)}`, status: 404, code: "call-unknown" },
    { path: "/v1/nothing", status: 404, code: "not-found" },
  ])("answers $path with $status $code", async ({ path, status, code }) => {
    const response = await worker.request(path, { headers: demo.basic() });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it("knows an endpoint that is not registered, and has no routes for it", async () => {
    const response = await worker.request("/v1/endpoints/ALICE/routes", { headers: demo.basic() });
    expect(await response.json()).toEqual({ identity: "alice", routes: [] });
  });
});

describe("the rest", () => {
  it("is healthy and says what it is", async () => {
    expect(await (await worker.request("/health")).json()).toMatchObject({
      status: "ok",
      regions: ["us-east", "eu-west", "ap-south"],
    });
    const page = await worker.request("/");
    expect(page.headers.get("Content-Type")).toMatch(/text\/html/);
    expect(await page.text()).toContain("<title>Nearside</title>");
  });

  it("writes neither secrets nor passwords into its log", async () => {
    await worker.request("/v1/gateways", { headers: demo.basic() });
    const log = JSON.stringify(worker.logs());
    expect(log).toContain("account.stored");
    for (const secret of [
      demo.authToken,
      demo.apiKey.secret,
      demo.user("alice").password,
      OPERATOR_TOKEN,
      worker.callTokenKey,
    ])
      expect(log).not.toContain(secret);
  });
});
