/** Numbers that an application answers, and settings of endpoints: the API, the requests, and calls that follow both. */
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import twilio from "twilio";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CallCommand } from "../../protocol/call-messages.ts";
import type { CallToken, LegId } from "../../protocol/ids.ts";
import { createAccount } from "./support/accounts.ts";
import type { TestAccount } from "./support/accounts.ts";
import { inviteReceived } from "./support/phone-invite.ts";
import { createGatewayKeys, createInstance, TestGateway } from "./support/test-gateway.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly form: Record<string, string>;
}

let worker: TestWorker;
let account: TestAccount;
let gateway: TestGateway;
let tickets: CallToken[];
let application: Server;
let origin: string;
let answer: (asked: Asked, response: ServerResponse) => void;
const asked: Asked[] = [];
const keys = createGatewayKeys();
let accounts = 0;

beforeAll(async () => {
  worker = await startWorker({ channels: 1 });
  await worker.operator("PUT", "/v1/operator/gateways/us-east", { region: "us-east", publicKey: keys.publicKey });
  application = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += String(chunk)));
    request.on("end", () => {
      const one = {
        method: request.method ?? "",
        url: `${origin}${request.url ?? ""}`,
        headers: request.headers,
        form: Object.fromEntries(new URLSearchParams(body)),
      };
      asked.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(application.address() as AddressInfo).port}`;
});
beforeEach(async () => {
  account = await createAccount(worker, `app${(accounts += 1)}`);
  gateway = new TestGateway(worker.origin, { gateway: "us-east", keys, instance: createInstance() });
  tickets = [...(await gateway.hello()).tickets];
  asked.length = 0;
});
afterEach(() => gateway.close());
afterAll(async () => {
  application.close();
  await worker.close();
});

async function put(path: string, json: unknown): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await worker.request(path, { method: "PUT", json, headers: account.basic() });
  return { status: response.status, body: await response.json() };
}

async function get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await worker.request(path, { headers: account.basic() });
  return { status: response.status, body: await response.json() };
}

function xml(document: string): typeof answer {
  return (_, response) => response.setHeader("Content-Type", "text/xml").end(document);
}

function dial(to: string): CallToken {
  const call = tickets.shift()!;
  const event = inviteReceived(account, "alice", to);
  gateway.send({ kind: "call-events", call, ackCommand: 0, events: [{ seq: 1, epoch: 1, event }] });
  return call;
}

async function waitTold<Kind extends CallCommand["kind"]>(
  call: CallToken,
  kind: Kind,
): Promise<Extract<CallCommand, { kind: Kind }>> {
  const find = () =>
    gateway.frames
      .flatMap((frame) => (frame.kind === "call-command" && frame.call === call ? [frame.command] : []))
      .findLast((command) => command.kind === kind);
  await expect.poll(find, { timeout: 8_000 }).toBeDefined();
  return find() as Extract<CallCommand, { kind: Kind }>;
}

describe("the settings of an endpoint", () => {
  const DEFAULTS = { ring: "all", ringTimeoutSeconds: 60, doNotDisturb: false, forward: {} };

  it("have defaults, are replaced as a whole, and keep targets in one form", async () => {
    expect(await get("/v1/endpoints/bob/settings")).toEqual({ status: 200, body: DEFAULTS });
    const forward = { busy: "Carol", noAnswer: "+1 (555) 0100", always: `sip:alice@${account.sipDomain}` };
    expect(await put("/v1/endpoints/Bob/settings", { ring: "nearest", ringTimeoutSeconds: 20, forward })).toEqual({
      status: 200,
      body: {
        ring: "nearest",
        ringTimeoutSeconds: 20,
        doNotDisturb: false,
        forward: { busy: "carol", noAnswer: "+15550100", always: "alice" },
      },
    });
    expect(await put("/v1/endpoints/bob/settings", {})).toEqual({ status: 200, body: DEFAULTS });
    expect(await get("/v1/endpoints/bob/settings")).toEqual({ status: 200, body: DEFAULTS });
  });

  it.each([
    [{ ring: "some" }, "ring:"],
    [{ ringTimeoutSeconds: 4 }, "ringTimeoutSeconds:"],
    [{ ringTimeoutSeconds: 61 }, "ringTimeoutSeconds:"],
    [{ forward: { busy: "sip:bob@elsewhere.test" } }, "forward.busy: forward-target-foreign"],
    [{ forward: { busy: "nobody at all" } }, "forward.busy: forward-target-invalid"],
    [{ forward: { sometimes: "bob" } }, "forward:"],
    [{ loud: true }, "body:"],
  ])("are refused as %j", async (json, problem) => {
    const { status, body } = await put("/v1/endpoints/bob/settings", json);
    expect({ status, body }).toMatchObject({
      status: 400,
      body: { code: "body-invalid", problems: [expect.stringContaining(problem)] },
    });
  });

  it("are of users of the account only", async () => {
    expect(await put("/v1/endpoints/nobody/settings", {})).toEqual({ status: 404, body: { code: "endpoint-unknown" } });
    expect((await worker.request("/v1/endpoints/bob/settings")).status).toBe(401);
  });

  it("are the user's own under /v1/me/settings", async () => {
    const { identity, sipDomain, password } = account.user("bob");
    const signedIn = await worker.request("/v1/tokens", { method: "POST", json: { identity, sipDomain, password } });
    const { token } = (await signedIn.json()) as { readonly token: string };
    const headers = { Authorization: `Bearer ${token}` };
    const stored = await worker.request("/v1/me/settings", { method: "PUT", json: { doNotDisturb: true }, headers });
    expect(stored.status).toBe(200);
    const read = await worker.request("/v1/me/settings", { headers });
    expect(await read.json()).toMatchObject({ doNotDisturb: true });
    expect(await get("/v1/endpoints/bob/settings")).toMatchObject({ body: { doNotDisturb: true } });
    const call = dial("bob");
    expect(await waitTold(call, "reject-leg")).toMatchObject({ status: 486 });
  });

  it("hold from the next call on, without an account's word being waited for", async () => {
    expect(await waitTold(dial("bob"), "reject-leg")).toMatchObject({ status: 480 });
    await put("/v1/endpoints/bob/settings", { doNotDisturb: true });
    expect(await waitTold(dial("bob"), "reject-leg")).toMatchObject({ status: 486 });
    await put("/v1/endpoints/bob/settings", {});
    expect(await waitTold(dial("bob"), "reject-leg")).toMatchObject({ status: 480 });
  });
});

describe("a number", () => {
  it("is kept in one form, listed, replaced and removed", async () => {
    const settings = { voiceUrl: "https://app.test/voice" };
    const stored = {
      number: "+15550100",
      voiceUrl: "https://app.test/voice",
      voiceMethod: "POST",
      voiceFallbackUrl: null,
      voiceFallbackMethod: "POST",
    };
    const path = `/v1/numbers/${encodeURIComponent("+1 555-0100")}`;
    expect(await put(path, settings)).toEqual({ status: 200, body: stored });
    expect(await get("/v1/numbers/+15550100")).toEqual({ status: 200, body: stored });
    expect(await get("/v1/numbers")).toEqual({ status: 200, body: { numbers: [stored] } });
    const removed = await worker.request("/v1/numbers/15550100", { method: "DELETE", headers: account.basic() });
    expect(removed.status).toBe(204);
    expect(await get("/v1/numbers/+15550100")).toEqual({ status: 404, body: { code: "number-unknown" } });
    expect(await put("/v1/numbers/bob", settings)).toEqual({ status: 400, body: { code: "number-invalid" } });
    expect(await put(path, { voiceUrl: "ftp://app.test/" })).toMatchObject({ status: 400 });
  });

  it("asks its application with a signature that Twilio's own validator accepts, by POST and by GET", async () => {
    answer = xml("<Response><Reject reason='busy'/></Response>");
    for (const [number, voiceMethod] of [
      ["+15550101", "POST"],
      ["+15550102", "GET"],
    ] as const) {
      await put(`/v1/numbers/${number}`, { voiceUrl: `${origin}/voice?tenant=a%20b`, voiceMethod });
      expect(await waitTold(dial(number), "reject-leg")).toMatchObject({ status: 486 });
      const one = asked.at(-1)!;
      expect(one.method).toBe(voiceMethod);
      const signature = String(one.headers["x-twilio-signature"]);
      expect(twilio.validateRequest(account.authToken, signature, one.url, one.form)).toBe(true);
      expect(twilio.validateRequest("another token", signature, one.url, one.form)).toBe(false);
      const told = voiceMethod === "POST" ? one.form : Object.fromEntries(new URL(one.url).searchParams);
      expect(told).toMatchObject({
        CallSid: expect.stringMatching(/^CA[0-9a-f]{32}$/),
        AccountSid: account.sid,
        From: "client:alice",
        To: number,
        CallStatus: "ringing",
        Direction: "inbound",
        ApiVersion: "2010-04-01",
      });
    }
  });

  it.each<[string, typeof answer, string]>([
    ["a status", (_, response) => response.writeHead(500).end(), "11200"],
    [
      "another type",
      (_, response) => response.writeHead(200, { "Content-Type": "application/json" }).end("{}"),
      "12300",
    ],
    ["no document", xml("<html/>"), "12102"],
    ["too much", xml(`<Response>${" ".repeat(70_000)}</Response>`), "11750"],
  ])("asks the other URL when the first one gives %s", async (_, first, code) => {
    await put("/v1/numbers/+15550103", { voiceUrl: `${origin}/voice`, voiceFallbackUrl: `${origin}/fallback` });
    answer = (one, response) =>
      one.url.endsWith("/fallback")
        ? xml("<Response><Reject reason='busy'/></Response>")(one, response)
        : first(one, response);
    expect(await waitTold(dial("+15550103"), "reject-leg")).toMatchObject({ status: 486 });
    expect(asked.at(-1)?.form).toMatchObject({ ErrorCode: code, ErrorUrl: `${origin}/voice` });
  });

  it("pauses and goes on by itself, for seconds and beyond an alarm", async () => {
    await put("/v1/numbers/+15550105", { voiceUrl: `${origin}/voice` });
    for (const seconds of [1, 11]) {
      answer = xml(`<Response><Pause length="${seconds}"/><Reject/></Response>`);
      const call = dial("+15550105");
      await waitTold(call, "ring-leg");
      const startedAtMs = Date.now();
      await expect
        .poll(
          () =>
            gateway.frames.some(
              (frame) => frame.kind === "call-command" && frame.call === call && frame.command.kind === "reject-leg",
            ),
          { timeout: 15_000 },
        )
        .toBe(true);
      expect(Date.now() - startedAtMs).toBeGreaterThan(seconds * 1_000 - 400);
    }
  }, 30_000);

  it("rings whom the document dials, and tells the action how that ended", async () => {
    await put("/v1/numbers/+15550106", { voiceUrl: `${origin}/voice` });
    answer = (one, response) =>
      one.url.endsWith("/voice")
        ? xml('<Response><Dial action="/done"><Client>bob</Client></Dial></Response>')(one, response)
        : xml("<Response><Hangup/></Response>")(one, response);
    const call = dial("+15550106");
    expect(await waitTold(call, "answer-leg")).toMatchObject({ leg: "a" as LegId });
    await waitTold(call, "end-leg");
    expect(asked.at(-1)?.form).toMatchObject({ DialCallStatus: "no-answer", DialBridged: "false" });
  });
});
