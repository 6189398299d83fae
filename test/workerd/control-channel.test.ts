import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createGatewayKeys, createInstance, TestGateway } from "./support/test-gateway.ts";
import type { GatewayKeys } from "./support/test-gateway.ts";
import { startWorker } from "./support/worker.ts";
import type { TestWorker } from "./support/worker.ts";

let worker: TestWorker;
const open: TestGateway[] = [];
const keys: Record<string, GatewayKeys> = { "us-east": createGatewayKeys(), "eu-west": createGatewayKeys() };

function dial(
  options: {
    readonly gateway?: string;
    readonly keys?: GatewayKeys;
    readonly channel?: number;
    readonly instance?: TestGateway["instance"];
  } = {},
): TestGateway {
  const gateway = options.gateway ?? "us-east";
  const one = new TestGateway(worker.origin, { ...options, gateway, keys: options.keys ?? keys[gateway]! });
  open.push(one);
  return one;
}

async function enrol(gateway: string): Promise<void> {
  const response = await worker.operator("PUT", `/v1/operator/gateways/${gateway}`, {
    region: gateway,
    publicKey: keys[gateway]!.publicKey,
  });
  expect(response.status).toBe(200);
}

beforeAll(async () => {
  worker = await startWorker();
  await enrol("us-east");
  await enrol("eu-west");
});

afterEach(() => {
  for (const gateway of open.splice(0)) gateway.close();
});

afterAll(async () => {
  await worker.close();
});

describe("greeting a gateway", () => {
  it("welcomes an enrolled gateway with 64 tickets and its two nearest neighbours", async () => {
    const welcome = await dial().hello();
    expect(new Set(welcome.tickets).size).toBe(64);
    expect(welcome.neighbours.map(({ gateway, port }) => `${gateway}:${port}`)).toEqual([
      "eu-west:5072",
      "ap-south:5082",
    ]);
  });

  it.each([
    {
      what: "a key that was never enrolled",
      gateway: "ap-south",
      code: "gateway-not-enrolled",
      keys: createGatewayKeys(),
      hello: {},
    },
    {
      what: "another gateway's key",
      gateway: "us-east",
      code: "signature-invalid",
      keys: createGatewayKeys(),
      hello: {},
    },
    { what: "a signature over another nonce", gateway: "us-east", code: "signature-invalid", hello: { nonce: "00" } },
    { what: "a signature that is none", gateway: "us-east", code: "signature-invalid", hello: { signature: "abc" } },
    { what: "another protocol version", gateway: "us-east", code: "protocol-unsupported", hello: { protocol: 2 } },
  ])("refuses $what with $code", async ({ gateway, keys, code, hello }) => {
    const one = dial({ gateway, ...(keys === undefined ? {} : { keys }) });
    await one.sendHello(hello);
    expect(await one.next("refused")).toMatchObject({ code, final: true });
    expect(await one.ended()).toBe(4403);
  });

  it("refuses a first frame that is no hello", async () => {
    const one = dial();
    await one.next("challenge");
    one.send({ kind: "tickets-wanted", count: 1 });
    expect(await one.next("refused")).toMatchObject({ code: "hello-expected" });
    expect(await one.ended()).toBe(4403);
  });

  it("closes the older socket of a channel when a newer one says hello", async () => {
    const instance = createInstance();
    const older = dial({ instance });
    await older.hello();
    const newer = dial({ instance });
    await newer.hello();
    expect(await older.next("refused")).toMatchObject({ code: "superseded" });
    expect(await older.ended()).toBe(4409);
    newer.send({ kind: "tickets-wanted", count: 2 });
    expect((await newer.next("tickets")).tickets).toHaveLength(2);
  });
});

