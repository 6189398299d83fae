/** What `createSipStack` is given: addresses, limits, and the world outside as functions, so that tests own the time. */
import type { SipStackEvents } from "./sip-stack.ts";

export interface SipTimer {
  clear(): void;
}

/** `nowMs` must never go back: a monotonic clock. */
export interface SipClock {
  nowMs(): number;
  setTimer(ms: number, fire: () => void): SipTimer;
}

/** Every line that the SIP stack writes. No addresses: `transport` and codes say enough for an operator to count. */
export type SipStackLogEvent =
  | { readonly event: "sip.listening"; readonly transport: string; readonly port: number }
  /** A defect of ours or of the layer above, met while a message or timer was handled; the process goes on. */
  | {
      readonly event: "sip.internal-error";
      readonly during: string;
      readonly problem: string;
      readonly stack: string | undefined;
    }
  | { readonly event: "sip.socket-error"; readonly transport: string; readonly problem: string };

export interface SipStackLimits {
  /** Transactions alive at once; beyond it requests get 503. */
  readonly transactions: number;
  /** TCP and TLS connections together; further ones are closed at once. */
  readonly connections: number;
  /** Bytes that a peer may leave unread on its connection before we close it. */
  readonly unsentBytes: number;
  /** From accepting a connection to its first complete message. */
  readonly firstMessageMs: number;
  /** From a message's first bytes to its last. */
  readonly messageMs: number;
  /** Without a byte from the peer. Longer than an hour: phones that send no keep-alive refresh their binding that often. */
  readonly idleMs: number;
  /** To set a connection of ours up, TLS handshake included. */
  readonly connectMs: number;
  /** From the peer's half-close to ours: time for the answers that it still waits for. */
  readonly halfOpenMs: number;
}

export const DEFAULT_SIP_STACK_LIMITS: SipStackLimits = Object.freeze({
  transactions: 20_000,
  connections: 5_000,
  unsentBytes: 1_048_576,
  firstMessageMs: 10_000,
  messageMs: 10_000,
  idleMs: 65 * 60_000,
  connectMs: 2_000,
  halfOpenMs: 10_000,
});

export interface SipStackOptions {
  /** Address to listen on. */
  readonly host: string;
  /** Address that peers reach us by, for Via and Contact; `host` unless given. */
  readonly advertisedHost?: string;
  /** 0 takes any free port; `SipStack.localAddress` tells which. */
  readonly ports: { readonly udp: number; readonly tcp: number; readonly tls: number };
  /** PEM texts. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly events: SipStackEvents;
  readonly clock: SipClock;
  readonly limits?: Partial<SipStackLimits>;
  count(counter: string): void;
  log(event: SipStackLogEvent): void;
}
