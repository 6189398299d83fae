/** The server side of an INVITE: RFC 3261 section 17.2.1 with the accepted state of RFC 6026 section 7.1. */
import type { SipRequest, SipResponse } from "../message/sip-message.ts";
import { T2_MS, TRANSACTION_TIMERS } from "./timers.ts";
import { NO_OUTPUT, TERMINATED, TERMINATED_ONLY } from "./transaction-output.ts";
import type { TransactionOutput } from "./transaction-output.ts";

export type InviteServerState = "initial" | "proceeding" | "completed" | "confirmed" | "accepted" | "terminated";
export type InviteServerTimer = "G" | "H" | "I" | "L";

export type InviteServerInput =
  | { readonly kind: "start" }
  /** The INVITE again. */
  | { readonly kind: "request" }
  | { readonly kind: "ack"; readonly request: SipRequest }
  | { readonly kind: "respond"; readonly response: SipResponse }
  | { readonly kind: "timer"; readonly timer: InviteServerTimer }
  | { readonly kind: "transport-error"; readonly reason: string };

/** What an INVITE server transaction tells its TU. */
export type InviteServerReport =
  | { readonly kind: "request"; readonly request: SipRequest }
  /** An ACK in the accepted state: it acknowledges a 2xx, which is the TU's business. */
  | { readonly kind: "ack"; readonly request: SipRequest }
  /** Timer H: the failure response was never acknowledged. */
  | { readonly kind: "timeout" }
  | { readonly kind: "transport-error"; readonly reason: string };

export type InviteServerOutput = TransactionOutput<SipResponse, InviteServerTimer, InviteServerReport>;

export interface InviteServerTransactionOptions {
  readonly request: SipRequest;
  /** Sent at once: what answers the INVITE may sit a network away, and 200 ms pass too easily (section 17.2.1). */
  readonly trying: SipResponse;
  readonly reliable: boolean;
}

const TIMED_OUT: readonly InviteServerOutput[] = Object.freeze([
  { kind: "to-tu", report: { kind: "timeout" } },
  TERMINATED,
] as const);

export class InviteServerTransaction {
  readonly #request: SipRequest;
  readonly #reliable: boolean;
  #state: InviteServerState = "initial";
  #lastResponse: SipResponse;
  #retransmitMs: number = TRANSACTION_TIMERS.gMs;

  constructor(options: InviteServerTransactionOptions) {
    this.#request = options.request;
    this.#lastResponse = options.trying;
    this.#reliable = options.reliable;
  }

  get state(): InviteServerState {
    return this.#state;
  }

  /** The last response sent, a 100 at first. */
  get lastResponse(): SipResponse {
    return this.#lastResponse;
  }

  receive(input: InviteServerInput, nowMs: number): readonly InviteServerOutput[] {
    switch (input.kind) {
      case "start":
        if (this.#state !== "initial") return NO_OUTPUT;
        this.#state = "proceeding";
        return [
          { kind: "send", message: this.#lastResponse },
          { kind: "to-tu", report: { kind: "request", request: this.#request } },
        ];
      case "request":
        // In accepted the TU repeats its 2xx by itself (RFC 6026 section 7.1).
        if (this.#state !== "proceeding" && this.#state !== "completed") return NO_OUTPUT;
        return [{ kind: "send", message: this.#lastResponse }];
      case "ack":
        return this.#onAck(input.request, nowMs);
      case "respond":
        return this.#onRespond(input.response, nowMs);
      case "timer":
        return this.#onTimer(input.timer, nowMs);
      case "transport-error":
        return this.#onTransportError(input.reason);
    }
  }

  #onAck(request: SipRequest, nowMs: number): readonly InviteServerOutput[] {
    if (this.#state === "accepted") return [{ kind: "to-tu", report: { kind: "ack", request } }];
    if (this.#state !== "completed") return NO_OUTPUT;
    if (this.#reliable) return this.#terminate(); // Timer I is zero.
    this.#state = "confirmed";
    return [{ kind: "set-timer", timer: "I", atMs: nowMs + TRANSACTION_TIMERS.iMs }];
  }

  #onRespond(response: SipResponse, nowMs: number): readonly InviteServerOutput[] {
    const send: InviteServerOutput = { kind: "send", message: response };
    const success = response.status >= 200 && response.status < 300;
    if (this.#state === "accepted") return success ? [send] : NO_OUTPUT;
    if (this.#state !== "proceeding") return NO_OUTPUT;

    this.#lastResponse = response;
    if (response.status < 200) return [send];
    if (success) {
      this.#state = "accepted";
      return [send, { kind: "set-timer", timer: "L", atMs: nowMs + TRANSACTION_TIMERS.lMs }];
    }
    this.#state = "completed";
    const timerH: InviteServerOutput = { kind: "set-timer", timer: "H", atMs: nowMs + TRANSACTION_TIMERS.hMs };
    if (this.#reliable) return [send, timerH];
    return [send, timerH, { kind: "set-timer", timer: "G", atMs: nowMs + this.#retransmitMs }];
  }

  #onTimer(timer: InviteServerTimer, nowMs: number): readonly InviteServerOutput[] {
    switch (timer) {
      case "G":
        if (this.#state !== "completed") return NO_OUTPUT;
        this.#retransmitMs = Math.min(2 * this.#retransmitMs, T2_MS);
        return [
          { kind: "set-timer", timer: "G", atMs: nowMs + this.#retransmitMs },
          { kind: "send", message: this.#lastResponse },
        ];
      case "H":
        if (this.#state !== "completed") return NO_OUTPUT;
        this.#state = "terminated";
        return TIMED_OUT;
      case "I":
        return this.#state === "confirmed" ? this.#terminate() : NO_OUTPUT;
      case "L":
        return this.#state === "accepted" ? this.#terminate() : NO_OUTPUT;
    }
  }

  /**
   * RFC 6026 section 7.1 keeps the machine through every transport error: the peer's next
   * retransmission may arrive by a working way, and must still be recognised.
   */
  #onTransportError(reason: string): readonly InviteServerOutput[] {
    if (this.#state === "initial" || this.#state === "terminated" || this.#state === "confirmed") return NO_OUTPUT;
    return [{ kind: "to-tu", report: { kind: "transport-error", reason } }];
  }

  #terminate(): readonly InviteServerOutput[] {
    this.#state = "terminated";
    return TERMINATED_ONLY;
  }
}
