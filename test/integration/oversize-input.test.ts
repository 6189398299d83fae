/** Too long, too many, too slow, too little and no SIP at all: limits of the whole stack, just within, at and just beyond. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { expectHonestTraffic, WIRE_TRANSPORTS } from "../support/honest-traffic.ts";
import { Lab } from "../support/lab.ts";
import { RawSipClient } from "../support/raw-sip-client.ts";
import type { WireTransport } from "../support/raw-wire.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { gatewayCounters, leaksIn, processIds, readLogs, risen, workerCounters } from "../support/stack-watch.ts";
import type { Counters } from "../support/stack-watch.ts";

const MAX_MESSAGE = 65_535;
const MAX_HEADERS = 100;
const MAX_HEADER_LENGTH = 8_192;
const MAX_VIAS = 70;
/** The most that a datagram over IPv4 can hold. */
const MAX_DATAGRAM = 65_507;
/** From a message's first octet to its last, and from a connection to its first message. */
const PATIENCE_MS = 10_000;

const lab = new Lab();
let stack: Stack;
let processesAtStart: Readonly<Record<string, number | null>>;
let heard = "";
const clients: RawSipClient[] = [];

beforeAll(async () => {
  stack = await lab.own(startStack());
  processesAtStart = await processIds(stack);
});
afterEach(async () => {
  heard += clients.map(({ wire }) => wire.received).join("\n");
  await Promise.all(clients.splice(0).map((client) => client.close()));
});
afterAll(() => lab.close());

async function open(transport: WireTransport): Promise<RawSipClient> {
  const client = await RawSipClient.open(stack, transport);
  clients.push(client);
  return client;
}

const countersOf = (transport: WireTransport): Promise<Counters> =>
  transport === "ws" ? workerCounters(stack) : gatewayCounters(stack);

function malformed(transport: WireTransport, code: string): string {
  return transport === "ws" ? `bridge.malformed.${code}` : `sip_malformed_${code.replaceAll("-", "_")}_total`;
}

/** OPTIONS with a body that makes the whole message this long. */
function messageOf(client: RawSipClient, octets: number): string {
  const short = client.requestText("OPTIONS", { body: "x".repeat(10_000) });
  return client.requestText("OPTIONS", { body: "x".repeat(octets - short.length + 10_000) });
}

/** OPTIONS with so many header fields; those that it has anyhow count too. */
function withHeaders(client: RawSipClient, count: number): string {
  const own = client.requestText("OPTIONS").split("\r\n").length - 3;
  return client.requestText("OPTIONS", { headers: Array.from({ length: count - own }, (_, i) => `X-${i}: 1`) });
}

const withHeaderLength = (client: RawSipClient, length: number): string =>
  client.requestText("OPTIONS", { headers: [`X-Long: ${"y".repeat(length - "X-Long: ".length)}`] });

const withVias = (client: RawSipClient, count: number): string =>
  client.requestText("OPTIONS", {
    headers: Array.from({ length: count - 1 }, (_, i) => `Via: SIP/2.0/UDP h${i}.invalid;branch=z9hG4bK${i}`),
  });

describe.each(WIRE_TRANSPORTS)("limits over %s", (transport) => {
  it.each([
    { what: "header fields", cap: MAX_HEADERS, build: withHeaders, status: 513, code: "too-many-headers" },
    {
      what: "characters in one",
      cap: MAX_HEADER_LENGTH,
      build: withHeaderLength,
      status: 513,
      code: "header-too-long",
    },
    { what: "Via values", cap: MAX_VIAS, build: withVias, status: 513, code: "too-many-vias" },
  ])("$cap $what are served, one more is refused with $status", async ({ cap, build, status, code }) => {
    const client = await open(transport);
    for (const within of [cap - 1, cap]) expect((await client.exchange(build(client, within))).status).toBe(200);
    const before = await countersOf(transport);
    expect((await client.exchange(build(client, cap + 1))).status).toBe(status);
    expect(risen(before, await countersOf(transport))).toMatchObject({ [malformed(transport, code)]: 1 });
  });
});

const OFFER = [
  "v=0",
  "o=- 1 1 IN IP4 127.0.0.1",
  "s=-",
  "c=IN IP4 127.0.0.1",
  "t=0 0",
  "m=audio 4000 RTP/AVP 0",
  "",
].join("\r\n");