describe("frames after the welcome", () => {
  it("ignores unknown kinds", async () => {
    const one = dial();
    await one.hello();
    one.send({ kind: "from-the-future", anything: 1 });
    one.send({ kind: "tickets-wanted", count: 1 });
    expect((await one.next("tickets")).tickets).toHaveLength(1);
  });

  it.each([
    { what: "text that is no JSON", frame: "{", code: "frame-invalid" },
    {
      what: "more than 256 Ki characters of no kind",
      frame: JSON.stringify({ kind: "x".repeat(256 * 1024) }),
      code: "frame-too-long",
    },
  ])("refuses $what with $code", async ({ frame, code }) => {
    const one = dial();
    await one.hello();
    one.send(frame);
    expect(await one.next("refused")).toMatchObject({ code });
    expect(await one.ended()).toBe(4403);
  });

  it.each([
    { what: "a field of the wrong type", frame: { kind: "tickets-wanted", count: "many" } },
    { what: "more than 256 Ki characters", frame: { kind: "tickets-wanted", count: 1, x: "y".repeat(256 * 1024) } },
  ])("loses a frame with $what, and goes on", async ({ frame }) => {
    const one = dial();
    await one.hello();
    one.send(frame);
    one.send({ kind: "tickets-wanted", count: 3 });
    expect((await one.next("tickets")).tickets).toHaveLength(3);
    expect(one.closed).toBeUndefined();
  });

  it("answers route-stored for a route that it cannot read", async () => {
    const one = dial();
    await one.hello();
    one.send({ kind: "route-added", id: 17, route: { contact: "x".repeat(2_000) } });
    expect(await one.next("route-stored")).toMatchObject({ id: 17, ok: false, code: "route-invalid" });
  });

  it("gives up the call whose events it cannot take, and no other", async () => {
    const one = dial();
    const { tickets } = await one.hello();
    const event = { kind: "leg-cancelled", leg: "a", x: "y".repeat(256 * 1024) };
    one.send({ kind: "call-events", call: tickets[0], ackCommand: 0, events: [{ seq: 1, epoch: 1, event }] });
    expect(await one.next("call-gone")).toEqual({ kind: "call-gone", call: tickets[0] });
    one.send({ kind: "tickets-wanted", count: 1 });
    await one.next("tickets");
    expect(one.closed).toBeUndefined();
  });

  it("takes the calls of a hello in several frames", async () => {
    const one = dial();
    const forged = (name: string) => ({ call: name.repeat(60) as never, appliedCommand: 0 });
    await one.hello({ calls: [forged("A")], moreCalls: true });
    one.send({ kind: "hello-calls", calls: [forged("B")], moreCalls: true });
    one.send({ kind: "hello-calls", calls: [forged("C")], moreCalls: false });
    const gone = [await one.next("call-gone"), await one.next("call-gone"), await one.next("call-gone")];
    expect(gone.map(({ call }) => call[0])).toEqual(["A", "B", "C"]);
  });

  it("answers with call-gone for a call whose token is forged or that never was", async () => {
    const one = dial();
    const { tickets } = await one.hello({ calls: [{ call: "A".repeat(80) as never, appliedCommand: 3 }] });
    expect((await one.next("call-gone")).call).toBe("A".repeat(80));
    one.send({ kind: "stray-request", call: tickets[0], leg: "a", method: "BYE" });
    expect((await one.next("call-gone")).call).toBe(tickets[0]);
  });

  it("keeps working after the object was hibernated", async () => {
    const one = dial();
    await one.hello();
    await worker.evict("GATEWAY", "gateway/us-east/us-east/0", "hibernate");
    one.send({ kind: "tickets-wanted", count: 1 });
    expect((await one.next("tickets")).tickets).toHaveLength(1);
  });
});

describe("the fleet", () => {
  const auth = { Authorization: `Basic ${Buffer.from(`AC${"0".repeat(31)}f:auth-token-of-tests`).toString("base64")}` };

  beforeAll(async () => {
    await worker.operator("PUT", `/v1/operator/accounts/AC${"0".repeat(31)}f`, {
      name: "fleet",
      sipDomain: "fleet.test",
      authToken: "auth-token-of-tests",
    });
  });

  async function stateOf(gateway: string): Promise<unknown> {
    const response = await worker.request("/v1/gateways", { headers: auth });
    const body = (await response.json()) as { gateways: { gateway: string; state: string }[] };
    return body.gateways.find((one) => one.gateway === gateway)?.state;
  }

  it("shows a gateway as up once it said hello, and as down once a neighbour's probe failed", async () => {
    const neighbour = dial({ gateway: "eu-west" });
    await neighbour.hello();
    const one = dial();
    await one.hello();
    expect(await stateOf("us-east")).toBe("up");
    expect(await stateOf("ap-south")).toBe("down");
    one.kill();
    const probe = await neighbour.next("probe");
    expect(probe.target).toMatchObject({ gateway: "us-east", port: 5062 });
    neighbour.send({ kind: "probe-result", id: probe.id, gateway: "us-east", alive: false });
    await expect.poll(() => stateOf("us-east"), { timeout: 3_000 }).toBe("down");
  });

  it("grants grace to a gateway whose trunk answers while its channel is closed", async () => {
    const neighbour = dial({ gateway: "eu-west" });
    await neighbour.hello();
    const one = dial();
    await one.hello();
    one.kill();
    const probe = await neighbour.next("probe");
    neighbour.send({ kind: "probe-result", id: probe.id, gateway: "us-east", alive: true });
    await expect.poll(() => stateOf("us-east"), { timeout: 3_000 }).toBe("suspect");
    const again = dial({ instance: one.instance });
    await again.hello();
    expect(await stateOf("us-east")).toBe("up");
  });

  it("closes the channels of a revoked gateway, and refuses it from then on", async () => {
    const one = dial({ gateway: "eu-west" });
    await one.hello();
    expect((await worker.operator("DELETE", "/v1/operator/gateways/eu-west")).status).toBe(204);
    expect(await one.next("refused")).toMatchObject({ code: "gateway-revoked", final: true });
    expect(await one.ended()).toBe(4403);
    const again = dial({ gateway: "eu-west" });
    await again.sendHello();
    expect(await again.next("refused")).toMatchObject({ code: "gateway-revoked" });
    await enrol("eu-west");
    await dial({ gateway: "eu-west" }).hello();
  });

  it("closes the channels of a key that another one replaces, and not those of the new one", async () => {
    const old = dial({ gateway: "eu-west" });
    await old.hello();
    const replaced = keys["eu-west"]!;
    keys["eu-west"] = createGatewayKeys();
    await enrol("eu-west");
    expect(await old.next("refused")).toMatchObject({ code: "gateway-revoked", final: true });
    expect(await old.ended()).toBe(4403);
    const again = dial({ gateway: "eu-west", keys: replaced });
    await again.sendHello();
    expect(await again.next("refused")).toMatchObject({ code: "signature-invalid" });
    const present = dial({ gateway: "eu-west" });
    await present.hello();
    await enrol("eu-west");
    present.send({ kind: "tickets-wanted", count: 1 });
    await present.next("tickets");
    expect(present.closed).toBeUndefined();
  });
});
