/** One leg's media over the trunk: keys by stream, sender and the sender's leg epoch, so no key travels (docs/design/capsule.md). */
import { randomInt } from "node:crypto";
import { OutgoingStream } from "./outgoing-stream.ts";
import type { PacketSink } from "./packet-relay.ts";
import { trunkAudio } from "./packet-relay.ts";
import { SrtpReceiver, SrtpSender } from "./srtp.ts";
import { deriveTrunkKey, expandEpoch, readTrunkEpoch, TRUNK_HEADER_BYTES, writeTrunkHeader } from "./trunk-frame.ts";
import type { NegotiatedAudio } from "#protocol/media";

const TRUNK_PROFILE = "SRTP_AES128_CM_HMAC_SHA1_80";
/** Forged frames may announce any epoch; keys for a new one are derived at most this often. */
const DERIVATION_INTERVAL_MS = 20;

export interface TrunkStreamOptions {
  readonly fleetKey: Buffer;
  readonly stream: string;
  readonly streamId: Buffer;
  readonly localGateway: string;
  readonly remoteGateway: string;
  /** Of our leg: it names our sending key. */
  readonly epoch: number;
  readonly nowMs: number;
  readonly send: (frame: Buffer) => void;
}

/** The sending half; a sink for the packets of the leg that is joined to the trunk. */
export class TrunkSink implements PacketSink {
  audio: NegotiatedAudio | undefined;
  readonly stream: OutgoingStream;
  packetsSent = 0;
  readonly #srtp: SrtpSender;
  readonly #options: TrunkStreamOptions;

  constructor(options: TrunkStreamOptions) {
    this.#options = options;
    this.stream = OutgoingStream.fresh(randomInt(0x100000000), options.nowMs);
    this.#srtp = new SrtpSender(
      TRUNK_PROFILE,
      deriveTrunkKey(options.fleetKey, options.stream, options.localGateway, options.epoch),
    );
  }

  /** The trunk carries whatever codec its leg negotiated. */
  setLegAudio(audio: NegotiatedAudio | undefined): void {
    this.audio = audio === undefined ? undefined : trunkAudio(audio.codec);
  }

  transmit(packet: Buffer, index: number): void {
    const frame = this.#srtp.protect(packet, index, TRUNK_HEADER_BYTES);
    writeTrunkHeader(frame, "media", this.#options.epoch, this.#options.streamId);
    this.packetsSent += 1;
    this.#options.send(frame);
  }
}

/** The receiving half. Its epoch is the sender's and only ever rises. */
export class TrunkReceiver {
  refusal: "stale-epoch" | "forged" = "forged";
  readonly #options: Pick<TrunkStreamOptions, "fleetKey" | "stream" | "remoteGateway">;
  #epoch = 0;
  #current: SrtpReceiver | undefined;
  #candidate: { readonly epoch: number; readonly receiver: SrtpReceiver } | undefined;
  #lastDerivationAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: Pick<TrunkStreamOptions, "fleetKey" | "stream" | "remoteGateway">) {
    this.#options = options;
  }

  /** The RTP packet of a media frame, decrypted in place, or `undefined` with `refusal` set. */
  open(frame: Buffer, nowMs: number): Buffer | undefined {
    const epoch = expandEpoch(readTrunkEpoch(frame), this.#epoch);
    this.refusal = "forged";
    if (epoch < this.#epoch) {
      this.refusal = "stale-epoch";
      return undefined;
    }
    const body = frame.subarray(TRUNK_HEADER_BYTES);
    if (epoch === this.#epoch && this.#current !== undefined) return this.#current.unprotect(body);
    const candidate = this.#candidateFor(epoch, nowMs);
    const packet = candidate?.unprotect(body);
    if (packet === undefined) return undefined;
    this.#epoch = epoch;
    this.#current = candidate;
    this.#candidate = undefined;
    return packet;
  }

  #candidateFor(epoch: number, nowMs: number): SrtpReceiver | undefined {
    if (this.#candidate?.epoch === epoch) return this.#candidate.receiver;
    if (nowMs - this.#lastDerivationAtMs < DERIVATION_INTERVAL_MS) return undefined;
    this.#lastDerivationAtMs = nowMs;
    const { fleetKey, stream, remoteGateway } = this.#options;
    // The first frames may be lost, and the sequence may have wrapped before the join: search the rollover counter.
    const receiver = new SrtpReceiver(TRUNK_PROFILE, deriveTrunkKey(fleetKey, stream, remoteGateway, epoch), {});
    this.#candidate = { epoch, receiver };
    return receiver;
  }
}
