/** What the rest of the gateway sees of SIP: requests in, requests out, with transactions beneath (RFC 3261 section 17, RFC 6026). */
import type { SipFlow } from "#protocol/capsule";
import type { SipMessage, SipRequest, SipResponse } from "#sip/message/sip-message";

/** A request's way in, and so the way for its responses. */
export interface ServerTransaction {
  readonly request: SipRequest;
  readonly flow: SipFlow;
  /**
   * Sends a response (provisional or final) and keeps it for retransmitted requests. A 2xx to INVITE is repeated until
   * `acknowledged()` (section 13.3.1.4); `onAckTimeout` fires after 64*T1.
   */
  respond(response: SipResponse): void;
  acknowledged(): void;
  /** INVITE only: a matching CANCEL came; it was answered 200. */
  onCancel: (() => void) | undefined;
  onAckTimeout: (() => void) | undefined;
}

export interface ClientTransactionHandlers {
  /** Each provisional and final response once; repeated 2xx to INVITE each time (the TU repeats its ACK). */
  onResponse(response: SipResponse): void;
  /** Timer B or F: no answer at all. */
  onTimeout(): void;
  /** The datagram or connection failed (section 18.4). */
  onTransportError(reason: string): void;
}

export interface ClientTransaction {
  /** CANCEL with the INVITE's branch, held back until a provisional response arrived (section 9.1). */
  cancel(headers?: readonly (readonly [name: string, value: string])[]): void;
  /** Forget it: nothing is sent or reported any more. */
  abandon(): void;
}

export interface SipStackEvents {
  /** Any request but ACK to a non-2xx, CANCEL and retransmissions. ACK to a 2xx arrives here as a transaction that needs no response. */
  onRequest(transaction: ServerTransaction): void;
  /** Each well-formed message as it comes in or goes out, repeats and the stack's own answers among them. For whoever keeps a record. */
  onMessage?: (message: SipMessage, sent: boolean, flow: SipFlow) => void;
}

/** One gateway's SIP: sockets, framing, transactions. Implemented by `createSipStack` in `create-sip-stack.ts`. */
export interface SipStack {
  /** Transactions that are not over, those that only absorb repeats among them. */
  readonly transactions: number;
  /** Open TCP and TLS connections, whoever opened them. */
  readonly connections: number;
  /** Host and port to write in Via and Contact for a transport. */
  localAddress(transport: SipFlow["transport"]): { readonly host: string; readonly port: number };
  /** Adds the top Via (`viaBranch` given or made) and sends; retransmits over UDP. */
  sendRequest(
    request: SipRequest,
    flow: SipFlow,
    handlers: ClientTransactionHandlers,
    options?: { readonly viaBranch?: string; readonly timeoutMs?: number },
  ): ClientTransaction;
  /** ACK to a 2xx: its own Via branch, no transaction. Also for anything sent without waiting, such as an adopter's CANCEL by the old branch. */
  sendOnce(request: SipRequest, flow: SipFlow, options?: { readonly viaBranch?: string }): void;
  /** A final response from an adopter: no server transaction here, sent to `flow` as it is; 2xx repeats are the caller's business. */
  sendResponseOnce(response: SipResponse, flow: SipFlow): void;
  close(): Promise<void>;
}
