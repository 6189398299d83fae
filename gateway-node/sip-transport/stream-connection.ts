/** One TCP or TLS connection: framing in, bytes out, and the limits that keep a slow or silent peer from holding it. */
import type { Socket } from "node:net";
import type { SipFlow } from "#protocol/capsule";
import { SipStreamFramer } from "#sip/message/stream-framer";
import type { SipClock, SipStackLimits, SipTimer } from "./sip-stack-options.ts";

type StreamItem = ReturnType<SipStreamFramer["push"]>[number];
/** Why a stream cannot be read any further. */
export type StreamProblem = Extract<StreamItem, { readonly kind: "broken" }>["problem"];

/** Waits for answers on a connection, and must hear when none can come any more. */
export interface ConnectionWatcher {
  onConnectionFailed(reason: string): void;
}

export interface StreamConnectionOptions {
  readonly socket: Socket;
  readonly flow: SipFlow;
  /** Whether the peer opened it: then its first message has a deadline. */
  readonly accepted: boolean;
  readonly clock: SipClock;
  readonly limits: SipStackLimits;
  readonly onMessage: (bytes: Uint8Array, connection: StreamConnection) => void;
  /** The stream cannot be read any further; whoever listens may answer, the connection closes itself. */
  readonly onBroken: (problem: StreamProblem, connection: StreamConnection) => void;
  readonly onClosed: (connection: StreamConnection) => void;
  readonly count: (counter: string) => void;
}

const PONG = new Uint8Array([13, 10]);
/** Time for the peer to read our last bytes before the connection is torn down. */
const LINGER_MS = 1_000;

export class StreamConnection {
  readonly flow: SipFlow;
  /** Client transactions that wait for a response on this connection. */
  readonly watchers = new Set<ConnectionWatcher>();
  readonly #options: StreamConnectionOptions;
  readonly #socket: Socket;
  readonly #framer = new SipStreamFramer();
  #state: "open" | "peer-ended" | "closing" | "closed" = "open";
  #failure = "the connection was closed";
  #timer: SipTimer | undefined;
  #awaitsFirstMessage: boolean;
  readonly #openedAtMs: number;
  #lastBytesAtMs: number;
  /** When the message that is half received began. */
  #partialSinceMs: number | undefined;

  constructor(options: StreamConnectionOptions) {
    this.#options = options;
    this.flow = options.flow;
    this.#socket = options.socket;
    this.#awaitsFirstMessage = options.accepted;
    this.#openedAtMs = options.clock.nowMs();
    this.#lastBytesAtMs = this.#openedAtMs;
    const socket = options.socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on("data", (chunk) => this.#onData(chunk));
    socket.on("end", () => this.#onPeerEnded());
    socket.on("error", (error) => {
      this.#failure = error.message;
    });
    socket.on("close", () => this.#onClosed());
    this.#armTimer();
  }

  /** Whether a request may be sent here with hope for a response. */
  get usable(): boolean {
    return this.#state === "open";
  }

  /** Whether a response may still reach the peer. */
  get writable(): boolean {
    return this.#state === "open" || this.#state === "peer-ended";
  }

  write(bytes: Uint8Array): void {
    if (!this.writable) return;
    this.#socket.write(bytes);
    if (this.#socket.writableLength > this.#options.limits.unsentBytes) {
      this.#options.count("sip.connection.unread");
      this.abort("the peer does not read");
    }
  }

  /** Sends what is written, then closes; what the peer still sends is dropped. */
  close(): void {
    if (!this.writable) return;
    this.#state = "closing";
    this.#timer?.clear();
    this.#timer = this.#options.clock.setTimer(LINGER_MS, () => this.#socket.destroy());
    this.#socket.end();
  }

  abort(reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closing";
    this.#failure = reason;
    this.#socket.destroy();
  }

  /** When the whole stack closes nobody waits for the peer: what is written leaves, and the socket with it. Settles then. */
  closeAtOnce(): Promise<void> {
    if (this.#state === "closed") return Promise.resolve();
    this.#state = "closing";
    this.watchers.clear();
    this.#timer?.clear();
    this.#timer = this.#options.clock.setTimer(LINGER_MS, () => this.#socket.destroy());
    return new Promise((resolve) => {
      this.#socket.once("close", () => resolve());
      this.#socket.destroySoon();
    });
  }

  #onData(chunk: Uint8Array): void {
    if (this.#state !== "open") return;
    const nowMs = this.#options.clock.nowMs();
    this.#lastBytesAtMs = nowMs;
    const items = this.#framer.push(chunk);
    if (items.length === 0) this.#partialSinceMs ??= nowMs;
    else this.#partialSinceMs = undefined;

    for (const item of items) {
      // A handler may have closed us: what follows was sent to nobody.
      if (this.#state !== "open") return;
      if (item.kind === "message") {
        this.#awaitsFirstMessage = false;
        this.#options.onMessage(item.bytes, this);
      } else if (item.kind === "ping") {
        this.write(PONG); // RFC 5626 section 4.4.1
      } else {
        this.#options.onBroken(item.problem, this);
        this.close();
      }
    }
    if (this.#partialSinceMs !== undefined) this.#armTimer();
  }

  /** The peer sends no more but may still read: answers to what it asked can go out for a while. */
  #onPeerEnded(): void {
    if (this.#state !== "open") return;
    this.#state = "peer-ended";
    this.#failWatchers("the peer ended the connection");
    if (this.#awaitsFirstMessage) {
      this.close(); // It asked for nothing.
      return;
    }
    this.#timer?.clear();
    this.#timer = this.#options.clock.setTimer(this.#options.limits.halfOpenMs, () => this.close());
  }

  #onClosed(): void {
    this.#state = "closed";
    this.#timer?.clear();
    this.#timer = undefined;
    this.#options.onClosed(this);
    this.#failWatchers(this.#failure);
  }

  #failWatchers(reason: string): void {
    const watchers = [...this.watchers];
    this.watchers.clear();
    for (const watcher of watchers) watcher.onConnectionFailed(reason);
  }

  /** One timer for all limits, set to the nearest: traffic need not touch it, it looks again when it fires. */
  #armTimer(): void {
    this.#timer?.clear();
    const waitMs = Math.max(1, this.#deadlineMs() - this.#options.clock.nowMs());
    this.#timer = this.#options.clock.setTimer(waitMs, () => this.#onTimer());
  }

  #deadlineMs(): number {
    const { firstMessageMs, messageMs, idleMs } = this.#options.limits;
    let deadlineMs = this.#lastBytesAtMs + idleMs;
    if (this.#partialSinceMs !== undefined) deadlineMs = Math.min(deadlineMs, this.#partialSinceMs + messageMs);
    if (this.#awaitsFirstMessage) deadlineMs = Math.min(deadlineMs, this.#openedAtMs + firstMessageMs);
    return deadlineMs;
  }

  #onTimer(): void {
    if (this.#state !== "open") return;
    if (this.#options.clock.nowMs() < this.#deadlineMs()) {
      this.#armTimer();
      return;
    }
    this.#options.count(
      this.#awaitsFirstMessage
        ? "sip.connection.silent"
        : this.#partialSinceMs === undefined
          ? "sip.connection.idle"
          : "sip.connection.slow",
    );
    this.close();
  }
}
