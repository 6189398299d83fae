/** The server side of every request but INVITE and ACK: RFC 3261 section 17.2.2. */
import type { SipRequest, SipResponse } from "../message/sip-message.ts";
import { TRANSACTION_TIMERS } from "./timers.ts";
import { NO_OUTPUT, TERMINATED, TERMINATED_ONLY } from "./transaction-output.ts";
import type { TransactionOutput } from "./transaction-output.ts";

export type NonInviteServerState = "initial" | "trying" | "proceeding" | "completed" | "terminated";
export type NonInviteServerTimer = "J";

export type NonInviteServerInput =
  | { readonly kind: "start" }
  /** The request again. */
  | { readonly kind: "request" }
  | { readonly kind: "respond"; readonly response: SipResponse }
  | { readonly kind: "timer"; readonly timer: NonInviteServerTimer }
  | { readonly kind: "transport-error"; readonly reason: string };

export type NonInviteServerReport =
  | { readonly kind: "request"; readonly request: SipRequest }
  | { readonly kind: "transport-error"; readonly reason: string };

export type NonInviteServerOutput = TransactionOutput<SipResponse, NonInviteServerTimer, NonInviteServerReport>;

export interface NonInviteServerTransactionOptions {
  readonly request: SipRequest;
  readonly reliable: boolean;
}

export class NonInviteServerTransaction {
  readonly #request: SipRequest;
  readonly #reliable: boolean;
  #state: NonInviteServerState = "initial";
  #lastResponse: SipResponse | undefined;

  constructor(options: NonInviteServerTransactionOptions) {
    this.#request = options.request;
    this.#reliable = options.reliable;
  }

  get state(): NonInviteServerState {
    return this.#state;
  }

  receive(input: NonInviteServerInput, nowMs: number): readonly NonInviteServerOutput[] {
    switch (input.kind) {
      case "start":
        if (this.#state !== "initial") return NO_OUTPUT;
        this.#state = "trying";
        return [{ kind: "to-tu", report: { kind: "request", request: this.#request } }];
      case "request":
        // In trying there is nothing to repeat yet: the request is dropped.
        return this.#lastResponse === undefined || this.#state === "terminated"
          ? NO_OUTPUT
          : [{ kind: "send", message: this.#lastResponse }];
      case "respond":
        return this.#onRespond(input.response, nowMs);
      case "timer":
        if (this.#state !== "completed") return NO_OUTPUT;
        this.#state = "terminated";
        return TERMINATED_ONLY;
      case "transport-error":
        if (this.#state !== "proceeding" && this.#state !== "completed") return NO_OUTPUT;
        this.#state = "terminated";
        return [{ kind: "to-tu", report: { kind: "transport-error", reason: input.reason } }, TERMINATED];
    }
  }

  #onRespond(response: SipResponse, nowMs: number): readonly NonInviteServerOutput[] {
    if (this.#state !== "trying" && this.#state !== "proceeding") return NO_OUTPUT;
    this.#lastResponse = response;
    const send: NonInviteServerOutput = { kind: "send", message: response };
    if (response.status < 200) {
      this.#state = "proceeding";
      return [send];
    }
    if (this.#reliable) {
      this.#state = "terminated"; // Timer J is zero.
      return [send, TERMINATED];
    }
    this.#state = "completed";
    return [send, { kind: "set-timer", timer: "J", atMs: nowMs + TRANSACTION_TIMERS.jMs }];
  }
}
