/** RFC 3261 Table 4 and RFC 6026: every timer of the transaction layer by its letter, in milliseconds. */

/** Round-trip time estimate (section 17.1.1.1). */
export const T1_MS = 500;
/** Longest interval between retransmissions of a non-INVITE request or of a response to INVITE. */
export const T2_MS = 4_000;
/** Longest time that a message stays in the network. */
export const T4_MS = 5_000;

/** The value that a timer is first set to; the machines double A, E and G themselves. */
export const TRANSACTION_TIMERS = Object.freeze({
  /** A: INVITE retransmission, doubles without limit; unreliable transports only (17.1.1.2). */
  aMs: T1_MS,
  /** B: no response at all to an INVITE. */
  bMs: 64 * T1_MS,
  /** D: absorbs repeated failure responses to INVITE; at least 32 s, zero on reliable transports. */
  dMs: 32_000,
  /** E: non-INVITE retransmission, doubles up to T2; unreliable transports only (17.1.2.2). */
  eMs: T1_MS,
  /** F: no final response to a non-INVITE request. */
  fMs: 64 * T1_MS,
  /** G: failure response to INVITE again, doubles up to T2; unreliable transports only (17.2.1). */
  gMs: T1_MS,
  /** H: no ACK to a failure response; on all transports. */
  hMs: 64 * T1_MS,
  /** I: absorbs repeated ACKs; zero on reliable transports. */
  iMs: T4_MS,
  /** J: absorbs repeated non-INVITE requests; zero on reliable transports (17.2.2). */
  jMs: 64 * T1_MS,
  /** K: absorbs repeated responses to non-INVITE; zero on reliable transports. */
  kMs: T4_MS,
  /** L: absorbs repeated INVITEs after a 2xx; on all transports (RFC 6026 section 7.1). */
  lMs: 64 * T1_MS,
  /** M: passes repeated 2xx to the TU; on all transports (RFC 6026 section 7.2). */
  mMs: 64 * T1_MS,
});

/** How long a UAC waits for the final response after its CANCEL before it gives the INVITE up (section 9.1). */
export const CANCELLED_INVITE_MS = 64 * T1_MS;
