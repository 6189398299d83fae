/** SIP messages as data (RFC 3261 section 7). Header order and unknown header fields survive a parse and a serialise. */

/** One header field: `name` in its canonical long form where Nearside knows it (`via`, not `v`), as received otherwise. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

export interface SipRequest {
  readonly kind: "request";
  readonly method: string;
  readonly requestUri: string;
  readonly headers: readonly HeaderField[];
  readonly body: Uint8Array;
}

export interface SipResponse {
  readonly kind: "response";
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderField[];
  readonly body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;
