/** Sizes beyond which a message is refused, so that one peer cannot make parsing expensive for the others. */
export interface SipLimits {
  /** Start line, header fields and body together. */
  readonly maxMessageBytes: number;
  readonly maxHeaders: number;
  /** One header field as received: name, colon, value and folds, in characters. */
  readonly maxHeaderLength: number;
  /** Via values, however they are spread over header fields: one hop each. */
  readonly maxVias: number;
}

export const SIP_LIMITS: SipLimits = Object.freeze({
  // No UDP datagram is longer, and RFC 3261 section 18.1.1 requires handling up to that length.
  maxMessageBytes: 65_535,
  maxHeaders: 100,
  maxHeaderLength: 8_192,
  // The recommended initial Max-Forwards (RFC 3261 section 8.1.1.6): no message comes further.
  maxVias: 70,
});
