/** A bare wire to the stack over any transport: sends octets as they are, good or bad, and keeps what comes back. */
import { createSocket } from "node:dgram";
import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { once } from "node:events";
import { WebSocket } from "ws";
import { parseSipMessage } from "#sip/message/parser";
import type { SipMessage, SipRequest, SipResponse } from "#sip/message/sip-message";
import { SipStreamFramer } from "#sip/message/stream-framer";
import { cseqOf, topVia } from "#sip/message/typed-headers";
import { SIP_LIMITS } from "#sip/message/limits";
import type { Stack } from "./stack.ts";

/** A refusal copies what was too much. */
const PATIENT = { ...SIP_LIMITS, maxHeaders: 1_000, maxVias: 1_000 };

export type WireTransport = "udp" | "tcp" | "tls" | "ws";

export interface Wire {
  readonly transport: WireTransport;
  /** Where answers to this wire go, for Via and Contact. */
  readonly local: { readonly host: string; readonly port: number };
  /** All SIP messages that came, in order. */
  readonly messages: readonly SipMessage[];
  /** Everything that came, as text: for the search of leaks. */
  readonly received: string;
  /** Settles when the other side has closed: with the WebSocket's close code, 0 for streams. */
  readonly closed: Promise<number>;
  send(octets: Uint8Array | string): void;
  /** The first message that fits, come or to come. */
  waitMessage(what: string, fits: (message: SipMessage) => boolean, timeoutMs?: number): Promise<SipMessage>;
  close(): Promise<void>;
}

interface Port {
  readonly local: Wire["local"];
  send(octets: Uint8Array): void;
  close(): Promise<void>;
}

/** What a transport tells its wire. */
interface Ear {
  /** One datagram, one WebSocket message, or a piece of a stream. */
  onOctets(octets: Uint8Array): void;
  onClosed(code: number): void;
}

export async function openWire(stack: Stack, transport: WireTransport, gateway = "us-east"): Promise<Wire> {
  const wire = new OpenWire(transport);
  wire.port = await openPort(stack, transport, gateway, wire);
  return wire;
}

/** Final response to the request with this Via branch. */
export async function finalResponse(wire: Wire, request: SipRequest, timeoutMs = 5_000): Promise<SipResponse> {
  const branch = topVia(request)?.branch;
  const method = cseqOf(request)?.method;
  const fits = (message: SipMessage): boolean =>
    message.kind === "response" &&
    message.status >= 200 &&
    topVia(message)?.branch === branch &&
    cseqOf(message)?.method === method;
  const message = await wire.waitMessage(`final response to ${request.method}`, fits, timeoutMs);
  if (message.kind !== "response") throw new Error("a response was waited for");
  return message;
}

class OpenWire implements Wire, Ear {
  readonly transport: WireTransport;
  readonly messages: SipMessage[] = [];
  readonly closed: Promise<number>;
  received = "";
  port: Port | undefined;
  readonly #framer = new SipStreamFramer();
  readonly #lookers = new Set<() => void>();
  #settleClosed: (code: number) => void = () => undefined;

  constructor(transport: WireTransport) {
    this.transport = transport;
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
  }

  get local(): Wire["local"] {
    return this.#openPort().local;
  }

  send(octets: Uint8Array | string): void {
    this.#openPort().send(typeof octets === "string" ? Buffer.from(octets) : octets);
  }

  async waitMessage(what: string, fits: (message: SipMessage) => boolean, timeoutMs = 5_000): Promise<SipMessage> {
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.messages.find(fits);
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const timer = setTimeout(() => {
        stop();
        reject(
          new Error(`no ${what} over ${this.transport} within ${timeoutMs} ms; came: ${this.received || "nothing"}`),
        );
      }, timeoutMs);
      const stop = (): void => {
        clearTimeout(timer);
        this.#lookers.delete(look);
      };
      this.#lookers.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    await this.port?.close();
  }

  onOctets(octets: Uint8Array): void {
    this.received += Buffer.from(octets).toString("latin1");
    if (this.transport === "tcp" || this.transport === "tls") {
      for (const item of this.#framer.push(octets)) if (item.kind === "message") this.#take(item.bytes);
    } else this.#take(octets);
    for (const look of this.#lookers) look();
  }

  onClosed(code: number): void {
    this.#settleClosed(code);
  }

  #take(octets: Uint8Array): void {
    const outcome = parseSipMessage(octets, PATIENT);
    if (outcome.ok) this.messages.push(outcome.message);
  }

  #openPort(): Port {
    if (this.port === undefined) throw new Error("the wire is not open");
    return this.port;
  }
}

async function openPort(stack: Stack, transport: WireTransport, gateway: string, ear: Ear): Promise<Port> {
  switch (transport) {
    case "udp":
      return await openUdp(stack.sip(gateway, "udp"), ear);
    case "tcp": {
      const socket = connectTcp(stack.sip(gateway, "tcp"));
      await once(socket, "connect");
      return streamPort(socket, ear);
    }
    case "tls": {
      // The certificate of a local stack is nobody's: tests of trust are elsewhere.
      const socket = connectTls({ ...stack.sip(gateway, "tls"), rejectUnauthorized: false });
      await once(socket, "secureConnect");
      return streamPort(socket, ear);
    }
    case "ws":
      return await openWebSocket(stack.webSocket(gateway), ear);
  }
}

async function openUdp(server: { readonly host: string; readonly port: number }, ear: Ear): Promise<Port> {
  const socket = createSocket("udp4");
  socket.on("message", (octets) => ear.onOctets(octets));
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    local: { host: "127.0.0.1", port: socket.address().port },
    send: (octets) => socket.send(octets, server.port, server.host),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function streamPort(socket: Socket, ear: Ear): Port {
  socket.on("data", (octets) => ear.onOctets(octets));
  // A peer that closes while we still write resets the connection: the close says it all.
  socket.on("error", () => undefined);
  socket.on("end", () => ear.onClosed(0));
  socket.on("close", () => ear.onClosed(0));
  return {
    local: { host: "127.0.0.1", port: socket.localPort ?? 0 },
    send: (octets) => void socket.write(octets),
    close: () => {
      socket.destroy();
      return Promise.resolve();
    },
  };
}

async function openWebSocket(url: string, ear: Ear): Promise<Port> {
  const socket = new WebSocket(url, "sip");
  socket.on("message", (octets: Buffer) => ear.onOctets(octets));
  socket.on("close", (code) => ear.onClosed(code));
  await once(socket, "open");
  socket.on("error", () => undefined);
  return {
    local: { host: "wire.invalid", port: 5060 },
    // Text when it is text: RFC 7118 section 5 knows both, and browsers send text.
    send: (octets) => socket.send(octets, { binary: !isText(octets) }),
    close: () => {
      socket.terminate();
      return Promise.resolve();
    },
  };
}

function isText(octets: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(octets);
    return true;
  } catch {
    return false;
  }
}
