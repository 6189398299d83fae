/** SIP messages of a call as its ladder keeps them: enough to follow the call, and nothing that leads to anybody. */
import type { LegId } from "./ids.ts";

/** What an SDP says, in short. Addresses, ports, keys and candidates are not kept. */
export interface LadderSdp {
  /** In the order of the SDP. */
  readonly codecs: readonly string[];
  readonly direction: "sendrecv" | "sendonly" | "recvonly" | "inactive";
}

export interface LadderMessage {
  readonly leg: LegId;
  /** Unix time by the clock of whoever sent or received it, in whole milliseconds. */
  readonly atMs: number;
  /** `true`: from Nearside to the leg's peer. */
  readonly sent: boolean;
  /** The method of CSeq; `other` for one that SIP does not know. */
  readonly method: string;
  readonly cseq: number;
  /** Of a response. Its phrase is not kept: peers write into it what they like. */
  readonly status?: number;
  /** It was on the wire before, the same. */
  readonly repeat?: true;
  readonly sdp?: LadderSdp;
  /** The SIP cause of a Reason header (RFC 3326). */
  readonly cause?: number;
}

/** So many messages travel together; what is more in one batch is counted and left out. */
export const LADDER_BATCH = 64;
/** Codecs of an SDP that are kept. */
export const LADDER_CODECS = 6;
