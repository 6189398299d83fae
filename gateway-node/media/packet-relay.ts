/** Moves one RTP packet from a source to a sink: payload type, sequence, timestamp and SSRC are translated, the payload never is. */
import { type CodecName, type NegotiatedAudio, TRUNK_PAYLOAD_TYPES } from "#protocol/media";
import { LEASE_EXHAUSTED, type OutgoingStream, YIELDED } from "./outgoing-stream.ts";

/** Where packets can be sent to: a leg's peer, or a trunk stream. */
export interface PacketSink {
  /** Absent until negotiated. */
  readonly audio: NegotiatedAudio | undefined;
  /** Absent while the sink cannot send. */
  readonly stream: OutgoingStream | undefined;
  /** `packet` carries the sink's header fields already; `index` is its 48-bit index. */
  transmit(packet: Buffer, index: number): void;
}

export type RelayOutcome =
  | "sent"
  | "sink-not-ready"
  | "unknown-payload-type"
  | "codec-mismatch"
  | "not-placed"
  | "yielded"
  | "lease-exhausted";

export function isTelephoneEvent(packet: Buffer, source: NegotiatedAudio): boolean {
  return ((packet[1] ?? 0) & 0x7f) === source.telephoneEventPayloadType;
}

/** Rewrites `packet` in place and transmits it. Hot path: no allocation of its own. */
export function relayPacket(packet: Buffer, source: NegotiatedAudio, sink: PacketSink, nowMs: number): RelayOutcome {
  const { audio, stream } = sink;
  if (audio === undefined || stream === undefined) return "sink-not-ready";
  if (audio.codec !== source.codec) return "codec-mismatch";
  const second = packet[1] ?? 0;
  const isAudio = (second & 0x7f) === source.payloadType;
  const payloadType = isAudio
    ? audio.payloadType
    : (second & 0x7f) === source.telephoneEventPayloadType
      ? audio.telephoneEventPayloadType
      : undefined;
  if (payloadType === undefined) return "unknown-payload-type";
  packet[1] = (second & 0x80) | payloadType;
  const index = stream.place(packet, nowMs, isAudio);
  if (index === YIELDED) return "yielded";
  if (index < 0) return index === LEASE_EXHAUSTED ? "lease-exhausted" : "not-placed";
  sink.transmit(packet, index);
  return "sent";
}

const TRUNK_AUDIO: Readonly<Record<CodecName, NegotiatedAudio>> = {
  PCMU: {
    codec: "PCMU",
    payloadType: TRUNK_PAYLOAD_TYPES.PCMU,
    telephoneEventPayloadType: TRUNK_PAYLOAD_TYPES["telephone-event"],
  },
  PCMA: {
    codec: "PCMA",
    payloadType: TRUNK_PAYLOAD_TYPES.PCMA,
    telephoneEventPayloadType: TRUNK_PAYLOAD_TYPES["telephone-event"],
  },
};

/** A leg's codec under the payload types that all trunks use. */
export function trunkAudio(codec: CodecName): NegotiatedAudio {
  return TRUNK_AUDIO[codec];
}
