/**
 * Just enough of a registrar and proxy to try the drivers of real peers without the stack: digest REGISTER over UDP and
 * WebSocket, and calls between WebSocket clients by handing messages over untouched. Not a model of Nearside.
 */
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";

export interface SipDouble {
  readonly udpPort: number;
  readonly webSocketUrl: string;
  /** Every message that came in, oldest first. */
  readonly received: readonly string[];
  close(): Promise<void>;
}

const NONCE = randomBytes(8).toString("hex");

function header(message: string, name: string): string {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*)$`, "im").exec(message)?.[1]?.trim() ?? "";
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}

/** RFC 2617 with qop=auth, which every peer here speaks. */
function digestIsRight(message: string, passwords: Readonly<Record<string, string>>): boolean {
  const authorization = header(message, "Authorization");
  const field = (name: string): string => new RegExp(`\\b${name}="?([^",]*)"?`).exec(authorization)?.[1] ?? "";
  const user = field("username");
  const ha1 = md5(`${user}:${field("realm")}:${passwords[user] ?? ""}`);
  const ha2 = md5(`REGISTER:${field("uri")}`);
  const expected = md5([ha1, NONCE, field("nc"), field("cnonce"), "auth", ha2].join(":"));
  return passwords[user] !== undefined && field("response") === expected;
}

function respond(request: string, status: string, extra: readonly string[]): string {
  const vias = [...request.matchAll(/^Via[ \t]*:.*$/gim)].map(([line]) => line);
  const to = header(request, "To");
  return [
    `SIP/2.0 ${status}`,
    ...vias,
    `From: ${header(request, "From")}`,
    `To: ${to.includes("tag=") ? to : `${to};tag=double`}`,
    `Call-ID: ${header(request, "Call-ID")}`,
    `CSeq: ${header(request, "CSeq")}`,
    ...extra,
    "Content-Length: 0",
    "",
    "",
  ].join("\r\n");
}

function answerRegister(request: string, passwords: Readonly<Record<string, string>>): string {
  if (!digestIsRight(request, passwords)) {
    const realm = /^REGISTER sips?:([^ ;:]+)/.exec(request)?.[1] ?? "";
    return respond(request, "401 Unauthorized", [
      `WWW-Authenticate: Digest realm="${realm}", nonce="${NONCE}", algorithm=MD5, qop="auth"`,
    ]);
  }
  const contact = header(request, "Contact").replace(/;expires=\d+/, "");
  return respond(request, "200 OK", contact === "" || contact === "*" ? [] : [`Contact: ${contact};expires=60`]);
}

export async function startSipDouble(
  passwords: Readonly<Record<string, string>>,
  host = "127.0.0.1",
): Promise<SipDouble> {
  const received: string[] = [];
  const udp = createSocket("udp4");
  udp.on("message", (bytes, from) => {
    const message = bytes.toString();
    // Keep-alives are blanks or nothing (RFC 5626 section 3.5.1).
    if (message.trim() === "") return;
    received.push(message);
    if (message.startsWith("REGISTER ")) udp.send(answerRegister(message, passwords), from.port, from.address);
  });
  udp.bind(0, host);
  await once(udp, "listening");

  const server = new WebSocketServer({
    host,
    port: 0,
    handleProtocols: (offered) => (offered.has("sip") ? "sip" : false),
  });
  await once(server, "listening");
  const switchboard = new Switchboard(passwords, received);
  server.on("connection", (socket) => switchboard.connect(socket));
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("a WebSocket server on a port has an address with a port");
  return {
    udpPort: udp.address().port,
    webSocketUrl: `ws://${host}:${address.port}/sip`,
    received,
    close: async () => {
      udp.close();
      for (const socket of server.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Hands messages of a call from one WebSocket to the other. */
class Switchboard {
  readonly #passwords: Readonly<Record<string, string>>;
  readonly #received: string[];
  readonly #registered = new Map<string, { readonly socket: WebSocket; readonly contact: string }>();
  readonly #calls = new Map<string, readonly [caller: WebSocket, callee: WebSocket]>();

  constructor(passwords: Readonly<Record<string, string>>, received: string[]) {
    this.#passwords = passwords;
    this.#received = received;
  }

  connect(socket: WebSocket): void {
    socket.on("message", (data: Buffer) => {
      const message = data.toString();
      if (message.trim() === "") return;
      this.#received.push(message);
      this.#take(socket, message);
    });
  }

  #take(socket: WebSocket, message: string): void {
    if (message.startsWith("REGISTER ")) {
      const answer = answerRegister(message, this.#passwords);
      const user = /sips?:([^@>]+)@/.exec(header(message, "To"))?.[1] ?? "";
      const contact = /<([^>]+)>/.exec(header(message, "Contact"))?.[1];
      if (answer.startsWith("SIP/2.0 200") && contact !== undefined) this.#registered.set(user, { socket, contact });
      socket.send(answer);
      return;
    }
    const callId = header(message, "Call-ID");
    const call = this.#calls.get(callId);
    if (call !== undefined) {
      call.find((end) => end !== socket)?.send(message);
      return;
    }
    const user = /^INVITE sips?:([^@ ]+)@/.exec(message)?.[1] ?? "";
    const callee = this.#registered.get(user);
    if (callee === undefined) {
      if (message.startsWith("INVITE ")) socket.send(respond(message, "404 Not Found", []));
      return;
    }
    this.#calls.set(callId, [socket, callee.socket]);
    callee.socket.send(message.replace(/^INVITE \S+/, `INVITE ${callee.contact}`));
  }
}
