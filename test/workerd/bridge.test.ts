import { randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { header } from "../../sip/message/headers.ts";
import { createAccount } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { contactsOf, SipBrowser } from "./support/sip-browser.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

let worker: TestWorker;
let demo: TestAccount;
let other: TestAccount;
const open: SipBrowser[] = [];

function browser(account: TestAccount, identity = "alice", region = "us-east"): SipBrowser {
  const one = new SipBrowser(worker.origin, account.user(identity), region);
  open.push(one);
  return one;
}

async function routesOf(account: TestAccount, identity: string): Promise<readonly Record<string, unknown>[]> {
  const response = await worker.request(`/v1/endpoints/${identity}/routes`, { headers: account.basic() });
  expect(response.status).toBe(200);
  const body = (await response.json()) as { routes: Record<string, unknown>[] };
  return body.routes;
}

async function counter(name: string): Promise<number> {
  const body = (await (await worker.operator("GET", "/v1/operator/counters")).json()) as {
    worker: Record<string, number>;
  };
  return body.worker[name] ?? 0;
}

beforeAll(async () => {
  worker = await startWorker();
  demo = await createAccount(worker, "demo");
  other = await createAccount(worker, "other");
});

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

afterAll(async () => {
  await worker.close();
});

describe("REGISTER with digest", () => {
  it("challenges with MD5 only, accepts the answer, and tells Contact, time and Date", async () => {
    const alice = browser(demo);
    const challenge = await alice.register();
    expect(challenge.status).toBe(401);
    expect(header(challenge, "www-authenticate")).toMatch(
      /^Digest realm="demo\.test", nonce="[0-9a-f]{32}", algorithm=MD5, qop="auth"$/,
    );
    const accepted = await alice.register({ headers: [alice.authorization(challenge, "REGISTER")] });
    expect(accepted.status).toBe(200);
    expect(contactsOf(accepted)).toEqual([`${alice.contact};expires=600`]);
    expect(header(accepted, "date")).toMatch(/GMT$/);
    const [route] = await routesOf(demo, "alice");
    expect(route).toMatchObject({
      kind: "browser",
      region: "us-east",
      transport: "ws",
      reachability: "bridge",
      lease: "confirmed",
    });
  });

  it.each([
    { what: "a wrong password", options: { password: "wrong" } },
    { what: "another user's name", options: { username: "bob" } },
    { what: "a digest over another URI", options: { uri: "sip:elsewhere.test" } },
  ])("refuses $what with a new challenge", async ({ options }) => {
    const carol = browser(demo, "carol");
    const challenge = await carol.register();
    const refused = await carol.register({ headers: [carol.authorization(challenge, "REGISTER", options)] });
    expect(refused.status).toBe(401);
    expect(header(refused, "www-authenticate")).not.toMatch(/stale/);
    expect(await routesOf(demo, "carol")).toEqual([]);
  });

  it("refuses credentials sent a second time, and those of another socket", async () => {
    const alice = browser(demo);
    const challenge = await alice.register();
    const credentials = alice.authorization(challenge, "REGISTER");
    expect((await alice.register({ headers: [credentials] })).status).toBe(200);
    expect((await alice.register({ headers: [credentials] })).status).toBe(401);
    const thief = browser(demo);
    expect((await thief.register({ headers: [credentials] })).status).toBe(401);
    expect((await alice.register({ headers: [alice.authorization(challenge, "REGISTER", { nc: 2 })] })).status).toBe(
      200,
    );
  });

  it("answers unknown users and unknown domains as it answers wrong passwords", async () => {
    for (const user of [
      { identity: "mallory", sipDomain: "demo.test", password: "guess" },
      { identity: "alice", sipDomain: "nowhere.test", password: "guess" },
    ]) {
      const stranger = new SipBrowser(worker.origin, user);
      open.push(stranger);
      expect((await stranger.registerWithDigest()).status).toBe(401);
    }
  });

  it("closes a socket after eight wrong answers", async () => {
    const guesser = browser(demo);
    for (let tries = 0; tries < 8; tries += 1) {
      const challenge = await guesser.register();
      await guesser.register({ headers: [guesser.authorization(challenge, "REGISTER", { password: "guess" })] });
    }
    expect(await guesser.ended()).toBe(4401);
  });

  it("keeps accounts with the same identities apart", async () => {
    const ours = browser(demo);
    const theirs = browser(other);
    expect((await ours.registerWithDigest()).status).toBe(200);
    expect(await routesOf(other, "alice")).toEqual([]);
    expect((await theirs.registerWithDigest()).status).toBe(200);
    const [ourRoute] = await routesOf(demo, "alice");
    const [theirRoute] = await routesOf(other, "alice");
    expect(ourRoute?.["contact"]).not.toBe(theirRoute?.["contact"]);
    const challenge = await ours.register();
    expect(challenge.status).toBe(200);
  });

  it("lets one socket speak for one identity only", async () => {
    const alice = browser(demo);
    await alice.registerWithDigest();
    const bob = "<sip:bob@demo.test>";
    const refused = await alice.ask("REGISTER", { to: bob, from: bob, headers: [`Contact: ${alice.contact}`] });
    expect(refused.status).toBe(403);
    expect((await alice.ask("REGISTER", { to: bob, headers: [`Contact: ${alice.contact}`] })).status).toBe(403);
  });
});

describe("what a registration holds", () => {
  it("absorbs refreshes on a live socket and answers with the new time", async () => {
    const alice = browser(demo);
    await alice.registerWithDigest();
    const stored = await counter("bridge.register-stored");
    const absorbed = await counter("bridge.refresh-absorbed");
    for (const expires of [120, 300])
      expect(contactsOf(await alice.register({ expires }))).toEqual([`${alice.contact};expires=${expires}`]);
    expect(await counter("bridge.register-stored")).toBe(stored);
    expect(await counter("bridge.refresh-absorbed")).toBe(absorbed + 2);
  });

  it.each([
    { what: "423 below a minute", headers: ["Contact: <sip:a@b.invalid>", "Expires: 30"], status: 423 },
    { what: "400 for a star with time left", headers: ["Contact: *", "Expires: 60"], status: 400 },
    { what: "403 for two contacts", headers: ["Contact: <sip:a@b.invalid>, <sip:c@d.invalid>"], status: 403 },
    { what: "200 for a query", headers: [], status: 200 },
  ])("answers $what", async ({ headers, status }) => {
    const bob = browser(demo, "bob");
    await bob.registerWithDigest();
    const answer = await bob.ask("REGISTER", { headers });
    expect(answer.status).toBe(status);
    if (status === 423) expect(header(answer, "min-expires")).toBe("60");
    if (status === 200) expect(contactsOf(answer)).toHaveLength(1);
  });

  it.each([
    { what: "Contact * with Expires 0", headers: () => ["Contact: *", "Expires: 0"] },
    { what: "its Contact with expires=0", headers: (contact: string) => [`Contact: ${contact};expires=0`] },
  ])("ends with $what", async ({ headers }) => {
    const bob = browser(demo, "bob");
    await bob.registerWithDigest();
    expect(await routesOf(demo, "bob")).toHaveLength(1);
    const answer = await bob.ask("REGISTER", { headers: headers(bob.contact) });
    expect(answer.status).toBe(200);
    expect(contactsOf(answer)).toEqual([]);
    expect(await routesOf(demo, "bob")).toEqual([]);
  });

  it("ends at once when the socket closes", async () => {
    const bob = browser(demo, "bob", "eu-west");
    await bob.registerWithDigest();
    expect(await routesOf(demo, "bob")).toMatchObject([{ region: "eu-west" }]);
    bob.close();
    await expect.poll(() => routesOf(demo, "bob"), { timeout: 2_000 }).toEqual([]);
  });

  it("replaces the route of the same device, and refuses an eleventh device", async () => {
    const instance = `;+sip.instance="<urn:uuid:${randomBytes(8).toString("hex")}>"`;
    for (const tab of [browser(demo, "carol"), browser(demo, "carol")])
      await tab.registerWithDigest({ contact: `${tab.contact}${instance}` });
    expect(await routesOf(demo, "carol")).toHaveLength(1);
    for (let device = 2; device <= 10; device += 1)
      expect((await browser(demo, "carol").registerWithDigest()).status).toBe(200);
    expect(await routesOf(demo, "carol")).toHaveLength(10);
    expect((await browser(demo, "carol").registerWithDigest()).status).toBe(403);
  });

  it("survives hibernation of its bridge", async () => {
    const alice = browser(other);
    await alice.registerWithDigest();
    const [route] = await routesOf(other, "alice");
    await worker.evict("BRIDGE", `bridge/us-east/${String(route?.["bridge"]).split(".")[1]}`, "hibernate");
    const absorbed = await counter("bridge.refresh-absorbed");
    expect((await alice.register()).status).toBe(200);
    expect(await counter("bridge.refresh-absorbed")).toBe(absorbed + 1);
  });

  it("loses its route when the bridge goes down with all its sockets", async () => {
    const bob = browser(other, "bob");
    await bob.registerWithDigest();
    const [route] = await routesOf(other, "bob");
    const shard = String(route?.["bridge"]).split(".")[1];
    await worker.evict("BRIDGE", `bridge/us-east/${shard}`, "close");
    await bob.ended();
    // Whoever comes to this shard next wakes it.
    await expect
      .poll(
        async () => {
          browser(other, "carol");
          return await routesOf(other, "bob");
        },
        { timeout: 10_000 },
      )
      .toEqual([]);
  });
});

describe("REGISTER with an access token (RFC 8898)", () => {
  interface TokenOptions {
    readonly header?: Record<string, unknown>;
    readonly payload?: Record<string, unknown>;
    readonly secret?: string;
  }

  async function tokenFor(
    identity: string,
    { header = {}, payload = {}, secret = demo.apiKey.secret }: TokenOptions = {},
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    return await new SignJWT({
      jti: `${demo.apiKey.sid}-${now}`,
      iss: demo.apiKey.sid,
      sub: demo.sid,
      iat: now,
      exp: now + 3_600,
      grants: { identity, voice: { incoming: { allow: true } } },
      ...payload,
    })
      .setProtectedHeader({ alg: "HS256", typ: "JWT", cty: "twilio-fpa;v=1", ...header })
      .sign(new TextEncoder().encode(secret));
  }

  const now = (): number => Math.floor(Date.now() / 1_000);

  it("accepts a token for the identity that it names, and no longer than it lasts", async () => {
    const dora = new SipBrowser(worker.origin, { identity: "dora", sipDomain: demo.sipDomain, password: "" });
    open.push(dora);
    const token = await tokenFor("dora", { payload: { exp: now() + 300 } });
    const accepted = await dora.register({ headers: [`Authorization: Bearer ${token}`] });
    expect(accepted.status).toBe(200);
    expect(Number(contactsOf(accepted)[0]?.split("expires=")[1])).toBeLessThanOrEqual(300);
    expect(await routesOf(demo, "dora")).toHaveLength(1);
  });

  const BAD: readonly { readonly what: string; readonly code: string; readonly token: () => Promise<string> }[] = [
    { what: "no token at all", code: "token-malformed", token: async () => "abc" },
    {
      what: "another signature",
      code: "token-signature-invalid",
      token: () => tokenFor("alice", { secret: "another-secret-of-some-length" }),
    },
    {
      what: "an expired one",
      code: "token-expired",
      token: () => tokenFor("alice", { payload: { iat: now() - 7_200, exp: now() - 3_600 } }),
    },
    {
      what: "one that is not valid yet",
      code: "token-not-yet-valid",
      token: () => tokenFor("alice", { payload: { nbf: now() + 600 } }),
    },
    {
      what: "one that lasts longer than a day",
      code: "token-lifetime-too-long",
      token: () => tokenFor("alice", { payload: { exp: now() + 90_000 } }),
    },
    {
      what: "one without an end",
      code: "token-malformed",
      token: () => tokenFor("alice", { payload: { exp: "never" } }),
    },
    { what: "another identity's", code: "token-identity-mismatch", token: () => tokenFor("bob") },
    {
      what: "another account's",
      code: "token-account-mismatch",
      token: () => tokenFor("alice", { payload: { sub: other.sid } }),
    },
    {
      what: "an unknown key's",
      code: "token-issuer-unknown",
      token: () => tokenFor("alice", { payload: { iss: `SK${"0".repeat(32)}` } }),
    },
    {
      what: "one without grants",
      code: "token-grants-missing",
      token: () => tokenFor("alice", { payload: { grants: {} } }),
    },
    {
      what: "one with another content type",
      code: "token-header-invalid",
      token: () => tokenFor("alice", { header: { cty: "JWT" } }),
    },
    {
      what: "one with another algorithm",
      code: "token-header-invalid",
      token: () => tokenFor("alice", { header: { alg: "HS512" } }),
    },
    {
      what: "one without a signature",
      code: "token-header-invalid",
      token: async () => {
        const [, payload] = (await tokenFor("alice")).split(".");
        return `${Buffer.from('{"alg":"none","cty":"twilio-fpa;v=1"}').toString("base64url")}.${payload}.`;
      },
    },
  ];

  it.each(BAD)("refuses $what with $code", async ({ code, token }) => {
    const alice = browser(demo);
    const refused = await alice.register({ headers: [`Authorization: Bearer ${await token()}`] });
    expect(refused.status).toBe(401);
    expect(header(refused, "www-authenticate")).toBe(
      `Bearer realm="demo.test", error="invalid_token", error_description="${code}"`,
    );
  });

  it("refuses to register with a token that lets no calls in", async () => {
    const alice = browser(demo);
    const token = await tokenFor("alice", { payload: { grants: { identity: "alice", voice: { outgoing: {} } } } });
    expect((await alice.register({ headers: [`Authorization: Bearer ${token}`] })).status).toBe(403);
    expect((await alice.register()).status).toBe(403);
  });
});

describe("everything else on a socket", () => {
  it.each([
    { what: "OPTIONS", method: "OPTIONS", options: {}, status: 200 },
    { what: "a method outside a dialog that it does not take", method: "SUBSCRIBE", options: {}, status: 405 },
    { what: "an INVITE without credentials", method: "INVITE", options: { to: "<sip:bob@demo.test>" }, status: 407 },
    {
      what: "an in-dialog request with an unknown tag",
      method: "BYE",
      options: { to: "<sip:bob@demo.test>;tag=unknown" },
      status: 481,
    },
    { what: "a CANCEL of nothing", method: "CANCEL", options: { to: "<sip:bob@demo.test>" }, status: 481 },
    {
      what: "a Require that nobody knows",
      method: "REGISTER",
      options: { headers: ["Require: teleport"] },
      status: 420,
    },
    {
      what: "an INVITE in another's name",
      method: "INVITE",
      options: { from: "<sip:anonymous@anonymous.invalid>" },
      status: 407,
    },
  ])("answers $what with $status", async ({ method, options, status }) => {
    expect((await browser(demo).ask(method, options)).status).toBe(status);
  });

  it("answers 481 to a forged call tag, also from a registered socket", async () => {
    const alice = browser(demo);
    await alice.registerWithDigest();
    const tag = `${"A".repeat(74)}.a`;
    expect((await alice.ask("BYE", { to: `<sip:bob@demo.test>;tag=${tag}` })).status).toBe(481);
  });

  it("refuses a registered socket's INVITE in another's name", async () => {
    const alice = browser(demo);
    await alice.registerWithDigest();
    expect((await alice.ask("INVITE", { from: "<sip:bob@demo.test>", to: "<sip:carol@demo.test>" })).status).toBe(403);
  });

  it("answers a CRLF keep-alive and what can be answered of a malformed message, and says nothing to garbage", async () => {
    const alice = browser(demo);
    await alice.send("\r\n\r\n");
    expect(await alice.nextRaw()).toBe("\r\n");
    await alice.send("this is no SIP\r\n\r\n");
    await alice.send(
      "OPTIONS sip:demo.test SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
    );
    expect(await alice.nextRaw()).toMatch(/^SIP\/2\.0 400 /);
  });

  it("closes a socket that has not said who it is after ten seconds, though its bridge hibernates meanwhile", async () => {
    const silent = browser(demo);
    await silent.ask("OPTIONS");
    for (let shard = 0; shard < 8; shard += 1)
      await worker.evict("BRIDGE", `bridge/us-east/${shard}`, "hibernate").catch(() => undefined);
    expect(await silent.ended(14_000)).toBe(4401);
  });

  it("opens no socket without the subprotocol sip, or in a region that does not exist", async () => {
    expect((await worker.request("/sip")).status).toBe(426);
    const response = await worker
      .request("/sip?region=atlantis", { headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip" } })
      .catch(() => undefined);
    expect(response?.status ?? 400).toBe(400);
  });
});
