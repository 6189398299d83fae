/** The 2xx to an INVITE, repeated until its ACK arrives: RFC 3261 section 13.3.1.4. Needed on every transport, for a proxy may change it on the way. */
import { T1_MS, T2_MS } from "./timers.ts";

/** Neither has a letter in the RFC. */
export type SuccessRetransmissionTimer = "repeat" | "give-up";

export type SuccessRetransmissionOutput =
  | { readonly kind: "send" }
  | { readonly kind: "set-timer"; readonly timer: SuccessRetransmissionTimer; readonly atMs: number }
  /** 64*T1 without an ACK: the dialog is confirmed but its call should be ended with BYE. */
  | { readonly kind: "unacknowledged" };

const NOTHING: readonly SuccessRetransmissionOutput[] = Object.freeze([]);
const UNACKNOWLEDGED: readonly SuccessRetransmissionOutput[] = Object.freeze([{ kind: "unacknowledged" }] as const);

export class SuccessRetransmission {
  #state: "initial" | "waiting" | "done" = "initial";
  #intervalMs = T1_MS;

  /** The first 2xx has just been sent. */
  start(nowMs: number): readonly SuccessRetransmissionOutput[] {
    if (this.#state !== "initial") return NOTHING;
    this.#state = "waiting";
    return [
      { kind: "set-timer", timer: "give-up", atMs: nowMs + 64 * T1_MS },
      { kind: "set-timer", timer: "repeat", atMs: nowMs + this.#intervalMs },
    ];
  }

  onTimer(timer: SuccessRetransmissionTimer, nowMs: number): readonly SuccessRetransmissionOutput[] {
    if (this.#state !== "waiting") return NOTHING;
    if (timer === "give-up") {
      this.#state = "done";
      return UNACKNOWLEDGED;
    }
    this.#intervalMs = Math.min(2 * this.#intervalMs, T2_MS);
    return [{ kind: "set-timer", timer: "repeat", atMs: nowMs + this.#intervalMs }, { kind: "send" }];
  }

  /** The ACK is here. */
  acknowledge(): void {
    this.#state = "done";
  }
}
