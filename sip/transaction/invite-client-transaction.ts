/** The client side of an INVITE: RFC 3261 section 17.1.1 with the accepted state of RFC 6026 section 7.2. */
import type { SipRequest, SipResponse } from "../message/sip-message.ts";
import { createFailureAck } from "./derived-requests.ts";
import { CANCELLED_INVITE_MS, TRANSACTION_TIMERS } from "./timers.ts";
import { NO_OUTPUT, TERMINATED, TERMINATED_ONLY } from "./transaction-output.ts";
import type { TransactionOutput } from "./transaction-output.ts";

export type InviteClientState = "initial" | "calling" | "proceeding" | "completed" | "accepted" | "terminated";
/** `cancelled` has no letter in the RFC: it ends an INVITE whose CANCEL brought no final response (section 9.1). */
export type InviteClientTimer = "A" | "B" | "D" | "M" | "cancelled";

export type InviteClientInput =
  | { readonly kind: "start" }
  | { readonly kind: "response"; readonly response: SipResponse }
  | { readonly kind: "timer"; readonly timer: InviteClientTimer }
  | { readonly kind: "transport-error"; readonly reason: string }
  /** The TU wants the INVITE cancelled. */
  | { readonly kind: "cancel" };

/** What a client transaction tells its TU. */
export type ClientReport =
  | { readonly kind: "response"; readonly response: SipResponse }
  | { readonly kind: "timeout" }
  | { readonly kind: "transport-error"; readonly reason: string };

/** `send-cancel` starts a transaction of its own, which the owner runs (section 9.1). */
export type InviteClientOutput =
  | TransactionOutput<SipRequest, InviteClientTimer, ClientReport>
  | { readonly kind: "send-cancel" };

export interface InviteClientTransactionOptions {
  /** With its top Via; every (re)transmission is this message. */
  readonly request: SipRequest;
  /** TCP and TLS: no retransmission, no wait for repeats (section 17.1.1.2). */
  readonly reliable: boolean;
  /** Instead of Timer B's 64*T1. */
  readonly timeoutMs?: number;
}

const TIMED_OUT: readonly InviteClientOutput[] = Object.freeze([
  { kind: "to-tu", report: { kind: "timeout" } },
  TERMINATED,
] as const);

export class InviteClientTransaction {
  readonly #request: SipRequest;
  readonly #reliable: boolean;
  readonly #timeoutMs: number;
  #state: InviteClientState = "initial";
  #retransmitMs: number = TRANSACTION_TIMERS.aMs;
  #cancel: "none" | "wanted" | "sent" = "none";
  #ack: SipRequest | undefined;

  constructor(options: InviteClientTransactionOptions) {
    this.#request = options.request;
    this.#reliable = options.reliable;
    this.#timeoutMs = options.timeoutMs ?? TRANSACTION_TIMERS.bMs;
  }

  get state(): InviteClientState {
    return this.#state;
  }

  receive(input: InviteClientInput, nowMs: number): readonly InviteClientOutput[] {
    switch (input.kind) {
      case "start":
        return this.#onStart(nowMs);
      case "response":
        return this.#onResponse(input.response, nowMs);
      case "timer":
        return this.#onTimer(input.timer, nowMs);
      case "transport-error":
        return this.#onTransportError(input.reason);
      case "cancel":
        return this.#onCancel(nowMs);
    }
  }

