/** Who may register and call, against the whole stack: wrong, replayed, borrowed and forged credentials, and requests that no registrar or dialog takes. */
import { createHmac, randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { header } from "#sip/message/headers";
import { expectHonestTraffic, WIRE_TRANSPORTS } from "../support/honest-traffic.ts";
import { Lab } from "../support/lab.ts";
import { challengeOf, RawSipClient } from "../support/raw-sip-client.ts";
import type { DigestAnswer, RawRequest, RawUser } from "../support/raw-sip-client.ts";
import type { WireTransport } from "../support/raw-wire.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { gatewayCounters, leaksIn, processIds, readLogs, risen, workerCounters } from "../support/stack-watch.ts";
import type { Counters } from "../support/stack-watch.ts";

const AUDIO_OFFER = [
  "v=0",
  "o=- 1 1 IN IP4 127.0.0.1",
  "s=-",
  "c=IN IP4 127.0.0.1",
  "t=0 0",
  "m=audio 40000 RTP/AVP 0",
  "",
];
const SDP = AUDIO_OFFER.join("\r\n");

const lab = new Lab();
let stack: Stack;
let heard = "";
const clients: RawSipClient[] = [];

beforeAll(async () => {
  stack = await lab.own(startStack());
});
afterEach(async () => {
  heard += clients.map(({ wire }) => wire.received).join("\n");
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => lab.close());

async function open(
  transport: WireTransport,
  options: { readonly user?: RawUser; readonly gateway?: string } = {},
): Promise<RawSipClient> {
  const client = await RawSipClient.open(stack, transport, options);
  clients.push(client);
  return client;
}

const countersOf = (transport: WireTransport): Promise<Counters> =>
  transport === "ws" ? workerCounters(stack) : gatewayCounters(stack);

/** What the counter of this refusal is called at a gateway and at a bridge. */
const refusedAs = (transport: WireTransport, code: string, bridgeCode = code): string =>
  transport === "ws" ? `bridge.refused.${bridgeCode}` : `digest_${code.replaceAll("-", "_")}_total`;

describe.each(["udp", "ws"] as const)("REGISTER over %s", (transport) => {
  it.each<{
    readonly what: string;
    readonly answer: () => DigestAnswer;
    readonly code: string;
    readonly bridge: string;
  }>([
    {
      what: "a wrong password",
      answer: () => ({ password: "not-the-password" }),
      code: "digest-wrong",
      bridge: "digest-mismatch",
    },
    {
      what: "the password of the other account's alice",
      answer: () => ({ password: stack.user("alice", "other").password }),
      code: "digest-wrong",
      bridge: "digest-mismatch",
    },
    {
      what: "a user that does not exist",
      answer: () => ({ username: "nobody-here" }),
      code: "digest-wrong",
      bridge: "digest-mismatch",
    },
    {
      what: "a nonce that nobody gave",
      answer: () => ({ nonce: randomBytes(30).toString("hex") }),
      code: "nonce-unknown",
      bridge: "nonce-unknown",
    },
  ])("with $what is challenged again, without a hint", async ({ answer, code, bridge }) => {
    const client = await open(transport);
    const challenge = await client.register();
    const before = await countersOf(transport);
    const refused = await client.register({ headers: [client.authorization("REGISTER", challenge, answer())] });
    expect(refused.status).toBe(401);
    expect(challengeOf(refused).stale).toBe(false);
    expect(challengeOf(refused).nonce).not.toBe(challengeOf(challenge).nonce);
    expect(risen(before, await countersOf(transport))).toMatchObject({ [refusedAs(transport, code, bridge)]: 1 });
  });

  it("with an answer that was used before is challenged again; the next count of that nonce is good", async () => {
    const client = await open(transport);
    const challenge = await client.register();
    const used = client.authorization("REGISTER", challenge);
    expect((await client.register({ headers: [used] })).status).toBe(200);
    const before = await countersOf(transport);
    const replayed = await client.register({ headers: [used] });
    expect(replayed.status).toBe(401);
    expect(risen(before, await countersOf(transport))).toMatchObject({ [refusedAs(transport, "nonce-replayed")]: 1 });
    const next = client.authorization("REGISTER", challenge, { nc: 2 });
    expect((await client.register({ headers: [next] })).status).toBe(200);
  });

  it("with the nonce of another realm is challenged again", async () => {
    const [stranger, client] = [await open(transport, { user: stack.user("alice", "other") }), await open(transport)];
    const { nonce } = challengeOf(await stranger.register());
    const challenge = await client.register();
    const refused = await client.register({ headers: [client.authorization("REGISTER", challenge, { nonce })] });
    expect(refused.status).toBe(401);
    // …and with the other realm named, nothing is proved to ours.
    const { domain } = stack.user("alice", "other");
    const borrowed = client.authorization("REGISTER", challenge, { nonce, realm: domain });
    expect((await client.register({ headers: [borrowed] })).status).toBe(401);
  });

  it("of another user's address is refused 403, whoever asks", async () => {
    const client = await open(transport, { user: stack.user("bob") });
    const alice = `<sip:alice@${client.user.domain}>`;
    const first = await client.register({ to: alice });
    const status =
      first.status === 401
        ? (await client.register({ to: alice, headers: [client.authorization("REGISTER", first)] })).status
        : first.status;
    expect(status).toBe(403);
    const routes = await stack.request("/v1/endpoints/alice/routes");
    expect(await routes.text()).not.toContain(client.contact.slice(1, -1));
  });

  it.each<{ readonly what: string; readonly lines: readonly string[]; readonly status: number; readonly ws?: number }>([
    { what: "a star with time left", lines: ["Contact: *", "Expires: 600"], status: 400 },
    { what: "less than a minute", lines: ["Contact: <sip:alice@127.0.0.1>", "Expires: 30"], status: 423 },
    {
      what: "eleven contacts",
      lines: Array.from({ length: 11 }, (_, i) => `Contact: <sip:alice@127.0.0.1:${20_000 + i}>`),
      status: 403,
    },
    { what: "a contact that is no SIP", lines: ["Contact: <mailto:alice@example.com>"], status: 400 },
  ])("with $what is refused $status", async ({ lines, status }) => {
    const routesNow = async (): Promise<unknown> => await (await stack.request("/v1/endpoints/alice/routes")).json();
    const routesBefore = await routesNow();
    const client = await open(transport);
    const first = await client.ask("REGISTER", { headers: lines });
    const refused =
      first.status === 401
        ? await client.ask("REGISTER", { headers: [...lines, client.authorization("REGISTER", first)] })
        : first;
    expect(refused.status).toBe(status);
    if (status === 423) expect(header(refused, "min-expires")).toBe("60");
    expect(await routesNow()).toEqual(routesBefore);
  });
});

describe("an answer that was good once", () => {
  it("is worth nothing at another gateway, at another source, or after the gateway was killed and started again", async () => {
    const client = await open("udp");
    const used = client.authorization("REGISTER", await client.register());
    expect((await client.register({ headers: [used] })).status).toBe(200);

    const elsewhere = await open("udp", { gateway: "eu-west" });
    const before = await gatewayCounters(stack, "eu-west");
    expect((await elsewhere.register({ headers: [used] })).status).toBe(401);
    expect(risen(before, await gatewayCounters(stack, "eu-west"))).toMatchObject({ digest_nonce_unknown_total: 1 });
    const neighbour = await open("udp");
    expect((await neighbour.register({ headers: [used] })).status).toBe(401);

    const { pid } = await stack.killGateway("us-east");
    await stack.waitGatewayBack("us-east", pid);
    const answer = await waitServed();
    const again = await answer.register({ headers: [used] });
    expect(again.status).toBe(401);
    expect(await gatewayCounters(stack)).toMatchObject({ digest_nonce_unknown_total: 1 });
    expect((await answer.registerWithDigest()).status).toBe(200);
  });

  /** The gateway's process is there before its sockets are. */
  async function waitServed(): Promise<RawSipClient> {
    for (let tried = 0; tried < 20; tried++) {
      const client = await open("udp");
      client.wire.send(client.requestText("OPTIONS"));
      const isServed = await client.wire
        .waitMessage("an answer", () => true, 500)
        .then(
          () => true,
          () => false,
        );
      if (isServed) return client;
    }
    throw new Error("the gateway does not serve again");
  }
});

describe.each(WIRE_TRANSPORTS)("over %s", (transport) => {
  const carol = { to: "<sip:carol@demo.nearside.test>;tag=of-nobody" };
  it.each<{ readonly what: string; readonly method: string; readonly request: RawRequest; readonly status: number }>([
    { what: "INVITE without credentials", method: "INVITE", request: { body: SDP }, status: 407 },
    { what: "INVITE in no dialog that we know", method: "INVITE", request: carol, status: 481 },
    { what: "BYE in no dialog that we know", method: "BYE", request: carol, status: 481 },
    { what: "CANCEL of nothing", method: "CANCEL", request: {}, status: 481 },
    {
      what: "an extension that nobody knows",
      method: "INVITE",
      request: { headers: ["Require: levitation"] },
      status: 420,
    },
    { what: "INVITE that may go no further", method: "INVITE", request: { maxForwards: 0 }, status: 483 },
    { what: "SUBSCRIBE", method: "SUBSCRIBE", request: {}, status: 405 },
    { what: "an invented method", method: "FROBNICATE", request: {}, status: 501 },
    {
      what: "a URI of a foreign scheme",
      method: "OPTIONS",
      request: { requestUri: "http://example.com" },
      status: 416,
    },
    { what: "INVITE in the name of a stranger", method: "INVITE", request: { from: "<tel:+15551234>" }, status: 403 },
  ])("$what is answered $status", async ({ method, request, status }) => {
    const client = await open(transport);
    const contact = { ...request, headers: [...(request.headers ?? []), `Contact: ${client.contact}`] };
    const answer = await client.ask(method, contact);
    expect(answer.status).toBe(status);
    if (status === 420) expect(header(answer, "unsupported")).toBe("levitation");
    if (status === 405 || status === 501) expect(header(answer, "allow")).toContain("INVITE");
  });

  it("INVITE in another user's name is refused 403, with credentials that are good", async () => {
    const client = await open(transport);
    const request = (headers: readonly string[]): RawRequest => ({
      requestUri: "sip:echo@demo.nearside.test",
      to: "<sip:echo@demo.nearside.test>",
      from: "<sip:bob@demo.nearside.test>",
      headers: [`Contact: ${client.contact}`, "Content-Type: application/sdp", ...headers],
      body: SDP,
    });
    const challenge = await client.ask("INVITE", request([]));
    const uri = "sip:echo@demo.nearside.test";
    const answer = client.authorization("INVITE", challenge, { requestUri: uri });
    // A bridge finds out before it believes: to it alice's name in bob's request is a wrong digest.
    expect((await client.ask("INVITE", request([answer]))).status).toBe(transport === "ws" ? 407 : 403);
  });
});

describe("an access token", () => {
  const seconds = (ahead: number): number => Math.floor(Date.now() / 1_000) + ahead;
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

  function tokenWith(
    claims: Readonly<Record<string, unknown>>,
    { head = {}, account = "demo", secret }: { head?: Record<string, unknown>; account?: string; secret?: string } = {},
  ): string {
    const { sid, apiKey } = stack.account(account);
    const payload = {
      iss: apiKey.sid,
      sub: sid,
      iat: seconds(0),
      exp: seconds(300),
      grants: { identity: "alice", voice: { incoming: { allow: true } } },
      ...claims,
    };
    const signed = `${part({ alg: "HS256", typ: "JWT", cty: "twilio-fpa;v=1", ...head })}.${part(payload)}`;
    return `${signed}.${createHmac("sha256", secret ?? apiKey.secret)
      .update(signed)
      .digest("base64url")}`;
  }

  it("that is good lets its identity register", async () => {
    const client = await open("ws");
    expect((await client.register({ headers: [`Authorization: Bearer ${tokenWith({})}`] })).status).toBe(200);
  });

  it.each<{ readonly what: string; readonly code: string; readonly token: () => string }>([
    { what: "no token", code: "token-malformed", token: () => "abc" },
    { what: "three empty parts", code: "token-malformed", token: () => ".." },
    { what: "no JSON inside", code: "token-malformed", token: () => "bm9wZQ.bm9wZQ.bm9wZQ" },
    { what: "no algorithm", code: "token-header-invalid", token: () => tokenWith({}, { head: { alg: "none" } }) },
    { what: "another algorithm", code: "token-header-invalid", token: () => tokenWith({}, { head: { alg: "HS512" } }) },
    { what: "another content type", code: "token-header-invalid", token: () => tokenWith({}, { head: { cty: "x" } }) },
    { what: "another secret", code: "token-signature-invalid", token: () => tokenWith({}, { secret: "s".repeat(32) }) },
    { what: "no signature", code: "token-signature-invalid", token: () => `${tokenWith({}).split(".", 2).join(".")}.` },
    { what: "an unknown key", code: "token-issuer-unknown", token: () => tokenWith({ iss: `SK${"0".repeat(32)}` }) },
    { what: "a key of no form", code: "token-issuer-unknown", token: () => tokenWith({ iss: "../../x" }) },
    { what: "the other account", code: "token-account-mismatch", token: () => tokenWith({}, { account: "other" }) },
    {
      what: "its time over",
      code: "token-expired",
      token: () => tokenWith({ exp: seconds(-120), iat: seconds(-600) }),
    },
    { what: "its time to come", code: "token-not-yet-valid", token: () => tokenWith({ nbf: seconds(600) }) },
    { what: "more than a day", code: "token-lifetime-too-long", token: () => tokenWith({ exp: seconds(100_000) }) },
    { what: "no end", code: "token-malformed", token: () => tokenWith({ exp: "never" }) },
    { what: "no grants", code: "token-grants-missing", token: () => tokenWith({ grants: {} }) },
    {
      what: "bob's identity",
      code: "token-identity-mismatch",
      token: () => tokenWith({ grants: { identity: "bob", voice: { incoming: { allow: true } } } }),
    },
  ])("with $what is refused: $code", async ({ code, token }) => {
    const before = await workerCounters(stack);
    const client = await open("ws");
    const refused = await client.register({ headers: [`Authorization: Bearer ${token()}`] });
    expect(refused.status).toBe(401);
    expect(header(refused, "www-authenticate")).toContain(`error_description="${code}"`);
    expect(risen(before, await workerCounters(stack))).toMatchObject({ [`bridge.refused.${code}`]: 1 });
  });

  it("is nothing to a gateway, which knows digest only", async () => {
    const client = await open("tls");
    const refused = await client.register({ headers: [`Authorization: Bearer ${tokenWith({})}`] });
    expect(refused.status).toBe(401);
    expect(header(refused, "www-authenticate")).toMatch(/^Digest /);
  });

  it("guessed eight times closes the socket", async () => {
    const client = await open("ws");
    const guess = { headers: ["Authorization: Bearer a.b.c"] };
    for (let tried = 0; tried < 8; tried++) expect((await client.register(guess)).status).toBe(401);
    expect(await client.wire.closed).toBe(4401);
  });
});

describe("after all of it", () => {
  it("honest phones are served, and no secret came to light", async () => {
    await expectHonestTraffic(stack, await processIds(stack));
    expect(await leaksIn(stack, heard)).toEqual([]);
    expect(await leaksIn(stack, await readLogs(stack))).toEqual([]);
  });
});
