/** Runs a non-INVITE server transaction on timers and sockets. The path of every REGISTER. */
import type { SipFlow } from "#protocol/capsule";
import type { SipRequest, SipResponse } from "#sip/message/sip-message";
import { NonInviteServerTransaction } from "#sip/transaction/non-invite-server-transaction";
import type { NonInviteServerOutput } from "#sip/transaction/non-invite-server-transaction";
import type { ServerTransaction } from "./sip-stack.ts";
import type { SipTimer } from "./sip-stack-options.ts";
import type { ResponsePath, TransactionContext, WireMessage } from "./transaction-context.ts";

export interface NonInviteServerDriverOptions {
  readonly request: SipRequest;
  readonly path: ResponsePath;
  readonly context: TransactionContext;
  /** The final response is out: only repeats can still come. */
  onCompleted(driver: NonInviteServerDriver): void;
  onTerminated(driver: NonInviteServerDriver): void;
}

export class NonInviteServerDriver implements ServerTransaction {
  readonly kind = "non-invite";
  readonly key: string;
  readonly request: SipRequest;
  /** Never called: only an INVITE can be cancelled (RFC 3261 section 9.1). */
  onCancel: (() => void) | undefined = undefined;
  /** Never called: only an INVITE is acknowledged. */
  onAckTimeout: (() => void) | undefined = undefined;
  readonly #options: NonInviteServerDriverOptions;
  readonly #machine: NonInviteServerTransaction;
  #timer: SipTimer | undefined;
  #wire: WireMessage | undefined;
  #disposed = false;

  constructor(key: string, options: NonInviteServerDriverOptions) {
    this.key = key;
    this.request = options.request;
    this.#options = options;
    this.#machine = new NonInviteServerTransaction({
      request: options.request,
      reliable: options.path.flow.transport !== "udp",
    });
  }

  get flow(): SipFlow {
    return this.#options.path.flow;
  }

  start(): void {
    this.#perform(this.#machine.receive({ kind: "start" }, this.#nowMs()));
  }

  /** Answered where the repeat came from: a NAT may have given the phone another port meanwhile. */
  onRepeatedRequest(path: ResponsePath): void {
    this.#perform(this.#machine.receive({ kind: "request" }, this.#nowMs()), path);
  }

  respond(response: SipResponse): void {
    if (this.#disposed) return;
    this.#serialize(response);
    this.#perform(this.#machine.receive({ kind: "respond", response }, this.#nowMs()));
  }

  acknowledged(): void {
    // Nothing to stop: see onAckTimeout.
  }

  /** Forgets its timer; nothing is sent any more, whatever the TU still says. */
  dispose(): void {
    this.#disposed = true;
    this.#timer?.clear();
    this.#timer = undefined;
  }

  #nowMs(): number {
    return this.#options.context.clock.nowMs();
  }

  #perform(outputs: readonly NonInviteServerOutput[], path: ResponsePath = this.#options.path): void {
    const { context } = this.#options;
    for (const output of outputs) {
      switch (output.kind) {
        case "send":
          context.sendResponse(this.#serialize(output.message), path);
          break;
        case "set-timer":
          this.#setTimerJ(output.atMs);
          this.#options.onCompleted(this);
          break;
        case "to-tu":
          if (output.report.kind === "request") context.deliver(this);
          break;
        case "terminated":
          this.#options.onTerminated(this);
      }
    }
  }

  /** Before the machine moves, so that a response that cannot be written leaves room for another one. */
  #serialize(response: SipResponse): WireMessage {
    if (this.#wire?.message !== response) this.#wire = this.#options.context.serialize(response);
    return this.#wire;
  }

  #setTimerJ(atMs: number): void {
    const { clock } = this.#options.context;
    this.#timer = clock.setTimer(Math.ceil(atMs - clock.nowMs()), () => {
      this.#timer = undefined;
      this.#perform(this.#machine.receive({ kind: "timer", timer: "J" }, clock.nowMs()));
    });
  }
}
