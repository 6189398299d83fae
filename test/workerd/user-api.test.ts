/** The page at `/` and the API behind it: what strangers, users and users of other accounts get. */
import { randomBytes } from "node:crypto";
import { decodeJwt, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sealCallToken } from "../../worker/call-token.ts";
import { createCallSid, dayOf } from "../../worker/domain/call-sid.ts";
import { parseRegionName } from "../../protocol/ids.ts";
import { createAccount, tokenOf } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { SipBrowser } from "./support/sip-browser.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

interface Token {
  readonly token: string;
  readonly expiresAt: string;
}

let worker: TestWorker;
let demo: TestAccount;
let other: TestAccount;

beforeAll(async () => {
  worker = await startWorker();
  demo = await createAccount(worker, "demo");
  other = await createAccount(worker, "other");
});
afterAll(() => worker.close());

async function signIn(change: object = {}): Promise<Response> {
  const { identity, sipDomain, password } = demo.user("alice");
  return await worker.request("/v1/tokens", { method: "POST", json: { identity, sipDomain, password, ...change } });
}

async function get(path: string, token: string): Promise<Response> {
  return await worker.request(path, { headers: { Authorization: `Bearer ${token}` } });
}

describe("the page", () => {
  it("is one file that may load nothing but its own script and style", async () => {
    const response = await worker.request("/");
    const html = await response.text();
    const policy = response.headers.get("Content-Security-Policy") ?? "";
    expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe");
    expect(response.headers.get("Permissions-Policy")).toContain("microphone=(self)");
    expect(html.match(/<script(?! type="application\/json")[^>]*>/g)).toEqual([
      expect.stringMatching(/^<script type="module" src="\/assets\/console-[0-9a-f]{16}\.js">$/),
    ]);
    expect(html).not.toMatch(/ style=|<style| on\w+=/);
  });

  it("and its files are asked for once: the page by its ETag, the files never again", async () => {
    const first = await worker.request("/");
    const html = await first.text();
    const etag = first.headers.get("ETag") ?? "";
    expect(first.headers.get("Cache-Control")).toBe("no-cache");
    const again = await worker.request("/", { headers: { "If-None-Match": `"other", W/${etag}` } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const paths = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? "");
    expect(paths).toHaveLength(3);
    for (const path of paths) {
      const asset = await worker.request(path);
      expect([asset.status, asset.headers.get("Cache-Control")]).toEqual([200, "public, max-age=31536000, immutable"]);
      expect((await asset.text()).length).toBeGreaterThan(300);
    }
    expect((await worker.request("/assets/console-0000000000000000.js")).status).toBe(404);
  });
});

describe("signing in", () => {
  it("gives a token for an hour that the API and REGISTER take", async () => {
    const response = await signIn();
    const { token, expiresAt } = (await response.json()) as Token;
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(3_590_000);
    const me = await get("/v1/me?region=eu-west", token);
    expect(await me.json()).toMatchObject({
      identity: "alice",
      sipDomain: "demo.test",
      mayReceive: true,
      region: "eu-west",
      numbers: ["echo", "music", "conference"],
      regions: [{ name: "us-east", latitude: 39.04, longitude: -77.49 }, { name: "eu-west" }, { name: "ap-south" }],
    });
    const browser = new SipBrowser(worker.origin, demo.user("alice"));
    const registered = await browser.register({ headers: [`Authorization: Bearer ${token}`] });
    expect(registered.status).toBe(200);
    browser.close();
  });

  it.each([
    { what: "a wrong password", change: { password: "wrong" } },
    { what: "somebody unknown", change: { identity: "mallory" } },
    { what: "what can be no name", change: { identity: "<alice>" } },
    { what: "an unknown domain", change: { sipDomain: "nowhere.test" } },
    { what: "what can be no domain", change: { sipDomain: "///" } },
    { what: "the domain of another account", change: { sipDomain: "other.test" } },
    { what: "no password", change: { password: "" } },
  ])("refuses $what with the same word", async ({ change }) => {
    const response = await signIn(change);
    expect([response.status, await response.json()]).toEqual([401, { code: "sign-in-refused" }]);
  });

  it("refuses a body of another shape", async () => {
    expect((await signIn({ extra: 1 })).status).toBe(400);
    expect((await signIn({ password: 5 })).status).toBe(400);
  });

  it("hears carol's password eight times, then not even the right one, and bob's all the same", async () => {
    const carol = demo.user("carol");
    const statuses: number[] = [];
    for (let time = 0; time < 8; time += 1) statuses.push((await signIn({ ...carol, password: "guess" })).status);
    expect(statuses).toEqual(Array.from({ length: 8 }, () => 401));
    const paused = await signIn({ ...carol });
    expect([paused.status, await paused.json()]).toEqual([429, { code: "too-many-tries" }]);
    expect(Number(paused.headers.get("Retry-After"))).toBeGreaterThan(200);
    expect((await signIn({ ...demo.user("bob") })).status).toBe(200);
  });
});

describe("a token", () => {
  it("is renewed while it is good, without the password", async () => {
    const token = await tokenOf(worker, demo, "bob");
    const response = await worker.request("/v1/tokens/renewal", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
    });
    const renewed = (await response.json()) as Token;
    expect(response.status).toBe(200);
    expect(decodeJwt(renewed.token)["auth_time"]).toBe(decodeJwt(token)["auth_time"]);
    expect(decodeJwt(renewed.token).jti).not.toBe(decodeJwt(token).jti);
    expect((await get("/v1/me", renewed.token)).status).toBe(200);
  });

  it("that somebody made with an API key opens the API, but is not renewed", async () => {
    const token = await new SignJWT({ grants: { identity: "bob", voice: { incoming: { allow: false } } } })
      .setProtectedHeader({ alg: "HS256", typ: "JWT", cty: "twilio-fpa;v=1" })
      .setIssuer(demo.apiKey.sid)
      .setSubject(demo.sid)
      .setExpirationTime("10m")
      .sign(new TextEncoder().encode(demo.apiKey.secret));
    expect(await (await get("/v1/me", token)).json()).toMatchObject({ identity: "bob", mayReceive: false });
    const response = await worker.request("/v1/tokens/renewal", {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
    });
    expect([response.status, await response.json()]).toEqual([401, { code: "token-not-renewable" }]);
  });

  it.each(["/v1/me", "/v1/me/contacts", "/v1/me/calls", `/v1/me/calls/CA${"0".repeat(32)}`])(
    "must be there and good for %s",
    async (path) => {
      const none = await worker.request(path);
      expect([none.status, await none.json()]).toEqual([401, { code: "token-malformed" }]);
      const token = await tokenOf(worker, demo, "alice");
      const forged = await get(path, `${token.slice(0, -6)}AAAAAA`);
      expect([forged.status, await forged.json()]).toEqual([401, { code: "token-signature-invalid" }]);
      expect((await worker.request(path, { headers: demo.basic() })).status).toBe(401);
    },
  );
});

