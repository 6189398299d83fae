/** All transactions of a gateway by their keys: which one a message belongs to, and how many there may be. */
import { randomBytes, randomInt } from "node:crypto";
import type { SipFlow } from "#protocol/capsule";
import { createResponse } from "#sip/message/build";
import { header } from "#sip/message/headers";
import type { HeaderField, SipMessage, SipRequest, SipResponse } from "#sip/message/sip-message";
import { serializeSipMessage } from "#sip/message/serializer";
import { topVia } from "#sip/message/typed-headers";
import type { Via } from "#sip/message/via";
import { createCancel } from "#sip/transaction/derived-requests";
import {
  clientTransactionKey,
  MAGIC_COOKIE,
  responseTransactionKey,
  serverTransactionKey,
} from "#sip/transaction/transaction-key";
import { AckTransaction } from "./ack-transaction.ts";
import { ClientDriver } from "./client-driver.ts";
import type { ClientDriverOptions } from "./client-driver.ts";
import { InviteServerDriver } from "./invite-server-driver.ts";
import { NonInviteServerDriver } from "./non-invite-server-driver.ts";
import type { ClientTransaction, ClientTransactionHandlers, ServerTransaction } from "./sip-stack.ts";
import type { SipClock, SipStackOptions } from "./sip-stack-options.ts";
import type { ConnectionWatcher, StreamConnection } from "./stream-connection.ts";
import type { ResponsePath, SipSender, TransactionContext, WireMessage } from "./transaction-context.ts";
import { stampSource } from "./via-stamp.ts";

/** Requests inside a dialog still get in when the limit is reached: turning a BYE away would only keep a call alive. */
const IN_DIALOG_HEADROOM = 1.25;
const RETRY_AFTER_SECONDS = { min: 5, max: 30 };
const IGNORE_CANCEL_OUTCOME: ClientTransactionHandlers = { onResponse() {}, onTimeout() {}, onTransportError() {} };

export interface TransactionLayerOptions {
  readonly sender: SipSender;
  readonly clock: SipClock;
  readonly maxTransactions: number;
  readonly events: SipStackOptions["events"];
  count(counter: string): void;
  log: SipStackOptions["log"];
}

export class TransactionLayer implements TransactionContext {
  readonly clock: SipClock;
  readonly #options: TransactionLayerOptions;
  readonly #servers = new Map<string, InviteServerDriver | NonInviteServerDriver>();
  /** Those of the servers that only absorb repeats, oldest first: the first to go when room is needed. */
  readonly #completed = new Set<NonInviteServerDriver>();
  readonly #clients = new Map<string, ClientDriver>();
  #disposed = false;

  constructor(options: TransactionLayerOptions) {
    this.#options = options;
    this.clock = options.clock;
  }

  get size(): number {
    return this.#servers.size + this.#clients.size;
  }

  onMessage(message: SipMessage, flow: SipFlow): void {
    this.#observe(message, false, flow);
    if (message.kind === "request") this.#onRequest(message, flow);
    else this.#onResponse(message);
  }

  /** A response that belongs to no transaction of ours. */
  sendStateless(response: SipResponse, path: ResponsePath): void {
    this.sendResponse(this.serialize(response), path);
  }

  /** A request that has no transaction. */
  sendStatelessRequest(request: SipRequest, flow: SipFlow): void {
    this.sendRequest(this.serialize(request), flow);
  }