describe("an authenticated INVITE whose SDP would fill a frame of the control channel", () => {
  it.each([
    { what: "50,000 control characters", line: `a=x:${"\u0001".repeat(50_000)}`, status: 413 },
    { what: "a few control characters", line: `a=x:${"\u0001".repeat(50)}`, status: 488 },
    { what: "more than 16 Ki characters", line: `a=x:${"y".repeat(17_000)}`, status: 413 },
  ])("is refused $status for $what, over TCP and WebSocket, and no channel notices", async ({ line, status }) => {
    const before = await workerCounters(stack);
    for (const transport of ["tcp", "ws"] as const) {
      const client = await open(transport);
      const requestUri = `sip:echo@${client.user.domain}`;
      const headers = ["Content-Type: application/sdp", `Contact: ${client.contact}`];
      const invite = { requestUri, to: `<${requestUri}>`, body: `${OFFER}${line}\r\n` };
      const first = await client.ask("INVITE", { ...invite, headers });
      const answer = first.status === 407 ? [client.authorization("INVITE", first, { requestUri })] : [];
      const last =
        answer.length === 0 ? first : await client.ask("INVITE", { ...invite, headers: [...headers, ...answer] });
      expect(last.status).toBe(status);
    }
    const changes = Object.keys(risen(before, await workerCounters(stack)));
    expect(changes.filter((name) => /^control\.(opened|refused|frame-lost)/.test(name))).toEqual([]);
  });
});

describe("the length of a message", () => {
  it("is served up to the longest datagram", async () => {
    const client = await open("udp");
    expect((await client.exchange(messageOf(client, MAX_DATAGRAM))).status).toBe(200);
  });

  it.each(["tcp", "tls", "ws"] as const)(
    "is served up to 65,535 octets over %s and refused beyond",
    async (transport) => {
      const client = await open(transport);
      for (const octets of [MAX_MESSAGE - 1, MAX_MESSAGE])
        expect((await client.exchange(messageOf(client, octets))).status).toBe(200);
      const before = await countersOf(transport);
      expect((await client.exchange(messageOf(client, MAX_MESSAGE + 1))).status).toBe(413);
      expect(risen(before, await countersOf(transport))).toMatchObject({
        [malformed(transport, "message-too-long")]: 1,
      });
      // What follows on a stream cannot be told from the body that nobody read; a WebSocket frames by itself.
      if (transport !== "ws") await client.wire.closed;
      else expect((await client.ask("OPTIONS")).status).toBe(200);
    },
  );

  it.each(["tcp", "tls"] as const)("without an end of its head closes %s", async (transport) => {
    const before = await gatewayCounters(stack);
    const client = await open(transport);
    client.wire.send(`OPTIONS sip:a@b SIP/2.0\r\n${"X-Filler: yes\r\n".repeat(6_000)}`);
    await client.wire.closed;
    expect(risen(before, await gatewayCounters(stack))).toMatchObject({ sip_malformed_message_too_long_total: 1 });
  });
});

