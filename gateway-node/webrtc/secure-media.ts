/** SRTP and SRTCP of one WebRTC leg from the moment its keys are known: own index under lease, the peer's verified. */
import type { OutgoingStreamLease, WebRtcLegMedia } from "#protocol/capsule";
import { IndexLease } from "../media/index-lease.ts";
import { OutgoingStream } from "../media/outgoing-stream.ts";
import { readSsrc, readTimestamp, RTP_CLOCK_PER_MS } from "../media/rtp-packet.ts";
import { SrtcpReceiver, SrtcpSender } from "../media/srtcp.ts";
import { type IncomingHint, SrtpReceiver, SrtpSender } from "../media/srtp.ts";
import type { DtlsKeys } from "./dtls-handshake.ts";
import { encodeReport, ReceptionStatistics, readSenderReport } from "./rtcp-reports.ts";

type Incoming = WebRtcLegMedia["incoming"];

export class SecureMedia {
  readonly stream: OutgoingStream;
  readonly #lease: IndexLease;
  readonly #keys: DtlsKeys;
  readonly #sender: SrtpSender;
  readonly #receiver: SrtpReceiver;
  readonly #reportSender: SrtcpSender;
  readonly #reportReceiver: SrtcpReceiver;
  /** Every 31-bit SRTCP index is used once too. It starts where the stream starts and is far slower, so the lease covers it. */
  #reportIndex: number;
  #reception: ReceptionStatistics | undefined;
  #incoming: Incoming;

  static fresh(keys: DtlsKeys, ssrc: number, nowMs: number): SecureMedia {
    const stream = OutgoingStream.fresh(ssrc, nowMs);
    return new SecureMedia(
      keys,
      stream,
      IndexLease.fresh(stream.nextIndex),
      new SrtpReceiver(keys.profile, keys.remote),
    );
  }

  /** Goes on at the lease's limit, which the gateway before never reached. */
  static adopted(keys: DtlsKeys, lease: OutgoingStreamLease, incoming: Incoming): SecureMedia {
    const stream = new OutgoingStream({
      ssrc: lease.ssrc,
      index: lease.indexLimit,
      timestamp: lease.timestamp,
      atMs: lease.atMs,
    });
    const hint: IncomingHint | undefined = incoming;
    const media = new SecureMedia(
      keys,
      stream,
      IndexLease.adopted(lease.indexLimit),
      new SrtpReceiver(keys.profile, keys.remote, { hint }),
    );
    media.#incoming = incoming;
    return media;
  }

  private constructor(keys: DtlsKeys, stream: OutgoingStream, lease: IndexLease, receiver: SrtpReceiver) {
    this.#keys = keys;
    this.stream = stream;
    this.#lease = lease;
    stream.limit = lease.limit;
    this.#reportIndex = stream.nextIndex % 2 ** 31;
    this.#sender = new SrtpSender(keys.profile, keys.local);
    this.#receiver = receiver;
    this.#reportSender = new SrtcpSender(keys.profile, keys.local);
    this.#reportReceiver = new SrtcpReceiver(keys.profile, keys.remote);
  }

  get keys(): DtlsKeys {
    return this.#keys;
  }

  /** The last index seen from the peer. */
  get incoming(): Incoming {
    return this.#incoming;
  }

  get refusal(): SrtpReceiver["refusal"] {
    return this.#receiver.refusal;
  }

  protect(packet: Buffer, index: number): Buffer {
    return this.#sender.protect(packet, index);
  }

  /** The packet in the clear, or `undefined` with `refusal` set. */
  unprotect(packet: Buffer, nowMs: number): Buffer | undefined {
    const plain = this.#receiver.unprotect(packet);
    if (plain === undefined) return undefined;
    const ssrc = readSsrc(plain);
    const index = this.#receiver.lastIndex;
    if (this.#reception?.ssrc !== ssrc) this.#reception = new ReceptionStatistics(ssrc, index);
    this.#reception.onPacket(index, readTimestamp(plain), nowMs);
    this.#incoming = { ssrc, index, atMs: nowMs };
    return plain;
  }

  /** True when the packet was genuine. */
  receiveReport(packet: Buffer, nowMs: number): boolean {
    const compound = this.#reportReceiver.unprotect(packet);
    if (compound === undefined) return false;
    const report = readSenderReport(compound);
    if (report !== undefined && report.ssrc === this.#reception?.ssrc)
      this.#reception.onSenderReport(report.ntpMiddle, nowMs);
    return true;
  }

  /** A protected report, or `undefined` when the lease covers no further index. */
  createReport(cname: string, nowMs: number): Buffer | undefined {
    if (this.#reportIndex >= this.#lease.limit % 2 ** 31) return undefined;
    const { ssrc, packets, octets, timestamp, timestampAtMs } = this.stream;
    const current = (timestamp + Math.round(nowMs - timestampAtMs) * RTP_CLOCK_PER_MS) >>> 0;
    const blocks = this.#reception === undefined ? [] : [this.#reception.reportBlock(nowMs)];
    const report = encodeReport({ ssrc, cname, timestamp: current, packets, octets, nowMs }, blocks);
    const wire = this.#reportSender.protect(report, this.#reportIndex);
    this.#reportIndex += 1;
    return wire;
  }

  /** What an adopter would have to start from now. */
  get lease(): OutgoingStreamLease {
    return this.#leaseUpTo(this.#lease.claimed);
  }

  /** The lease to ask the Call object for, once for each step. */
  wantedLease(): OutgoingStreamLease | undefined {
    const limit = this.#lease.wanted(this.stream.nextIndex);
    return limit === undefined ? undefined : this.#leaseUpTo(limit);
  }

  grant(lease: OutgoingStreamLease): void {
    if (lease.ssrc !== this.stream.ssrc) return;
    this.#lease.grant(lease.indexLimit);
    this.stream.limit = this.#lease.limit;
  }

  #leaseUpTo(indexLimit: number): OutgoingStreamLease {
    return { ssrc: this.stream.ssrc, indexLimit, timestamp: this.stream.timestamp, atMs: this.stream.timestampAtMs };
  }
}
