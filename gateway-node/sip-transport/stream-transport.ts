/** SIP over TCP or TLS: a listener, and the connections of both directions by the address of their peer. */
import { createServer, connect as connectTcp, isIP } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import type { TLSSocket } from "node:tls";
import { plainAddress } from "./ip-address.ts";
import { ListenError } from "./listen-error.ts";
import type { SipClock, SipStackLimits } from "./sip-stack-options.ts";
import { StreamConnection } from "./stream-connection.ts";
import type { StreamProblem } from "./stream-connection.ts";

/** Shared by TCP and TLS, which have one limit together. */
export interface ConnectionBudget {
  open: number;
}

export interface StreamTransportOptions {
  readonly transport: "tcp" | "tls";
  readonly host: string;
  readonly port: number;
  /** Needed for `tls`. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly clock: SipClock;
  readonly limits: SipStackLimits;
  readonly budget: ConnectionBudget;
  readonly onMessage: (bytes: Uint8Array, connection: StreamConnection) => void;
  readonly onBroken: (problem: StreamProblem, connection: StreamConnection) => void;
  readonly onSocketError: (error: Error) => void;
  readonly count: (counter: string) => void;
}

export class StreamTransport {
  readonly #options: StreamTransportOptions;
  readonly #server: Server;
  readonly #connections = new Map<string, StreamConnection>();
  /** Accepted sockets, those in their TLS handshake included. */
  readonly #sockets = new Set<Socket>();
  #closing: Promise<void> | undefined;

  /** Settles when the port is open; rejects with `ListenError`. */
  static async open(options: StreamTransportOptions): Promise<StreamTransport> {
    const transport = new StreamTransport(options);
    await transport.#listen();
    return transport;
  }

  private constructor(options: StreamTransportOptions) {
    this.#options = options;
    if (options.transport === "tcp") {
      this.#server = createServer({ allowHalfOpen: true });
      this.#server.on("connection", (socket) => {
        if (this.#admit(socket)) this.#accept(socket);
      });
      return;
    }
    const { key, cert } = options.tls;
    const server = createTlsServer({
      key,
      cert,
      minVersion: "TLSv1.2",
      handshakeTimeout: options.limits.firstMessageMs,
      allowHalfOpen: true,
    });
    server.on("connection", (socket: Socket) => this.#admit(socket));
    server.on("secureConnection", (socket) => this.#accept(socket));
    server.on("tlsClientError", (_error, socket) => {
      options.count("sip.tls.handshake-failed");
      socket.destroy(); // Node leaves that to whoever listens.
    });
    this.#server = server;
  }

  get port(): number {
    return addressOf(this.#server).port;
  }

  /** The usable connection to a peer, opened if there is none. */
  connectionTo(host: string, port: number): StreamConnection {
    const connection = this.#connections.get(`${host}:${port}`);
    return connection?.usable === true ? connection : this.#connect(host, port);
  }

  /** The connection that a request came over, half-closed or not; a new one to where its sender listens if it is gone. */
  connectionForResponse(host: string, port: number, sentByPort: number): StreamConnection {
    const connection = this.#connections.get(`${host}:${port}`);
    return connection?.writable === true ? connection : this.connectionTo(host, sentByPort);
  }

  /** Idempotent; settles when port and connections are gone. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await Promise.all([...this.#connections.values()].map((connection) => connection.closeAtOnce()));
    for (const socket of this.#sockets) socket.destroy(); // Those that never finished their TLS handshake.
    await closed;
  }

  #listen(): Promise<void> {
    const { transport, host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error) => reject(new ListenError(transport, host, port, error)));
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#server.removeAllListeners("error");
        this.#server.on("error", (error) => this.#options.onSocketError(error));
        resolve();
      });
    });
  }

  #admit(socket: Socket): boolean {
    const { budget, limits } = this.#options;
    socket.on("error", () => undefined); // Its connection reports; a socket without listener would end the process.
    if (this.#closing !== undefined || budget.open >= limits.connections || socket.remoteAddress === undefined) {
      this.#options.count("sip.connection.refused");
      socket.destroy();
      return false;
    }
    budget.open += 1;
    this.#sockets.add(socket);
    socket.once("close", () => {
      budget.open -= 1;
      this.#sockets.delete(socket);
    });
    return true;
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    if (this.#closing !== undefined || remoteAddress === undefined || remotePort === undefined) {
      socket.destroy(); // The peer is gone already, or we are.
      return;
    }
    this.#adopt(socket, plainAddress(remoteAddress), remotePort, true);
  }

  #adopt(socket: Socket, host: string, port: number, accepted: boolean): StreamConnection {
    const { transport, clock, limits, count } = this.#options;
    const key = `${host}:${port}`;
    const connection = new StreamConnection({
      socket,
      flow: { transport, host, port },
      accepted,
      clock,
      limits,
      onMessage: this.#options.onMessage,
      onBroken: this.#options.onBroken,
      onClosed: (closed) => {
        if (this.#connections.get(key) === closed) this.#connections.delete(key);
      },
      count,
    });
    this.#connections.set(key, connection);
    return connection;
  }

  /** Writes wait in the socket until it is connected; a failure reaches the connection's watchers. */
  #connect(host: string, port: number): StreamConnection {
    const { clock, limits, budget } = this.#options;
    const socket = this.#dial(host, port);
    budget.open += 1;
    const connection = this.#adopt(socket, host, port, false);
    const timer = clock.setTimer(limits.connectMs, () => connection.abort("no connection in time"));
    socket.once(this.#options.transport === "tls" ? "secureConnect" : "connect", () => timer.clear());
    socket.once("close", () => {
      timer.clear();
      budget.open -= 1;
    });
    return connection;
  }

  #dial(host: string, port: number): Socket | TLSSocket {
    if (this.#options.transport === "tcp") return connectTcp({ host, port, allowHalfOpen: true });
    const { key, cert } = this.#options.tls;
    const servername = isIP(host) === 0 ? host : undefined;
    // DEVIATION (docs/compliance.md#3261-26.3.1): encrypted, not verified. Every connection of ours goes to the address that
    // a phone registered, and phones that listen on TLS sign their certificates themselves.
    return connectTls({ host, port, servername, key, cert, rejectUnauthorized: false, minVersion: "TLSv1.2" });
  }
}

function addressOf(server: Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a listening server has an address");
  return address;
}