/** Octets that look like nothing, the same in each run. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  });
}

describe("what is no SIP", () => {
  it("as datagrams is counted and never answered", async () => {
    const before = await gatewayCounters(stack);
    const client = await open("udp");
    for (let seed = 1; seed <= 200; seed++) client.wire.send(noise(seed * 7, seed));
    for (const half of ["OPTIONS", "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP", "\r\n", "\0\0\0\0", "SIP/2.0 200"])
      client.wire.send(half);
    expect((await client.ask("OPTIONS")).status).toBe(200);
    expect(client.wire.received.match(/^SIP\/2\.0/gm)).toHaveLength(1);
    const { sip_malformed_head_unterminated_total: unterminated = 0 } = risen(before, await gatewayCounters(stack));
    expect(unterminated).toBeGreaterThan(150);
  });

  it.each(["tcp", "tls"] as const)("on a %s stream ends it", async (transport) => {
    const before = await gatewayCounters(stack);
    const client = await open(transport);
    client.wire.send(noise(1_000, 99));
    client.wire.send("\r\n\r\nnoise\r\n\r\n");
    await client.wire.closed;
    const rose = Object.keys(risen(before, await gatewayCounters(stack)));
    expect(rose.filter((name) => name.startsWith("sip_malformed_"))).toHaveLength(1);
  });

  it("in WebSocket messages is counted, and the socket goes on", async () => {
    const before = await workerCounters(stack);
    const client = await open("ws");
    for (let seed = 1; seed <= 50; seed++) client.wire.send(noise(seed * 97, seed));
    client.wire.send("OPTIONS");
    client.wire.send(JSON.stringify({ kind: "hello" }));
    expect((await client.ask("OPTIONS")).status).toBe(200);
    const { "bridge.malformed.head-unterminated": unterminated = 0 } = risen(before, await workerCounters(stack));
    expect(unterminated).toBeGreaterThan(40);
  });

  it("comes to a SIP-over-WebSocket door as 64 kB of it, many times, and the socket goes on", async () => {
    const client = await open("ws");
    for (let seed = 1; seed <= 40; seed++) client.wire.send(noise(65_536, seed));
    for (let sent = 0; sent < 2_000; sent++) client.wire.send("\r\n\r\n");
    expect((await client.ask("OPTIONS")).status).toBe(200);
  });
});

describe("the door of SIP over WebSocket", () => {
  it.each([
    { what: "another subprotocol", protocols: ["chat"], path: "/sip", status: 426 },
    { what: "no subprotocol", protocols: [], path: "/sip", status: 426 },
    { what: "a region that is none", protocols: ["sip"], path: "/sip?region=atlantis", status: 400 },
  ])("is closed to $what: $status", async ({ protocols, path, status }) => {
    const socket = new WebSocket(`${stack.http.replace("http", "ws")}${path}`, protocols);
    socket.on("error", () => undefined);
    const [request, response] = await once(socket, "unexpected-response");
    expect(response.statusCode).toBe(status);
    request.destroy();
  });

  it("answers a plain request with what it expects", async () => {
    const response = await fetch(`${stack.http}/sip`);
    expect(response.status).toBe(426);
    expect(await response.json()).toEqual({ code: "websocket-sip-expected" });
  });
});

/** All of them at once: each needs the ten seconds that the stack is patient. */
describe("peers that are slow", () => {
  it("are let go after ten seconds, each with its counter", { timeout: 40_000 }, async () => {
    const before = await gatewayCounters(stack);
    const bridgeBefore = await workerCounters(stack);
    const [silent, half, drip, unfinished] = [
      await open("tcp"),
      await open("tcp"),
      await open("tls"),
      await open("tcp"),
    ];
    const sentAtMs = performance.now();
    for (const client of [half, drip, unfinished]) expect((await client.ask("OPTIONS")).status).toBe(200);
    half.wire.send("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP");
    unfinished.wire.send(half.requestText("OPTIONS", { body: "short" }).replace("Length: 5", "Length: 500"));
    const slow = drip.requestText("OPTIONS", { body: "z".repeat(500) });
    let dripped = 0;
    const dripping = setInterval(() => drip.wire.send(slow.charAt(dripped++)), 250);
    const anonymous = await open("ws");
    // A TLS port that hears no handshake.
    const mute = connect(stack.sip("us-east", "tls"));
    const muteClosed = once(mute, "close");

    await Promise.all([silent, half, drip, unfinished].map(({ wire }) => wire.closed));
    clearInterval(dripping);
    await muteClosed;
    expect(await anonymous.wire.closed).toBe(4401);
    expect(performance.now() - sentAtMs).toBeGreaterThan(PATIENCE_MS - 500);
    expect(risen(before, await gatewayCounters(stack))).toMatchObject({
      sip_connection_silent_total: 1,
      sip_connection_slow_total: 3,
      sip_tls_handshake_failed_total: 1,
    });
    expect(risen(bridgeBefore, await workerCounters(stack))).toMatchObject({ "bridge.never-authenticated": 1 });
  });
});

describe("after all of it", () => {
  it("honest phones are served, every process lives, and no secret came to light", async () => {
    await expectHonestTraffic(stack, processesAtStart);
    expect(await leaksIn(stack, heard)).toEqual([]);
    expect(await leaksIn(stack, await readLogs(stack))).toEqual([]);
  });
});
