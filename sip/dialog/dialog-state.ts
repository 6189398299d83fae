/** A dialog as data (RFC 3261 section 12): JSON, so that it can be stored, sent and taken over. */
export interface DialogState {
  readonly callId: string;
  readonly localTag: string;
  /** Absent only while a UAC waits for its first tagged response. */
  readonly remoteTag?: string;
  /** Our name in the dialog: the URI of From (UAC) or To (UAS), with display name if any, without tag. */
  readonly localUri: string;
  readonly remoteUri: string;
  /** The peer's Contact: request-URI of in-dialog requests. */
  readonly remoteTarget: string;
  /** Route header values, in the order to send them. */
  readonly routeSet: readonly string[];
  /** CSeq number of our last request; -1 when we sent none. */
  readonly localCseq: number;
  /** CSeq number of the peer's last request; -1 when it sent none. */
  readonly remoteCseq: number;
  /** Methods that the peer's Allow lists, upper case; empty when it sent none. */
  readonly remoteAllow: readonly string[];
  /** `o=` session version of the last SDP that we sent. */
  readonly localSdpVersion: number;
  /** `o=` session id of the SDP that we send, the same for the whole dialog. */
  readonly localSdpId: number;
}

/**
 * Each epoch owns a block of CSeq numbers and SDP versions, so an adopter never repeats one that the
 * old gateway may have used without telling (capsule rule of docs/design/capsule.md).
 */
export const EPOCH_BLOCK = 1000;
