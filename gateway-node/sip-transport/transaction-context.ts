/** What the drivers of single transactions share: the clock, the ways out, and the way up to the TU. */
import type { SipFlow } from "#protocol/capsule";
import type { SipMessage } from "#sip/message/sip-message";
import type { ServerTransaction } from "./sip-stack.ts";
import type { SipClock } from "./sip-stack-options.ts";
import type { ConnectionWatcher, StreamConnection } from "./stream-connection.ts";

/** Where a response goes. */
export interface ResponsePath {
  readonly flow: SipFlow;
  /** The port of the Via's sent-by: where a peer listens whose connection is gone (RFC 3261 section 18.2.2). */
  readonly sentByPort: number;
}

/** The sockets as the transaction layer needs them. */
export interface SipSender {
  /** The watcher hears when the request could not be sent, or when its connection, which is returned, can bring no response any more. */
  sendRequest(bytes: Uint8Array, flow: SipFlow, watcher?: ConnectionWatcher): StreamConnection | undefined;
  sendResponse(bytes: Uint8Array, path: ResponsePath): void;
}

/** A message as it is sent, once or repeatedly. */
export interface WireMessage {
  readonly message: SipMessage;
  readonly bytes: Uint8Array;
}

export interface TransactionContext {
  readonly clock: SipClock;
  serialize(message: SipMessage): WireMessage;
  /** As of `SipSender`. */
  sendRequest(wire: WireMessage, flow: SipFlow, watcher?: ConnectionWatcher): StreamConnection | undefined;
  sendResponse(wire: WireMessage, path: ResponsePath): void;
  /** Gives a request to the TU. */
  deliver(transaction: ServerTransaction): void;
  /** Runs a callback of the TU: what it throws is logged, and ends nothing else. */
  callTu(during: string, callback: () => void): void;
  count(counter: string): void;
}
