/**
 * What every transaction machine asks of its owner. The owner performs the outputs of one input in order, and gives the
 * next input only then.
 */
import type { SipMessage } from "../message/sip-message.ts";

export type TransactionOutput<Message extends SipMessage, Timer extends string, Report> =
  | { readonly kind: "send"; readonly message: Message }
  /** Replaces an earlier setting of the same timer. A timer that the state no longer needs may fire: it is ignored. */
  | { readonly kind: "set-timer"; readonly timer: Timer; readonly atMs: number }
  | { readonly kind: "to-tu"; readonly report: Report }
  /** Always the last output of a machine: forget it and its timers. */
  | { readonly kind: "terminated" };

/** The output lists that never differ; machines return them without allocating. */
export const NO_OUTPUT: readonly never[] = Object.freeze([]);
export const TERMINATED = Object.freeze({ kind: "terminated" } as const);
export const TERMINATED_ONLY: readonly [typeof TERMINATED] = Object.freeze([TERMINATED] as const);