  /** `request` has its own top Via already, with this branch. */
  startClient(
    request: SipRequest,
    viaBranch: string,
    options: Pick<ClientDriverOptions, "flow" | "handlers" | "timeoutMs">,
  ): ClientTransaction {
    const key = clientTransactionKey(viaBranch, request.method);
    if (this.#clients.has(key)) throw new Error(`a ${request.method} with this Via branch is under way`);
    const driver = new ClientDriver(key, {
      ...options,
      request,
      context: this,
      onCancelDue: (invite, headers) => this.#startCancel(invite, viaBranch, headers),
      onTerminated: (ended) => this.#clients.delete(ended.key),
    });
    if (this.#disposed) {
      driver.dispose(); // The TU did not hear of the close yet.
      return driver;
    }
    this.#clients.set(key, driver);
    driver.start();
    return driver;
  }

  /** Ends every timer; nothing is sent or reported any more. */
  dispose(): void {
    this.#disposed = true;
    for (const driver of this.#servers.values()) driver.dispose();
    for (const driver of this.#clients.values()) driver.dispose();
    this.#servers.clear();
    this.#completed.clear();
    this.#clients.clear();
  }

  sendRequest(wire: WireMessage, flow: SipFlow, watcher?: ConnectionWatcher): StreamConnection | undefined {
    this.#observe(wire.message, true, flow);
    return this.#options.sender.sendRequest(wire.bytes, flow, watcher);
  }

  sendResponse(wire: WireMessage, path: ResponsePath): void {
    this.#observe(wire.message, true, path.flow);
    this.#options.sender.sendResponse(wire.bytes, path);
  }

  serialize(message: SipMessage): WireMessage {
    return { message, bytes: serializeSipMessage(message) };
  }

  /** Tells whoever keeps ladders; what goes wrong there stays there. */
  #observe(message: SipMessage, sent: boolean, flow: SipFlow): void {
    const { onMessage } = this.#options.events;
    if (onMessage !== undefined) this.callTu("observer", () => onMessage(message, sent, flow));
  }

  count(counter: string): void {
    this.#options.count(counter);
  }

  deliver(transaction: ServerTransaction): void {
    if (transaction.request.method === "CANCEL") return; // Ours to answer: see #onCancel.
    const delivered = this.callTu("request", () => this.#options.events.onRequest(transaction));
    if (!delivered) transaction.respond(createResponse(transaction.request, 500, { toTag: newTag() }));
  }

  callTu(during: string, callback: () => void): boolean {
    try {
      callback();
      return true;
    } catch (error) {
      this.count("sip.internal-error");
      const problem = error instanceof Error ? error : new Error(String(error));
      this.#options.log({ event: "sip.internal-error", during, problem: problem.message, stack: problem.stack });
      return false;
    }
  }

  #onResponse(response: SipResponse): void {
    const key = responseTransactionKey(response);
    const driver = key === undefined ? undefined : this.#clients.get(key);
    if (driver === undefined) this.count("sip.response.unmatched");
    else driver.onResponse(response);
  }

  #onRequest(received: SipRequest, flow: SipFlow): void {
    const via = topVia(received);
    if (via === undefined) throw new Error("the parser lets no request through without a Via");
    if (received.method === "ACK") {
      this.#onAck(received, via, flow);
      return;
    }
    const path = responsePath(via, flow);
    const key = serverTransactionKey(received, via, flow);
    const known = this.#servers.get(key);
    if (known !== undefined) {
      this.count("sip.request.repeated");
      known.onRepeatedRequest(path);
      return;
    }
    const request = stampSource(received, via, flow.host, flow.port);
    if (received.method === "CANCEL")
      this.#onCancel(key, request, path, serverTransactionKey(received, via, flow, "INVITE"));
    else if (this.#hasRoomFor(request)) this.#startServer(key, request, path).start();
    else this.#refuse(request, path);
  }

  #onAck(received: SipRequest, via: Via, flow: SipFlow): void {
    const invite = this.#servers.get(serverTransactionKey(received, via, flow, "INVITE"));
    const request = stampSource(received, via, flow.host, flow.port);
    if (invite?.kind === "invite") invite.onAck(request);
    else this.deliver(new AckTransaction(request, flow));
  }

  /** RFC 3261 section 9.2: answered by itself, whatever becomes of the INVITE. */
  #onCancel(key: string, request: SipRequest, path: ResponsePath, inviteKey: string): void {
    const invite = this.#servers.get(inviteKey);
    if (invite?.kind !== "invite") {
      // No state for it: the answer to a repeat is the same.
      this.sendStateless(createResponse(request, 481, { toTag: newTag() }), path);
      return;
    }
    const cancel = this.#startServer(key, request, path);
    cancel.start();
    const ok = createResponse(request, 200, { toTag: newTag() });
    cancel.respond({ ...ok, headers: withToOf(ok.headers, invite.lastTo) });
    invite.onMatchingCancel();
  }

  #startServer(key: string, request: SipRequest, path: ResponsePath): InviteServerDriver | NonInviteServerDriver {
    const onTerminated = (driver: InviteServerDriver | NonInviteServerDriver): void => this.#forget(driver);
    const driver =
      request.method === "INVITE"
        ? new InviteServerDriver(key, { request, path, context: this, onTerminated })
        : new NonInviteServerDriver(key, {
            request,
            path,
            context: this,
            onCompleted: (completed) => this.#completed.add(completed),
            onTerminated,
          });
    this.#servers.set(key, driver);
    return driver;
  }

  #forget(driver: InviteServerDriver | NonInviteServerDriver): void {
    this.#servers.delete(driver.key);
    if (driver.kind === "non-invite") this.#completed.delete(driver);
  }

  #hasRoomFor(request: SipRequest): boolean {
    const { maxTransactions } = this.#options;
    if (this.size < maxTransactions) return true;
    // Timer J of the oldest ends early: its request, repeated once more, would be handled as a new one.
    for (const oldest of this.#completed) {
      oldest.dispose();
      this.#forget(oldest);
      this.count("sip.transaction.evicted");
      return true;
    }
    return this.size < maxTransactions * IN_DIALOG_HEADROOM && /;\s*tag\s*=/i.test(header(request, "to") ?? "");
  }

  #refuse(request: SipRequest, path: ResponsePath): void {
    this.count("sip.transaction.refused");
    // Spread, so that those who were refused together do not come back together.
    const retryAfter = String(randomInt(RETRY_AFTER_SECONDS.min, RETRY_AFTER_SECONDS.max + 1));
    this.sendStateless(createResponse(request, 503, { toTag: newTag(), headers: [["retry-after", retryAfter]] }), path);
  }

  #startCancel(invite: ClientDriver, viaBranch: string, headers: readonly (readonly [string, string])[]): void {
    const request = createCancel(
      invite.request,
      headers.map(([name, value]) => ({ name: name.toLowerCase(), value })),
    );
    this.startClient(request, viaBranch, { flow: invite.flow, handlers: IGNORE_CANCEL_OUTCOME, timeoutMs: undefined });
  }
}

/** Default ports by RFC 3261 section 19.1.2. */
export function responsePath(via: Via, flow: SipFlow): ResponsePath {
  return { flow, sentByPort: via.port ?? (flow.transport === "tls" ? 5061 : 5060) };
}

/** 128 random bits: unique over all gateways and restarts (RFC 3261 section 8.1.1.7). */
export function newViaBranch(): string {
  return MAGIC_COOKIE + randomBytes(16).toString("hex");
}

/** RFC 3261 section 19.3 asks for at least 32 random bits. */
export function newTag(): string {
  return randomBytes(8).toString("hex");
}

function withToOf(headers: readonly HeaderField[], to: string | undefined): readonly HeaderField[] {
  if (to === undefined || !/;\s*tag\s*=/i.test(to)) return headers;
  return headers.map((field) => (field.name === "to" ? { name: "to", value: to } : field));
}
