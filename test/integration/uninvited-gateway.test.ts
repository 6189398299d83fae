/** Who may be a gateway, against the whole stack: strangers, liars, revoked ones, and frames that fit nowhere. */
import { createPublicKey } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ControlLine, gatewayKey, strangersKey } from "../support/control-line.ts";
import type { HelloOptions } from "../support/control-line.ts";
import { expectHonestTraffic } from "../support/honest-traffic.ts";
import { Lab } from "../support/lab.ts";
import { RawSipClient } from "../support/raw-sip-client.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import {
  askOperator,
  gatewayCounters,
  leaksIn,
  processIds,
  readLogs,
  risen,
  workerCounters,
} from "../support/stack-watch.ts";
import { waitUntil } from "../support/wait-until.ts";

const REVOKED_WITHIN_MS = 5_000;
const SDP = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0", ""];

const lab = new Lab();
const lines: ControlLine[] = [];
let stack: Stack;

beforeAll(async () => {
  // Dead ones stay dead: the channels of ap-south belong to this test.
  stack = await lab.own(startStack({ restart: false }));
  await stack.killGateway("ap-south");
  await waitUntil("ap-south is known to be dead", async () => (await stateOf("ap-south")) === "down");
});
afterEach(() => {
  for (const line of lines.splice(0)) line.close();
});
afterAll(() => lab.close());

async function dial(gateway: string, channel = 0): Promise<ControlLine> {
  const line = await ControlLine.open(stack, gateway, channel);
  lines.push(line);
  return line;
}

async function stateOf(gateway: string): Promise<unknown> {
  const body = (await (await stack.request("/v1/gateways")).json()) as {
    readonly gateways: readonly { readonly gateway: string; readonly state: string }[];
  };
  return body.gateways.find((one) => one.gateway === gateway)?.state;
}

/** The refusal, its close code and its counter. */
async function expectRefused(line: ControlLine, code: string, before: Readonly<Record<string, number>>): Promise<void> {
  expect(await line.closed).toBe(4403);
  expect(line.frames.at(-1)).toMatchObject({ kind: "refused", code });
  expect(risen(before, await workerCounters(stack))).toMatchObject({ [`control.refused.${code}`]: 1 });
}

describe("a hello", () => {
  it("with the enrolled key is welcome: what the others lack is only that", async () => {
    const line = await dial("ap-south");
    await line.hello({ key: await gatewayKey(stack, "ap-south") });
    expect(await line.waitFrame("welcome")).toMatchObject({ protocol: 1 });
  });

  it.each<{ readonly what: string; readonly code: string; readonly hello: () => Promise<HelloOptions> }>([
    { what: "a stranger's key", code: "signature-invalid", hello: async () => ({ key: strangersKey() }) },
    {
      what: "another gateway's key",
      code: "signature-invalid",
      hello: async () => ({ key: await gatewayKey(stack, "us-east") }),
    },
    {
      what: "the answer to another challenge",
      code: "signature-invalid",
      hello: async () => ({ key: await gatewayKey(stack, "ap-south"), nonce: "00".repeat(32) }),
    },
    {
      what: "another gateway's name",
      code: "signature-invalid",
      hello: async () => ({ key: await gatewayKey(stack, "us-east"), gateway: "us-east" }),
    },
    {
      what: "another channel",
      code: "signature-invalid",
      hello: async () => ({ key: await gatewayKey(stack, "ap-south"), channel: 1 }),
    },
    {
      what: "another protocol",
      code: "protocol-unsupported",
      hello: async () => ({ key: await gatewayKey(stack, "ap-south"), protocol: 9 }),
    },
  ])("with $what is refused: $code", async ({ code, hello }) => {
    const before = await workerCounters(stack);
    const line = await dial("ap-south");
    await line.hello(await hello());
    await expectRefused(line, code, before);
  });

  it.each([
    { query: "gateway=atlantis&channel=0", status: 404 },
    { query: "gateway=us-east&channel=99", status: 404 },
    { query: "gateway=us-east&channel=-1", status: 404 },
    { query: "", status: 404 },
    { query: "gateway=us-east&channel=0", status: 426 },
  ])("finds no door at /control?$query without a map entry or a WebSocket: $status", async ({ query, status }) => {
    expect((await fetch(`${stack.http}/control?${query}`)).status).toBe(status);
  });
});

