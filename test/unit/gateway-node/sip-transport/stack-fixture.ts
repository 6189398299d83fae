/** A SIP stack on loopback with a clock that the test moves, and phones on real sockets. */
import { createSocket } from "node:dgram";
import { webcrypto } from "node:crypto";
import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { SubjectAlternativeNameExtension, X509CertificateGenerator, cryptoProvider } from "@peculiar/x509";
import { parseSipMessage } from "#sip/message/parser";
import type { SipMessage, SipRequest, SipResponse } from "#sip/message/sip-message";
import { SipStreamFramer } from "#sip/message/stream-framer";
import { createSipStack } from "../../../../gateway-node/sip-transport/create-sip-stack.ts";
import type { ServerTransaction, SipStack } from "../../../../gateway-node/sip-transport/sip-stack.ts";
import type { SipStackOptions } from "../../../../gateway-node/sip-transport/sip-stack-options.ts";

export class ManualClock {
  #nowMs = 1_000_000;
  #timers = new Set<{ readonly atMs: number; readonly fire: () => void }>();

  nowMs = (): number => this.#nowMs;

  setTimer = (ms: number, fire: () => void): { clear(): void } => {
    const timer = { atMs: this.#nowMs + ms, fire };
    this.#timers.add(timer);
    return { clear: () => this.#timers.delete(timer) };
  };

  get running(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = next.atMs;
      next.fire();
    }
    this.#nowMs = untilMs;
  }
}

/** Things in the order in which they came; `next` waits for one. */
export class Inbox<T> {
  #items: T[] = [];
  #waiting: ((item: T) => void)[] = [];

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  next(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(item);
  }

