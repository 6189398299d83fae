import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { startGatewayNode } from "../../../gateway-node/compose.ts";
import type { GatewayNode } from "../../../gateway-node/compose.ts";
import type { GatewayConfig } from "../../../gateway-node/config.ts";
import type { LogEvent } from "../../../gateway-node/observability/log-event.ts";
import { CONTROL_SUBPROTOCOL, enrolmentText } from "../../../protocol/control-frames.ts";
import type { GatewayFrame, WorkerFrame } from "../../../protocol/control-frames.ts";
import type { GatewayId, RegionName } from "../../../protocol/ids.ts";
import { createCertificate } from "../../../scripts/start/certificate.ts";

const keys = generateKeyPairSync("ed25519");
const certificate = await createCertificate(["127.0.0.1"], Date.now());

/** A Worker that welcomes whoever signs its nonce. */
class WelcomingWorker {
  readonly hellos: Extract<GatewayFrame, { kind: "hello" }>[] = [];
  readonly subprotocols: string[] = [];
  #server: WebSocketServer | undefined;

  async open(): Promise<string> {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => CONTROL_SUBPROTOCOL });
    this.#server = server;
    server.on("connection", (socket, request) => {
      this.subprotocols.push(request.headers["sec-websocket-protocol"] ?? "");
      send(socket, { kind: "challenge", nonce: "n" });
      socket.on("message", (data: Buffer) => this.#onText(socket, data.toString()));
    });
    await once(server, "listening");
    const address = server.address();
    return `ws://127.0.0.1:${String(typeof address === "object" && address !== null ? address.port : 0)}`;
  }

  #onText(socket: WebSocket, text: string): void {
    const frame = JSON.parse(text) as GatewayFrame;
    if (frame.kind !== "hello") return;
    const signed = Buffer.from(enrolmentText("n", frame.gateway, frame.instance, frame.channel));
    if (!verify(null, signed, createPublicKey(keys.privateKey), Buffer.from(frame.signature, "base64url"))) return;
    this.hellos.push(frame);
    send(socket, { kind: "welcome", protocol: 1, tickets: [], neighbours: [], heartbeatMs: 5_000 });
  }

  close(): void {
    for (const client of this.#server?.clients ?? []) client.terminate();
    this.#server?.close();
  }
}

function send(socket: WebSocket, frame: WorkerFrame): void {
  socket.send(JSON.stringify(frame));
}

let worker: WelcomingWorker;
let node: GatewayNode | undefined;
let logged: LogEvent[];

beforeEach(() => {
  worker = new WelcomingWorker();
  logged = [];
});

afterEach(async () => {
  await node?.close();
  node = undefined;
  worker.close();
});

async function start(changes: Partial<GatewayConfig> = {}): Promise<GatewayNode> {
  const config: GatewayConfig = {
    gateway: "us-east" as GatewayId,
    region: "us-east" as RegionName,
    host: "127.0.0.1",
    sipPorts: { udp: 0, tcp: 0, tls: 0 },
    trunkPort: 0,
    rtpPorts: [41_000, 41_099],
    metricsPort: 0,
    channels: 2,
    workerUrl: await worker.open(),
    enrolmentKey: keys.privateKey,
    fleetKey: Buffer.alloc(32, 1),
    tls: { key: certificate.keyPem, cert: certificate.certificatePem },
    mediaHosts: ["127.0.0.1"],
    exitOnStdinEnd: false,
    logLevel: "info",
    ...changes,
  };
  node = await startGatewayNode(config, (event) => logged.push(event));
  return node;
}

async function bound(port = 0): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

describe("a gateway node", () => {
  it("is ready when the Worker has welcomed every channel of its one instance", async () => {
    const { ready, instance } = await start();
    await ready;
    expect(worker.hellos.map(({ channel }) => channel).toSorted()).toEqual([0, 1]);
    expect(new Set(worker.hellos.map((hello) => hello.instance))).toEqual(new Set([instance]));
    expect(worker.subprotocols).toEqual([CONTROL_SUBPROTOCOL, CONTROL_SUBPROTOCOL]);
  });

  it("answers OPTIONS from the network, and counts it where operators look", async () => {
    const { sip, metricsPort, ready } = await start();
    await ready;
    const { host, port } = sip.localAddress("udp");
    const phone = createSocket("udp4");
    try {
      phone.send(
        "OPTIONS sip:gateway SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKo;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:gateway>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        port,
        host,
      );
      const [answer] = (await once(phone, "message")) as [Buffer];
      expect(answer.toString()).toMatch(/^SIP\/2\.0 200 OK\r\n/);
    } finally {
      phone.close();
    }
    const figures = await (await fetch(`http://127.0.0.1:${String(metricsPort)}/metrics`)).text();
    expect(figures).toContain('nearside_gateway_sip_request_options_total{gateway="us-east",region="us-east"} 1');
    expect(figures).toContain('nearside_gateway_control_channels_open{gateway="us-east",region="us-east"} 2');
  });

  it("shows legs, ports, transactions and timers as they are, so that what a call left behind can be seen", async () => {
    const { metricsPort, ready, sip } = await start();
    await ready;
    const read = async (): Promise<Record<string, number>> => {
      const text = await (await fetch(`http://127.0.0.1:${String(metricsPort)}/metrics`)).text();
      const rows = text.matchAll(/^nearside_gateway_(legs|rtp_ports_in_use|sip_transactions|timers)\{[^}]*\} (\d+)$/gm);
      return Object.fromEntries([...rows].map(([, name = "", value]) => [name, Number(value)]));
    };
    const quiet = await read();
    expect(quiet).toMatchObject({ legs: 0, rtp_ports_in_use: 0, sip_transactions: 0 });
    const { host, port } = sip.localAddress("udp");
    const phone = createSocket("udp4");
    try {
      // Answered, and kept for its repeats (Timer J).
      phone.send(
        "OPTIONS sip:gateway SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKt;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:gateway>\r\nCall-ID: t\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        port,
        host,
      );
      await once(phone, "message");
    } finally {
      phone.close();
    }
    expect(await read()).toMatchObject({ sip_transactions: 1, timers: (quiet["timers"] ?? 0) + 1 });
  });

  it("does not come up half when a port is taken, and leaves none of the others open", async () => {
    const [blocker, other] = [await bound(), await bound()];
    const trunkPort = other.address().port;
    other.close();
    try {
      const sipPorts = { udp: blocker.address().port, tcp: 0, tls: 0 };
      await expect(start({ sipPorts, trunkPort })).rejects.toThrow(String(sipPorts.udp));
    } finally {
      blocker.close();
    }
    const again = await bound(trunkPort);
    again.close();
  });

  it("writes no address of a peer into its log", async () => {
    const { ready } = await start();
    await ready;
    expect(logged.map(({ event }) => event)).toContain("gateway.listening");
    expect(JSON.stringify(logged)).not.toContain("127.0.0.1");
  });
});
