/** Runs an INVITE server transaction on timers and sockets, and repeats its 2xx until the ACK (RFC 3261 section 13.3.1.4). */
import type { SipFlow } from "#protocol/capsule";
import { createResponse } from "#sip/message/build";
import { header } from "#sip/message/headers";
import type { SipRequest, SipResponse } from "#sip/message/sip-message";
import { InviteServerTransaction } from "#sip/transaction/invite-server-transaction";
import type { InviteServerOutput, InviteServerTimer } from "#sip/transaction/invite-server-transaction";
import { SuccessRetransmission } from "#sip/transaction/success-retransmission";
import type { SuccessRetransmissionOutput, SuccessRetransmissionTimer } from "#sip/transaction/success-retransmission";
import { AckTransaction } from "./ack-transaction.ts";
import type { ServerTransaction } from "./sip-stack.ts";
import { TimerSet } from "./timer-set.ts";
import type { ResponsePath, TransactionContext, WireMessage } from "./transaction-context.ts";

export interface InviteServerDriverOptions {
  readonly request: SipRequest;
  readonly path: ResponsePath;
  readonly context: TransactionContext;
  onTerminated(driver: InviteServerDriver): void;
}

export class InviteServerDriver implements ServerTransaction {
  readonly kind = "invite";
  readonly key: string;
  readonly request: SipRequest;
  onCancel: (() => void) | undefined = undefined;
  onAckTimeout: (() => void) | undefined = undefined;
  readonly #options: InviteServerDriverOptions;
  readonly #machine: InviteServerTransaction;
  readonly #timers: TimerSet<InviteServerTimer>;
  readonly #success = new SuccessRetransmission();
  readonly #successTimers: TimerSet<SuccessRetransmissionTimer>;
  #wire: WireMessage | undefined;
  #disposed = false;

  constructor(key: string, options: InviteServerDriverOptions) {
    this.key = key;
    this.request = options.request;
    this.#options = options;
    const { clock } = options.context;
    const reliable = options.path.flow.transport !== "udp";
    this.#machine = new InviteServerTransaction({
      request: options.request,
      trying: createResponse(options.request, 100),
      reliable,
    });
    this.#timers = new TimerSet(clock, (timer) =>
      this.#perform(this.#machine.receive({ kind: "timer", timer }, clock.nowMs())),
    );
    this.#successTimers = new TimerSet(clock, (timer) =>
      this.#performSuccess(this.#success.onTimer(timer, clock.nowMs())),
    );
  }

  get flow(): SipFlow {
    return this.#options.path.flow;
  }

  /** To of the newest response: the 200 to a CANCEL should carry the same tag (section 9.2). */
  get lastTo(): string | undefined {
    return header(this.#machine.lastResponse, "to");
  }

  start(): void {
    this.#perform(this.#machine.receive({ kind: "start" }, this.#nowMs()));
  }

  /** Answered where the repeat came from: a NAT may have given the phone another port meanwhile. */
  onRepeatedRequest(path: ResponsePath): void {
    this.#perform(this.#machine.receive({ kind: "request" }, this.#nowMs()), path);
  }

  onAck(request: SipRequest): void {
    this.#perform(this.#machine.receive({ kind: "ack", request }, this.#nowMs()));
  }

  /** A CANCEL after a final response changes nothing (section 9.2). */
  onMatchingCancel(): void {
    if (this.#machine.state !== "proceeding") return;
    this.#options.context.callTu("cancel", () => this.onCancel?.());
  }

  respond(response: SipResponse): void {
    if (this.#disposed) return;
    this.#serialize(response);
    const before = this.#machine.state;
    this.#perform(this.#machine.receive({ kind: "respond", response }, this.#nowMs()));
    if (before === "proceeding" && this.#machine.state === "accepted")
      this.#performSuccess(this.#success.start(this.#nowMs()));
  }

  acknowledged(): void {
    this.#success.acknowledge();
    this.#successTimers.clear();
  }

  /** Forgets its timers; nothing is sent any more, whatever the TU still says. */
  dispose(): void {
    this.#disposed = true;
    this.#timers.clear();
    this.#successTimers.clear();
  }

  #nowMs(): number {
    return this.#options.context.clock.nowMs();
  }

  #perform(outputs: readonly InviteServerOutput[], path: ResponsePath = this.#options.path): void {
    const { context } = this.#options;
    for (const output of outputs) {
      switch (output.kind) {
        case "send":
          context.sendResponse(this.#serialize(output.message), path);
          break;
        case "set-timer":
          this.#timers.setAt(output.timer, output.atMs);
          break;
        case "to-tu":
          if (output.report.kind === "request") context.deliver(this);
          else if (output.report.kind === "ack") context.deliver(new AckTransaction(output.report.request, this.flow));
          else context.count(`sip.invite-server.${output.report.kind}`);
          break;
        case "terminated":
          this.#timers.clear();
          this.#options.onTerminated(this);
      }
    }
  }

  #performSuccess(outputs: readonly SuccessRetransmissionOutput[]): void {
    for (const output of outputs) {
      if (output.kind === "send") {
        if (this.#wire !== undefined) this.#options.context.sendResponse(this.#wire, this.#options.path);
      } else if (output.kind === "set-timer") {
        this.#successTimers.setAt(output.timer, output.atMs);
      } else {
        this.#successTimers.clear();
        this.#options.context.callTu("ack-timeout", () => this.onAckTimeout?.());
      }
    }
  }

  /** Before the machine moves, so that a response that cannot be written leaves room for another one. */
  #serialize(response: SipResponse): WireMessage {
    if (this.#wire?.message !== response) this.#wire = this.#options.context.serialize(response);
    return this.#wire;
  }
}