describe("contacts", () => {
  it("are the others of the account, online while they are registered", async () => {
    const token = await tokenOf(worker, demo, "alice");
    const contacts = async (): Promise<unknown> => (await get("/v1/me/contacts", token)).json();
    const offline = { presence: "offline", devices: 0, regions: [] };
    expect(await contacts()).toEqual({
      contacts: [
        { identity: "bob", ...offline },
        { identity: "carol", ...offline },
      ],
      more: false,
    });
    const browser = new SipBrowser(worker.origin, demo.user("bob"), "eu-west");
    await browser.registerWithDigest();
    expect(await contacts()).toEqual({
      contacts: [
        { identity: "bob", presence: "online", devices: 1, regions: ["eu-west"] },
        { identity: "carol", ...offline },
      ],
      more: false,
    });
    browser.close();
  });

  it("can be searched for, whatever is typed", async () => {
    const token = await tokenOf(worker, demo, "alice");
    const found = async (search: string): Promise<readonly string[]> => {
      const response = await get(`/v1/me/contacts?search=${encodeURIComponent(search)}`, token);
      const { contacts } = (await response.json()) as { readonly contacts: readonly { readonly identity: string }[] };
      return contacts.map(({ identity }) => identity);
    };
    expect([await found("AR"), await found("%"), await found("' OR 1=1")]).toEqual([["carol"], [], []]);
  });
});