describe("a frame", () => {
  it.each<{ readonly what: string; readonly frame: string | Uint8Array; readonly code: string }>([
    { what: "that is no JSON", frame: "{", code: "frame-invalid" },
    { what: "that is a list", frame: "[1,2]", code: "frame-invalid" },
    { what: "without a kind", frame: "{}", code: "frame-invalid" },
    { what: "of octets", frame: new Uint8Array([1, 2, 3]), code: "frame-invalid" },
    { what: "of more than 256 Ki characters", frame: `"${"x".repeat(256 * 1_024)}"`, code: "frame-too-long" },
    { what: "that is no hello", frame: '{"kind":"tickets-wanted","count":5}', code: "hello-expected" },
    { what: "of a kind from the future", frame: '{"kind":"teleport"}', code: "hello-expected" },
    { what: "that is half a hello", frame: '{"kind":"hello","protocol":1}', code: "frame-invalid" },
    { what: "that names a prototype", frame: '{"kind":"__proto__"}', code: "hello-expected" },
  ])("before the hello $what is refused: $code", async ({ frame, code }) => {
    const before = await workerCounters(stack);
    const line = await dial("ap-south", 1);
    await line.waitFrame("challenge");
    line.send(frame);
    await expectRefused(line, code, before);
  });

  it("of an open channel that is no JSON is refused: frame-invalid", async () => {
    const line = await dial("ap-south");
    await line.hello({ key: await gatewayKey(stack, "ap-south") });
    await line.waitFrame("welcome");
    const before = await workerCounters(stack);
    line.send("nonsense");
    await expectRefused(line, "frame-invalid", before);
  });

  it.each([
    { what: "with a field of the wrong type", frame: { kind: "tickets-wanted", count: "many" }, code: "frame-invalid" },
    {
      what: "with an event that is none",
      frame: { kind: "call-events", call: "x", ackCommand: 0, events: [{ seq: 1, epoch: 1, event: { kind: "boom" } }] },
      code: "frame-invalid",
    },
    {
      what: "of more than 256 Ki characters",
      frame: { kind: "heartbeat", more: "x".repeat(256 * 1_024) },
      code: "frame-too-long",
    },
  ])("of an open channel $what is lost, and the channel goes on", async ({ frame, code }) => {
    const line = await dial("ap-south");
    await line.hello({ key: await gatewayKey(stack, "ap-south") });
    await line.waitFrame("welcome");
    const before = await workerCounters(stack);
    line.send(frame);
    line.send({ kind: "tickets-wanted", count: 1 });
    await line.waitFrame("tickets");
    expect(risen(before, await workerCounters(stack))).toMatchObject({ [`control.frame-lost.${code}`]: 1 });
  });

  it("of an unknown kind on an open channel is ignored and counted", async () => {
    const line = await dial("ap-south");
    await line.hello({ key: await gatewayKey(stack, "ap-south") });
    await line.waitFrame("welcome");
    const before = await workerCounters(stack);
    line.send({ kind: "teleport" });
    line.send({ kind: "tickets-wanted", count: 1_000_000 });
    const { tickets } = (await line.waitFrame("tickets")) as { readonly tickets?: readonly unknown[] };
    expect(tickets).toHaveLength(256);
    expect(risen(before, await workerCounters(stack))).toMatchObject({ "control.unknown-kind": 1 });
  });

  it("about a call whose token is forged is answered with its end, and touches no call", async () => {
    const line = await dial("ap-south");
    await line.hello({ key: await gatewayKey(stack, "ap-south") });
    const welcome = (await line.waitFrame("welcome")) as { readonly tickets?: readonly string[] };
    const [genuine = ""] = welcome.tickets ?? [];
    const forged = genuine.slice(0, -4) + (genuine.endsWith("AAAA") ? "BBBB" : "AAAA");
    const before = await workerCounters(stack);
    line.send({ kind: "command-ack", call: forged, ackCommand: 0 });
    line.send({ kind: "tickets-wanted", count: 1 });
    await line.waitFrame("tickets");
    expect(risen(before, await workerCounters(stack))).toMatchObject({ "control.call-token-invalid": 1 });
  });
});

