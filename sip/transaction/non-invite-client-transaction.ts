/** The client side of every request but INVITE and ACK: RFC 3261 section 17.1.2. */
import type { SipRequest, SipResponse } from "../message/sip-message.ts";
import type { ClientReport } from "./invite-client-transaction.ts";
import { T2_MS, TRANSACTION_TIMERS } from "./timers.ts";
import { NO_OUTPUT, TERMINATED, TERMINATED_ONLY } from "./transaction-output.ts";
import type { TransactionOutput } from "./transaction-output.ts";

export type NonInviteClientState = "initial" | "trying" | "proceeding" | "completed" | "terminated";
export type NonInviteClientTimer = "E" | "F" | "K";

export type NonInviteClientInput =
  | { readonly kind: "start" }
  | { readonly kind: "response"; readonly response: SipResponse }
  | { readonly kind: "timer"; readonly timer: NonInviteClientTimer }
  | { readonly kind: "transport-error"; readonly reason: string };

export type NonInviteClientOutput = TransactionOutput<SipRequest, NonInviteClientTimer, ClientReport>;

export interface NonInviteClientTransactionOptions {
  /** With its top Via; every (re)transmission is this message. */
  readonly request: SipRequest;
  readonly reliable: boolean;
  /** Instead of Timer F's 64*T1. */
  readonly timeoutMs?: number;
}

const TIMED_OUT: readonly NonInviteClientOutput[] = Object.freeze([
  { kind: "to-tu", report: { kind: "timeout" } },
  TERMINATED,
] as const);

export class NonInviteClientTransaction {
  readonly #request: SipRequest;
  readonly #reliable: boolean;
  readonly #timeoutMs: number;
  #state: NonInviteClientState = "initial";
  #retransmitMs: number = TRANSACTION_TIMERS.eMs;

  constructor(options: NonInviteClientTransactionOptions) {
    this.#request = options.request;
    this.#reliable = options.reliable;
    this.#timeoutMs = options.timeoutMs ?? TRANSACTION_TIMERS.fMs;
  }

  get state(): NonInviteClientState {
    return this.#state;
  }

  receive(input: NonInviteClientInput, nowMs: number): readonly NonInviteClientOutput[] {
    switch (input.kind) {
      case "start":
        return this.#onStart(nowMs);
      case "response":
        return this.#onResponse(input.response, nowMs);
      case "timer":
        return this.#onTimer(input.timer, nowMs);
      case "transport-error":
        if (!this.#waiting) return NO_OUTPUT;
        this.#state = "terminated";
        return [{ kind: "to-tu", report: { kind: "transport-error", reason: input.reason } }, TERMINATED];
    }
  }

  get #waiting(): boolean {
    return this.#state === "trying" || this.#state === "proceeding";
  }

  #onStart(nowMs: number): readonly NonInviteClientOutput[] {
    if (this.#state !== "initial") return NO_OUTPUT;
    this.#state = "trying";
    const outputs: NonInviteClientOutput[] = [{ kind: "set-timer", timer: "F", atMs: nowMs + this.#timeoutMs }];
    if (!this.#reliable) outputs.push({ kind: "set-timer", timer: "E", atMs: nowMs + this.#retransmitMs });
    outputs.push({ kind: "send", message: this.#request });
    return outputs;
  }

  #onResponse(response: SipResponse, nowMs: number): readonly NonInviteClientOutput[] {
    if (!this.#waiting) return NO_OUTPUT;
    const report: NonInviteClientOutput = { kind: "to-tu", report: { kind: "response", response } };
    if (response.status < 200) {
      this.#state = "proceeding";
      return [report];
    }
    if (this.#reliable) {
      this.#state = "terminated"; // Timer K is zero.
      return [report, TERMINATED];
    }
    this.#state = "completed";
    return [{ kind: "set-timer", timer: "K", atMs: nowMs + TRANSACTION_TIMERS.kMs }, report];
  }

  #onTimer(timer: NonInviteClientTimer, nowMs: number): readonly NonInviteClientOutput[] {
    switch (timer) {
      case "E":
        if (!this.#waiting) return NO_OUTPUT;
        // A provisional response slows the repeats down to T2 (section 17.1.2.2).
        this.#retransmitMs = this.#state === "proceeding" ? T2_MS : Math.min(2 * this.#retransmitMs, T2_MS);
        return [
          { kind: "set-timer", timer: "E", atMs: nowMs + this.#retransmitMs },
          { kind: "send", message: this.#request },
        ];
      case "F":
        if (!this.#waiting) return NO_OUTPUT;
        this.#state = "terminated";
        return TIMED_OUT;
      case "K":
        if (this.#state !== "completed") return NO_OUTPUT;
        this.#state = "terminated";
        return TERMINATED_ONLY;
    }
  }
}
