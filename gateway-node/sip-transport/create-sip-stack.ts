/** The gateway's SIP stack: sockets below, transactions on them, requests up. */
import type { SipFlow } from "#protocol/capsule";
import { createResponse, reasonPhrase } from "#sip/message/build";
import { header } from "#sip/message/headers";
import { parseSipMessage } from "#sip/message/parser";
import type { SipRequest, SipResponse } from "#sip/message/sip-message";
import { topVia } from "#sip/message/typed-headers";
import { SipSockets } from "./sip-sockets.ts";
import type { ClientTransaction, ClientTransactionHandlers, SipStack } from "./sip-stack.ts";
import { DEFAULT_SIP_STACK_LIMITS } from "./sip-stack-options.ts";
import type { SipStackLimits, SipStackOptions } from "./sip-stack-options.ts";
import type { StreamProblem } from "./stream-connection.ts";
import { newTag, newViaBranch, responsePath, TransactionLayer } from "./transaction-layer.ts";
import { readUdpKeepAlive } from "./udp-keep-alive.ts";
import { stampSource, withOwnVia } from "./via-stamp.ts";

export type { SipClock, SipStackLimits, SipStackLogEvent, SipStackOptions, SipTimer } from "./sip-stack-options.ts";

/** Opens all ports or none: rejects with `ListenError`, which names the address and port. */
export async function createSipStack(options: SipStackOptions): Promise<SipStack> {
  const limits = { ...DEFAULT_SIP_STACK_LIMITS, ...options.limits };
  const stack = new GatewaySipStack(options, limits);
  await stack.open();
  return stack;
}

class GatewaySipStack implements SipStack {
  readonly #options: SipStackOptions;
  readonly #limits: SipStackLimits;
  readonly #layer: TransactionLayer;
  #sockets: SipSockets | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: SipStackOptions, limits: SipStackLimits) {
    this.#options = options;
    this.#limits = limits;
    this.#layer = new TransactionLayer({
      sender: {
        sendRequest: (bytes, flow, watcher) => this.#sockets?.sendRequest(bytes, flow, watcher),
        sendResponse: (bytes, path) => this.#sockets?.sendResponse(bytes, path),
      },
      clock: options.clock,
      maxTransactions: limits.transactions,
      events: options.events,
      count: (counter) => options.count(counter),
      log: (event) => options.log(event),
    });
  }

  async open(): Promise<void> {
    this.#sockets = await SipSockets.open(this.#options, this.#limits, {
      onMessage: (bytes, flow) => this.#onMessage(bytes, flow),
      onBrokenStream: (problem, flow) => this.#onMalformed(problem, flow),
    });
    for (const transport of ["udp", "tcp", "tls"] as const) {
      this.#options.log({ event: "sip.listening", transport, port: this.#sockets.port(transport) });
    }
  }

  get transactions(): number {
    return this.#layer.size;
  }

  get connections(): number {
    return this.#sockets?.connections ?? 0;
  }

  localAddress(transport: SipFlow["transport"]): { readonly host: string; readonly port: number } {
    return { host: this.#options.advertisedHost ?? this.#options.host, port: this.#openSockets().port(transport) };
  }

  sendRequest(
    request: SipRequest,
    flow: SipFlow,
    handlers: ClientTransactionHandlers,
    options: { readonly viaBranch?: string; readonly timeoutMs?: number } = {},
  ): ClientTransaction {
    if (request.method === "ACK") throw new Error("an ACK has no transaction: use sendOnce");
    const viaBranch = options.viaBranch ?? newViaBranch();
    return this.#layer.startClient(this.#withVia(request, flow, viaBranch), viaBranch, {
      flow,
      handlers,
      timeoutMs: options.timeoutMs,
    });
  }

  sendOnce(request: SipRequest, flow: SipFlow, options: { readonly viaBranch?: string } = {}): void {
    // An adopter repeats another gateway's Via whole: phones compare its sent-by with the one they know.
    const complete =
      header(request, "via") === undefined
        ? this.#withVia(request, flow, options.viaBranch ?? newViaBranch())
        : request;
    this.#layer.sendStatelessRequest(complete, flow);
  }

  sendResponseOnce(response: SipResponse, flow: SipFlow): void {
    const via = topVia(response);
    const path = via === undefined ? { flow, sentByPort: flow.port } : responsePath(via, flow);
    this.#layer.sendStateless(response, path);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  /** Timers first, so that nothing is sent while the sockets close. */
  async #close(): Promise<void> {
    this.#layer.dispose();
    await this.#sockets?.close();
  }

  #withVia(request: SipRequest, flow: SipFlow, viaBranch: string): SipRequest {
    const { host, port } = this.localAddress(flow.transport);
    return withOwnVia(request, flow.transport, host, port, viaBranch);
  }

  #openSockets(): SipSockets {
    if (this.#sockets === undefined) throw new Error("the SIP stack is not open");
    return this.#sockets;
  }

  #onMessage(bytes: Uint8Array, flow: SipFlow): void {
    if (this.#closing !== undefined) return;
    const keepAlive = flow.transport === "udp" ? readUdpKeepAlive(bytes, flow.host, flow.port) : undefined;
    if (keepAlive !== undefined) {
      if (keepAlive.answer !== undefined) this.#sockets?.sendRequest(keepAlive.answer, flow);
      return;
    }
    const outcome = parseSipMessage(bytes);
    if (outcome.ok) this.#layer.callTu("message", () => this.#layer.onMessage(outcome.message, flow));
    else this.#onMalformed(outcome.problem, flow);
  }

  /** Answered without state, where an answer is possible at all: a repeat gets the same one. */
  #onMalformed(problem: StreamProblem, flow: SipFlow): void {
    this.#options.count(`sip.malformed.${problem.code}`);
    const request = problem.respondable;
    const via = request === undefined ? undefined : topVia(request);
    if (request === undefined || via === undefined) return;
    this.#layer.callTu("malformed", () => {
      const stamped = stampSource(request, via, flow.host, flow.port);
      // Section 21.4.1: the phrase of a 400 should say what is wrong.
      const reason = problem.status === 400 ? `${reasonPhrase(400)} (${problem.detail})` : undefined;
      this.#layer.sendStateless(
        createResponse(stamped, problem.status, { toTag: newTag(), reason }),
        responsePath(via, flow),
      );
    });
  }
}