  get length(): number {
    return this.#items.length;
  }
}

const keys = await (async () => {
  cryptoProvider.set(webcrypto as unknown as Crypto);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const pair = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=gateway.test",
    keys: pair as unknown as CryptoKeyPair,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", pair.privateKey)).toString("base64");
  return {
    cert: certificate.toString("pem"),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
  };
})();

/** Self-signed for 127.0.0.1. */
export const TLS_PAIR: { readonly key: string; readonly cert: string } = keys;

const open: { close(): Promise<void> | void }[] = [];

/** Closes everything that a test opened, newest first. */
export async function closeAll(): Promise<void> {
  for (const one of open.splice(0).toReversed()) await one.close();
}

export interface TestStack {
  readonly stack: SipStack;
  readonly clock: ManualClock;
  readonly requests: Inbox<ServerTransaction>;
  readonly counters: Map<string, number>;
  readonly log: object[];
}

export async function openStack(
  options: Partial<SipStackOptions> & { onRequest?: (transaction: ServerTransaction) => void } = {},
): Promise<TestStack> {
  const { onRequest, ...given } = options;
  const clock = new ManualClock();
  const requests = new Inbox<ServerTransaction>();
  const counters = new Map<string, number>();
  const log: object[] = [];
  const stack = await createSipStack({
    host: "127.0.0.1",
    ports: { udp: 0, tcp: 0, tls: 0 },
    tls: TLS_PAIR,
    events: { onRequest: onRequest ?? ((transaction) => requests.put(transaction)) },
    clock,
    count: (counter) => counters.set(counter, (counters.get(counter) ?? 0) + 1),
    log: (event) => log.push(event),
    ...given,
  });
  open.push(stack);
  return { stack, clock, requests, counters, log };
}

export interface Phone {
  readonly port: number;
  readonly inbox: Inbox<SipMessage>;
  send(text: string | Uint8Array): void;
  response(): Promise<SipResponse>;
  request(): Promise<SipRequest>;
}

function phone(port: number, inbox: Inbox<SipMessage>, send: (bytes: string | Uint8Array) => void): Phone {
  return {
    port,
    inbox,
    send,
    async response() {
      const message = await inbox.next();
      if (message.kind !== "response") throw new Error(`expected a response, got ${message.method}`);
      return message;
    },
    async request() {
      const message = await inbox.next();
      if (message.kind !== "request") throw new Error(`expected a request, got ${message.status}`);
      return message;
    },
  };
}

function parsed(bytes: Uint8Array): SipMessage {
  const outcome = parseSipMessage(bytes);
  if (!outcome.ok) throw new Error(`the stack sent what cannot be parsed: ${outcome.problem.detail}`);
  return outcome.message;
}

/** A lenient phone drops what it cannot parse: an answer echoes the malformed From of its request. */
export async function udpPhone(stackPort: number, options: { readonly lenient?: boolean } = {}): Promise<Phone> {
  const socket = createSocket("udp4");
  const inbox = new Inbox<SipMessage>();
  socket.on("message", (bytes) => {
    if (options.lenient !== true || parseSipMessage(bytes).ok) inbox.put(parsed(bytes));
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  open.push({ close: () => new Promise<void>((resolve) => socket.close(() => resolve())) });
  return phone(socket.address().port, inbox, (bytes) => socket.send(bytes, stackPort, "127.0.0.1"));
}

export interface StreamPhone extends Phone {
  readonly socket: Socket;
  /** All bytes that came, as text. */
  received(): string;
  readonly closed: Promise<void>;
}

export function streamPhoneOn(socket: Socket): StreamPhone {
  const inbox = new Inbox<SipMessage>();
  const framer = new SipStreamFramer();
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    for (const item of framer.push(chunk)) if (item.kind === "message") inbox.put(parsed(item.bytes));
  });
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  open.push({
    async close() {
      socket.destroy();
      await closed;
    },
  });
  const base = phone(socket.localPort ?? 0, inbox, (bytes) => socket.write(bytes));
  return { ...base, socket, received: () => text, closed };
}

export async function tcpPhone(stackPort: number): Promise<StreamPhone> {
  const socket = connectTcp({ port: stackPort, host: "127.0.0.1", allowHalfOpen: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return streamPhoneOn(socket);
}

export async function tlsPhone(stackPort: number): Promise<StreamPhone> {
  const socket = connectTls({ port: stackPort, host: "127.0.0.1", ca: TLS_PAIR.cert });
  await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  return streamPhoneOn(socket);
}

export interface RequestParts {
  readonly transport?: "UDP" | "TCP" | "TLS";
  readonly sentBy?: string;
  readonly branch?: string;
  readonly rport?: boolean;
  readonly toTag?: string;
  readonly cseq?: number;
  /** The CSeq method, when it differs. */
  readonly extra?: string;
}

/** A request as text, like a phone's. */
export function requestText(method: string, parts: RequestParts = {}): string {
  const {
    transport = "UDP",
    sentBy = "127.0.0.1",
    branch = `z9hG4bK-${method}-1`,
    rport = true,
    toTag,
    cseq = 1,
    extra = "",
  } = parts;
  return (
    `${method} sip:bob@127.0.0.1 SIP/2.0\r\n` +
    `Via: SIP/2.0/${transport} ${sentBy};branch=${branch}${rport ? ";rport" : ""}\r\n` +
    `Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=from-1\r\n` +
    `To: <sip:bob@example.com>${toTag === undefined ? "" : `;tag=${toTag}`}\r\n` +
    `Call-ID: call-1@127.0.0.1\r\nCSeq: ${cseq} ${method}\r\n${extra}Content-Length: 0\r\n\r\n`
  );
}

/** A request as a TU builds it: without Via. */
export function tuRequest(method: string): SipRequest {
  const headers = [
    { name: "max-forwards", value: "70" },
    { name: "from", value: "<sip:gateway@example.com>;tag=gw" },
    { name: "to", value: "<sip:alice@example.com>" },
    { name: "call-id", value: "out-1@example.com" },
    { name: "cseq", value: `41 ${method}` },
  ];
  return { kind: "request", method, requestUri: "sip:alice@127.0.0.1", headers, body: new Uint8Array(0) };
}

/** A phone's response to a request that it got. */
export function responseText(request: SipRequest, status: number, toTag = "phone"): string {
  const copied = request.headers
    .filter(({ name }) => ["via", "from", "to", "call-id", "cseq"].includes(name))
    .map(
      ({ name, value }) =>
        `${name}: ${value}${name === "to" && status > 100 && !value.includes("tag=") ? `;tag=${toTag}` : ""}\r\n`,
    )
    .join("");
  return `SIP/2.0 ${status} Any\r\n${copied}Content-Length: 0\r\n\r\n`;
}
