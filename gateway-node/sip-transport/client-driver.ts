/** Runs a client transaction of either kind on timers and sockets. */
import type { SipFlow } from "#protocol/capsule";
import type { SipRequest } from "#sip/message/sip-message";
import { InviteClientTransaction } from "#sip/transaction/invite-client-transaction";
import type { ClientReport, InviteClientOutput, InviteClientTimer } from "#sip/transaction/invite-client-transaction";
import { NonInviteClientTransaction } from "#sip/transaction/non-invite-client-transaction";
import type { NonInviteClientTimer } from "#sip/transaction/non-invite-client-transaction";
import type { SipResponse } from "#sip/message/sip-message";
import type { ClientTransaction, ClientTransactionHandlers } from "./sip-stack.ts";
import type { ConnectionWatcher, StreamConnection } from "./stream-connection.ts";
import { TimerSet } from "./timer-set.ts";
import type { TransactionContext, WireMessage } from "./transaction-context.ts";

type HeaderPairs = readonly (readonly [name: string, value: string])[];
type ClientTimer = InviteClientTimer | NonInviteClientTimer;
type ClientInput =
  | { readonly kind: "start" }
  | { readonly kind: "response"; readonly response: SipResponse }
  | { readonly kind: "transport-error"; readonly reason: string };

export interface ClientDriverOptions {
  /** With its top Via. */
  readonly request: SipRequest;
  readonly flow: SipFlow;
  readonly handlers: ClientTransactionHandlers;
  readonly timeoutMs: number | undefined;
  readonly context: TransactionContext;
  /** Starts the CANCEL of this INVITE, a transaction of its own. */
  onCancelDue(driver: ClientDriver, headers: HeaderPairs): void;
  onTerminated(driver: ClientDriver): void;
}

export class ClientDriver implements ClientTransaction, ConnectionWatcher {
  readonly key: string;
  readonly #options: ClientDriverOptions;
  /** One of the two. */
  readonly #invite: InviteClientTransaction | undefined;
  readonly #nonInvite: NonInviteClientTransaction | undefined;
  readonly #timers: TimerSet<ClientTimer>;
  #connection: StreamConnection | undefined;
  #cancelHeaders: HeaderPairs = [];
  #wire: WireMessage | undefined;
  #finalSeen = false;
  #ended = false;

  constructor(key: string, options: ClientDriverOptions) {
    this.key = key;
    this.#options = options;
    const { request, timeoutMs } = options;
    const reliable = options.flow.transport !== "udp";
    if (request.method === "INVITE") this.#invite = new InviteClientTransaction({ request, reliable, timeoutMs });
    else this.#nonInvite = new NonInviteClientTransaction({ request, reliable, timeoutMs });
    this.#timers = new TimerSet(options.context.clock, (timer) => this.#onTimer(timer));
  }

  get request(): SipRequest {
    return this.#options.request;
  }

  get flow(): SipFlow {
    return this.#options.flow;
  }

  start(): void {
    this.#receive({ kind: "start" });
  }

  onResponse(response: SipResponse): void {
    this.#receive({ kind: "response", response });
  }

  onConnectionFailed(reason: string): void {
    if (!this.#ended) this.#receive({ kind: "transport-error", reason });
  }

  cancel(headers: HeaderPairs = []): void {
    if (this.#ended || this.#invite === undefined) return;
    this.#cancelHeaders = headers;
    this.#perform(this.#invite.receive({ kind: "cancel" }, this.#nowMs()));
  }

  abandon(): void {
    if (this.#ended) return;
    this.dispose();
    this.#options.onTerminated(this);
  }

  /** Forgets its timers and its connection; nothing is sent or reported any more. */
  dispose(): void {
    this.#ended = true;
    this.#timers.clear();
    this.#connection?.watchers.delete(this);
  }

  #nowMs(): number {
    return this.#options.context.clock.nowMs();
  }

  #receive(input: ClientInput): void {
    const machine = this.#invite ?? this.#nonInvite;
    if (machine !== undefined) this.#perform(machine.receive(input, this.#nowMs()));
  }

  #onTimer(timer: ClientTimer): void {
    switch (timer) {
      case "E":
      case "F":
      case "K":
        this.#perform(this.#nonInvite?.receive({ kind: "timer", timer }, this.#nowMs()) ?? []);
        break;
      default:
        this.#perform(this.#invite?.receive({ kind: "timer", timer }, this.#nowMs()) ?? []);
    }
  }

  #perform(
    outputs: readonly (
      | InviteClientOutput
      | { readonly kind: "set-timer"; readonly timer: ClientTimer; readonly atMs: number }
    )[],
  ): void {
    for (const output of outputs) {
      // The TU may have abandoned us while it heard of the output before.
      if (this.#ended) return;
      switch (output.kind) {
        case "send":
          this.#send(output.message);
          break;
        case "set-timer":
          this.#timers.setAt(output.timer, output.atMs);
          break;
        case "to-tu":
          this.#report(output.report);
          break;
        case "send-cancel":
          this.#options.onCancelDue(this, this.#cancelHeaders);
          break;
        case "terminated":
          this.dispose();
          this.#options.onTerminated(this);
      }
    }
  }

  #send(request: SipRequest): void {
    const { context, flow } = this.#options;
    if (this.#wire?.message !== request) this.#wire = context.serialize(request);
    const connection = context.sendRequest(this.#wire, flow, this);
    if (connection === this.#connection) return;
    this.#connection?.watchers.delete(this);
    this.#connection = connection;
  }

  #report(report: ClientReport): void {
    const { context, handlers } = this.#options;
    switch (report.kind) {
      case "response":
        if (report.response.status >= 200) this.#finalSeen = true;
        context.callTu("response", () => handlers.onResponse(report.response));
        break;
      case "timeout":
        context.callTu("timeout", () => handlers.onTimeout());
        break;
      case "transport-error":
        // A lost ACK is no news to a TU that has its final response.
        if (!this.#finalSeen) context.callTu("transport-error", () => handlers.onTransportError(report.reason));
    }
  }
}
