/**
 * What the other side hears while a leg's peer holds the call: music in place of the peer's own audio, made where the peer
 * is known to hold (docs/design/players-and-rooms.md, "Hold").
 */
import type { FrameScheduler } from "./frame-scheduler.ts";
import type { MediaLegKey } from "./media-plane.ts";
import type { PacketSink } from "./packet-relay.ts";
import { LegPlayer, type PlayerJoin } from "./player/leg-player.ts";
import type { SourceLibrary } from "./player/source-library.ts";

/** The same for everybody at any moment, so an adopter goes on where the dead gateway's was, without being told. */
const HOLD_JOIN: PlayerJoin = { kind: "player", source: "music", loop: true, anchorMs: 0 };

export interface HoldMusicParts {
  readonly scheduler: FrameScheduler;
  readonly library: SourceLibrary;
  readonly count: (counter: string) => void;
}

export class HoldMusic {
  readonly #parts: HoldMusicParts;
  readonly #players = new Map<MediaLegKey, LegPlayer>();

  constructor(parts: HoldMusicParts) {
    this.#parts = parts;
  }

  /** `sink`: where the leg's packets would go, as its join is at the time. Safe to repeat. */
  start(holder: MediaLegKey, sink: () => PacketSink | undefined): void {
    if (this.#players.has(holder)) return;
    const { scheduler, library, count } = this.#parts;
    const player = new LegPlayer({ join: HOLD_JOIN, library, sink, count });
    this.#players.set(holder, player);
    scheduler.add(player);
  }

  stop(holder: MediaLegKey): void {
    const player = this.#players.get(holder);
    if (player === undefined) return;
    this.#players.delete(holder);
    this.#parts.scheduler.remove(player);
  }
}
