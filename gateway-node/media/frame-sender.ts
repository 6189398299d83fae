/** Sends generated 20 ms frames of G.711 into a sink, as one RTP source. */
import type { CodecName } from "#protocol/media";
import { FRAME_SAMPLES } from "./frame-scheduler.ts";
import { type PacketSink, type RelayOutcome, relayPacket, trunkAudio } from "./packet-relay.ts";
import { RTP_HEADER_BYTES, writeUint32 } from "./rtp-packet.ts";

/** The codec to encode for, or `undefined` while the sink cannot send: then nothing needs to be encoded. */
export function codecOf(sink: PacketSink | undefined): CodecName | undefined {
  return sink?.stream === undefined ? undefined : sink.audio?.codec;
}

export class FrameSender {
  #sequence = 0;

  /** `payload` is copied: it may be shared by many sinks. */
  send(sink: PacketSink, codec: CodecName, payload: Uint8Array, frame: number, atMs: number): RelayOutcome {
    const source = trunkAudio(codec);
    // A new buffer each time: a socket that is busy keeps it.
    const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + payload.length);
    packet[0] = 0x80;
    packet[1] = source.payloadType;
    packet[2] = this.#sequence >>> 8;
    packet[3] = this.#sequence & 0xff;
    // Frames that were skipped, or that the sink could not take, show as time and not as loss.
    writeUint32(packet, 4, (frame * FRAME_SAMPLES) >>> 0);
    writeUint32(packet, 8, 0);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    packet.set(payload, RTP_HEADER_BYTES);
    return relayPacket(packet, source, sink, atMs);
  }
}
