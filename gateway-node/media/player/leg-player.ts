/** Plays a source to one leg. The position is a function of time alone, so an adopter's player goes on where this one is. */
import type { CodecName, MediaJoin } from "#protocol/media";
import { G711_CODECS } from "../codecs/g711.ts";
import { FRAME_SAMPLES, type FrameTask } from "../frame-scheduler.ts";
import { codecOf, FrameSender } from "../frame-sender.ts";
import type { PacketSink } from "../packet-relay.ts";
import { RTP_CLOCK_PER_MS } from "../rtp-packet.ts";
import type { SourceLibrary } from "./source-library.ts";

export type PlayerJoin = Extract<MediaJoin, { kind: "player" }>;

export interface LegPlayerParts {
  readonly join: PlayerJoin;
  readonly library: SourceLibrary;
  /** The leg as it is now: an adoption may replace it under the same key. */
  readonly sink: () => PacketSink | undefined;
  readonly count: (counter: string) => void;
}

export class LegPlayer implements FrameTask {
  readonly #parts: LegPlayerParts;
  readonly #sender = new FrameSender();
  readonly #payload = new Uint8Array(FRAME_SAMPLES);
  /** Position less the samples of all frames so far; set by the first frame. */
  #offset: number | undefined;

  constructor(parts: LegPlayerParts) {
    this.#parts = parts;
  }

  /** True when `join` asks for just this. */
  plays({ source, loop, anchorMs }: PlayerJoin): boolean {
    const { join } = this.#parts;
    return join.source === source && join.loop === loop && join.anchorMs === anchorMs;
  }

  onFrame(frame: number, atMs: number): void {
    const { join, library } = this.#parts;
    // An anchor that a hasty clock put into the future is now.
    this.#offset ??= Math.max(0, Math.round((atMs - join.anchorMs) * RTP_CLOCK_PER_MS)) - frame * FRAME_SAMPLES;
    const sink = this.#parts.sink();
    const codec = codecOf(sink);
    if (sink === undefined || codec === undefined) return;
    const round = library.encoded(join.source, codec);
    const position = frame * FRAME_SAMPLES + this.#offset;
    if (!join.loop && position >= round.length) return;
    this.#fill(round, position, codec);
    const outcome = this.#sender.send(sink, codec, this.#payload, frame, atMs);
    if (outcome !== "sent") this.#parts.count(`media.${outcome}`);
  }

  /** The frame at `position` into `#payload`. */
  #fill(round: Uint8Array, position: number, codec: CodecName): void {
    let from = position % round.length;
    let to = 0;
    while (to < FRAME_SAMPLES) {
      const part = round.subarray(from, from + FRAME_SAMPLES - to);
      this.#payload.set(part, to);
      to += part.length;
      from = 0;
      if (to < FRAME_SAMPLES && !this.#parts.join.loop) {
        this.#payload.fill(G711_CODECS[codec].silence, to);
        return;
      }
    }
  }
}