describe("calls", () => {
  const createdAtMs = Date.UTC(2026, 9, 5);
  let sid = "";
  beforeAll(async () => {
    for (const [index, [from, to]] of [
      ["alice", "bob"],
      ["bob", "carol"],
      ["carol", "alice"],
    ].entries()) {
      const at = createdAtMs + index * 1_000;
      const region = parseRegionName("us-east")!;
      const own = createCallSid({ regionIndex: 0, day: dayOf(at), randomHex: randomBytes(13).toString("hex") });
      if (index === 0) sid = own;
      const summary = {
        sid: own,
        account: demo.sid,
        from: `client:${from}`,
        to: `client:${to}`,
        status: "completed",
        direction: "inbound",
        createdAtMs: at,
        updatedAtMs: at,
        answeredAtMs: at + 100,
        endedAtMs: at + 5_100,
      };
      const token = sealCallToken(worker.callTokenKey, { objectId: randomBytes(32).toString("hex"), region });
      const entry = { sid: own, token, summaries: [summary] };
      await worker.recordCall({ account: demo.sid, region, day: dayOf(at), entry });
    }
  });

  it("are those that the user took part in, newest first", async () => {
    const response = await get("/v1/me/calls", await tokenOf(worker, demo, "alice"));
    expect(await response.json()).toMatchObject({
      calls: [
        { direction: "incoming", peer: "carol", outcome: "answered", createdAt: "2026-10-05T00:00:02.000Z" },
        { direction: "outgoing", peer: "bob", outcome: "answered", createdAt: "2026-10-05T00:00:00.000Z" },
      ],
      more: false,
    });
  });

  it("come in pages that share the instant they meet at", async () => {
    const token = await tokenOf(worker, demo, "alice");
    const first = (await (await get("/v1/me/calls?limit=1", token)).json()) as {
      readonly calls: readonly { readonly createdAt: string; readonly sid: string }[];
      readonly more: boolean;
    };
    expect(first).toMatchObject({ calls: [{ peer: "carol" }], more: true });
    const before = "2026-10-05T00:00:01.999Z";
    expect(await (await get(`/v1/me/calls?limit=1&before=${before}`, token)).json()).toMatchObject({
      calls: [{ peer: "bob" }],
      more: false,
    });
  });

  it.each([
    { query: "limit=0", code: "limit-invalid" },
    { query: "limit=many", code: "limit-invalid" },
    { query: "before=yesterday", code: "before-invalid" },
  ])("refuse $query", async ({ query, code }) => {
    const response = await get(`/v1/me/calls?${query}`, await tokenOf(worker, demo, "alice"));
    expect([response.status, await response.json()]).toEqual([400, { code }]);
  });

  it("of other accounts are unknown, and so are those that never were", async () => {
    const unknown = [404, { code: "call-unknown" }];
    const foreign = await get(`/v1/me/calls/${sid}`, await tokenOf(worker, other, "alice"));
    expect([foreign.status, await foreign.json()]).toEqual(unknown);
    const never = await get(`/v1/me/calls/CA00${"0".repeat(30)}`, await tokenOf(worker, demo, "alice"));
    expect([never.status, await never.json()]).toEqual(unknown);
    expect((await get("/v1/me/calls/abc", await tokenOf(worker, demo, "alice"))).status).toBe(400);
  });
});