describe("a gateway that is revoked", { timeout: 90_000 }, () => {
  it("is cut off within five seconds, its phones are no longer called, and enrolled again it is back", async () => {
    const alice = await RawSipClient.open(stack, "udp", { gateway: "eu-west", user: stack.user("alice") });
    const bob = await RawSipClient.open(stack, "udp", { user: stack.user("bob") });
    await lab.own(alice);
    await lab.own(bob);
    expect((await alice.registerWithDigest()).status).toBe(200);
    expect(await leases()).toEqual(["confirmed"]);

    const revokedAtMs = performance.now();
    const answer = await askOperator(stack, "/v1/operator/gateways/eu-west", { method: "DELETE" });
    expect(answer.status).toBe(204);
    await waitUntil(
      "both control channels are closed",
      async () => (await gatewayCounters(stack, "eu-west"))["control_channels_open"] === 0,
      { timeoutMs: REVOKED_WITHIN_MS },
    );
    expect(performance.now() - revokedAtMs).toBeLessThan(REVOKED_WITHIN_MS);
    await waitUntil("its routes are lost", async () => (await leases()).every((lease) => lease === "lost"), {
      timeoutMs: REVOKED_WITHIN_MS,
    });
    // Registered, and nobody who may reach her: try again later.
    expect(await callAlice(bob)).toBe(503);
    expect(alice.wire.received).not.toContain("INVITE");
    expect(await gatewayCounters(stack, "eu-west")).toMatchObject({
      control_refused_gateway_revoked_total: expect.any(Number),
    });

    const publicKey = createPublicKey(await gatewayKey(stack, "eu-west")).export({ format: "jwk" }).x;
    const body = JSON.stringify({ region: "eu-west", publicKey });
    expect((await askOperator(stack, "/v1/operator/gateways/eu-west", { method: "PUT", body })).status).toBe(200);
    await waitUntil(
      "both control channels are open again",
      async () => (await gatewayCounters(stack, "eu-west"))["control_channels_open"] === 2,
      { timeoutMs: 60_000, everyMs: 250 },
    );
    expect(await leases()).toEqual(["confirmed"]);
  });

  async function leases(): Promise<readonly string[]> {
    const body = (await (await stack.request("/v1/endpoints/alice/routes")).json()) as {
      readonly routes: readonly { readonly lease: string }[];
    };
    return body.routes.map(({ lease }) => lease);
  }

  async function callAlice(caller: RawSipClient): Promise<number> {
    const uri = `sip:alice@${caller.user.domain}`;
    const request = {
      requestUri: uri,
      to: `<${uri}>`,
      headers: [`Contact: ${caller.contact}`, "Content-Type: application/sdp"],
      body: SDP.join("\r\n"),
    };
    const challenge = await caller.ask("INVITE", request);
    const credentials = caller.authorization("INVITE", challenge, { requestUri: uri });
    return (await caller.ask("INVITE", { ...request, headers: [...request.headers, credentials] })).status;
  }
});

describe("after all of it", () => {
  it("honest phones are served, and no secret came to light", async () => {
    await expectHonestTraffic(stack, await processIds(stack));
    expect(await leaksIn(stack, await readLogs(stack))).toEqual([]);
  });
});