  #onStart(nowMs: number): readonly InviteClientOutput[] {
    if (this.#state !== "initial") return NO_OUTPUT;
    this.#state = "calling";
    const outputs: InviteClientOutput[] = [{ kind: "set-timer", timer: "B", atMs: nowMs + this.#timeoutMs }];
    if (!this.#reliable) outputs.push({ kind: "set-timer", timer: "A", atMs: nowMs + this.#retransmitMs });
    outputs.push({ kind: "send", message: this.#request });
    return outputs;
  }

  #onResponse(response: SipResponse, nowMs: number): readonly InviteClientOutput[] {
    switch (this.#state) {
      case "calling":
      case "proceeding":
        if (response.status < 200) return this.#onProvisional(response, nowMs);
        return response.status < 300 ? this.#onSuccess(response, nowMs) : this.#onFailure(response, nowMs);
      case "completed":
        // The peer repeats its failure because our ACK was lost (section 17.1.1.2).
        return response.status >= 300 && this.#ack !== undefined ? [{ kind: "send", message: this.#ack }] : NO_OUTPUT;
      case "accepted":
        // RFC 6026 section 7.2: only the TU can acknowledge a 2xx, so each one is passed up; the rest is dropped.
        return response.status >= 200 && response.status < 300
          ? [{ kind: "to-tu", report: { kind: "response", response } }]
          : NO_OUTPUT;
      case "initial":
      case "terminated":
        return NO_OUTPUT;
    }
  }

  #onProvisional(response: SipResponse, nowMs: number): readonly InviteClientOutput[] {
    this.#state = "proceeding";
    const report: InviteClientOutput = { kind: "to-tu", report: { kind: "response", response } };
    return this.#cancel === "wanted" ? [...this.#sendCancel(nowMs), report] : [report];
  }

  #onSuccess(response: SipResponse, nowMs: number): readonly InviteClientOutput[] {
    this.#state = "accepted";
    return [
      { kind: "set-timer", timer: "M", atMs: nowMs + TRANSACTION_TIMERS.mMs },
      { kind: "to-tu", report: { kind: "response", response } },
    ];
  }

  #onFailure(response: SipResponse, nowMs: number): readonly InviteClientOutput[] {
    this.#ack = createFailureAck(this.#request, response);
    const send: InviteClientOutput = { kind: "send", message: this.#ack };
    const report: InviteClientOutput = { kind: "to-tu", report: { kind: "response", response } };
    if (this.#reliable) {
      this.#state = "terminated"; // Timer D is zero.
      return [send, report, TERMINATED];
    }
    this.#state = "completed";
    return [send, { kind: "set-timer", timer: "D", atMs: nowMs + TRANSACTION_TIMERS.dMs }, report];
  }

  #onTimer(timer: InviteClientTimer, nowMs: number): readonly InviteClientOutput[] {
    switch (timer) {
      case "A":
        if (this.#state !== "calling") return NO_OUTPUT;
        this.#retransmitMs *= 2;
        return [
          { kind: "set-timer", timer: "A", atMs: nowMs + this.#retransmitMs },
          { kind: "send", message: this.#request },
        ];
      case "B":
        return this.#state === "calling" ? this.#timeOut() : NO_OUTPUT;
      case "cancelled":
        return this.#state === "proceeding" ? this.#timeOut() : NO_OUTPUT;
      case "D":
        return this.#state === "completed" ? this.#terminate() : NO_OUTPUT;
      case "M":
        return this.#state === "accepted" ? this.#terminate() : NO_OUTPUT;
    }
  }

  /** In proceeding the INVITE has arrived: its responses may still come, over a new connection if need be (section 18.2.2). */
  #onTransportError(reason: string): readonly InviteClientOutput[] {
    if (this.#state !== "calling" && this.#state !== "completed") return NO_OUTPUT;
    this.#state = "terminated";
    return [{ kind: "to-tu", report: { kind: "transport-error", reason } }, TERMINATED];
  }

  #onCancel(nowMs: number): readonly InviteClientOutput[] {
    if (this.#cancel !== "none") return NO_OUTPUT;
    if (this.#state === "proceeding") return this.#sendCancel(nowMs);
    // Section 9.1: a CANCEL may not overtake its INVITE, so it waits for a provisional response.
    if (this.#state === "calling" || this.#state === "initial") this.#cancel = "wanted";
    return NO_OUTPUT;
  }

  #sendCancel(nowMs: number): readonly InviteClientOutput[] {
    this.#cancel = "sent";
    return [{ kind: "set-timer", timer: "cancelled", atMs: nowMs + CANCELLED_INVITE_MS }, { kind: "send-cancel" }];
  }

  #timeOut(): readonly InviteClientOutput[] {
    this.#state = "terminated";
    return TIMED_OUT;
  }

  #terminate(): readonly InviteClientOutput[] {
    this.#state = "terminated";
    return TERMINATED_ONLY;
  }
}
