/** Where each leg's packets go, and what feeds it: another leg, a trunk stream, a player or a room. */
import type { MediaJoin } from "#protocol/media";
import type { FrameScheduler } from "./frame-scheduler.ts";
import { HoldMusic } from "./hold-music.ts";
import type { MediaLeg } from "./media-leg.ts";
import type { MediaLegKey } from "./media-plane.ts";
import type { MediaPlaneOptions } from "./media-plane-options.ts";
import { isTelephoneEvent, type PacketSink, type RelayOutcome, relayPacket } from "./packet-relay.ts";
import { LegPlayer, type PlayerJoin } from "./player/leg-player.ts";
import type { SourceLibrary } from "./player/source-library.ts";
import { TouchToneDetector } from "./touch-tone-detector.ts";
import type { RoomMember } from "./room/room-member.ts";
import type { RoomTable } from "./room/room-table.ts";
import type { Trunk } from "./trunk.ts";
import { TrunkLink } from "./trunk-link.ts";
import type { WakeWatch } from "./wake-watch.ts";

type ActiveJoin =
  | { readonly kind: "none" }
  | { readonly kind: "echo" }
  | { readonly kind: "local"; readonly target: MediaLegKey }
  | { readonly kind: "trunk"; readonly link: TrunkLink; readonly toRoom: boolean }
  | { readonly kind: "player"; readonly player: LegPlayer }
  | { readonly kind: "room"; readonly room: string; readonly member: RoomMember };

const NO_JOIN: ActiveJoin = { kind: "none" };

export interface JoinTableParts {
  readonly options: MediaPlaneOptions;
  readonly trunk: Trunk;
  readonly legs: ReadonlyMap<MediaLegKey, MediaLeg>;
  readonly wakeWatch: WakeWatch;
  readonly scheduler: FrameScheduler;
  readonly library: SourceLibrary;
  readonly rooms: RoomTable;
}

export class JoinTable {
  readonly #parts: JoinTableParts;
  readonly #legs: ReadonlyMap<MediaLegKey, MediaLeg>;
  readonly #joins = new Map<MediaLegKey, ActiveJoin>();
  readonly #holdMusic: HoldMusic;
  readonly #detectors = new Map<MediaLegKey, TouchToneDetector>();

  constructor(parts: JoinTableParts) {
    this.#parts = parts;
    this.#legs = parts.legs;
    const { scheduler, library, options } = parts;
    this.#holdMusic = new HoldMusic({ scheduler, library, count: (counter) => options.count(counter) });
  }

  isJoined(key: MediaLegKey): boolean {
    return (this.#joins.get(key) ?? NO_JOIN).kind !== "none";
  }

  join(leg: MediaLeg, join: MediaJoin, epoch: number): void {
    const current = this.#joins.get(leg.key) ?? NO_JOIN;
    const next = this.#prepare(leg, join, epoch, current);
    if (next === current) return;
    this.#end(current);
    this.#joins.set(leg.key, next);
    // Whoever feeds this leg from now on continues the numbering, even under an SSRC seen before.
    leg.stream?.unanchor();
    if (next.kind === "trunk") next.link.open();
    else if (next.kind === "player") this.#parts.scheduler.add(next.player);
    this.#followHold(leg);
  }

  remove(key: MediaLegKey): void {
    this.#holdMusic.stop(key);
    this.#detectors.delete(key);
    this.#end(this.#joins.get(key) ?? NO_JOIN);
    this.#joins.delete(key);
  }

  /** A leg negotiated: its trunk carries that codec, and its peer holds the call or does not. */
  onAudio(leg: MediaLeg): void {
    const join = this.#joins.get(leg.key);
    if (join?.kind === "trunk") join.link.sink.setLegAudio(leg.audio);
    this.#followHold(leg);
  }

  /** A person who is held hears music. A room and a leg's own echo hear nothing of it. */
  #followHold(leg: MediaLeg): void {
    const join = this.#joins.get(leg.key) ?? NO_JOIN;
    const toPerson = join.kind === "local" || (join.kind === "trunk" && !join.toRoom);
    if (leg.holds && toPerson) this.#holdMusic.start(leg.key, () => this.#personBehind(leg.key));
    else this.#holdMusic.stop(leg.key);
  }

  #personBehind(key: MediaLegKey): PacketSink | undefined {
    const join = this.#joins.get(key);
    if (join?.kind === "trunk") return join.link.sink;
    return join?.kind === "local" ? this.#legs.get(join.target) : undefined;
  }

  /** Hot path: a packet that `leg` received. */
  readonly forward = (leg: MediaLeg, packet: Buffer, nowMs: number): void => {
    const join = this.#joins.get(leg.key);
    const source = leg.audio;
    if (source === undefined) return;
    if (this.#parts.wakeWatch.slept(nowMs)) return this.#parts.options.count("media.overslept");
    if (isTelephoneEvent(packet, source)) this.#hearKey(leg, packet);
    if (join === undefined || join.kind === "none") return;
    // DEVIATION (docs/compliance.md#3264-8.4): held people hear our music, and never what an open microphone goes on sending.
    if (leg.holds) return;
    switch (join.kind) {
      case "trunk":
        if (this.#relayed(relayPacket(packet, source, join.link.sink, nowMs))) leg.counters.trunkPacketsSent += 1;
        return;
      case "echo":
        this.#relayed(relayPacket(packet, source, leg, nowMs));
        return;
      case "local": {
        const target = this.#legs.get(join.target);
        this.#relayed(target === undefined ? "sink-not-ready" : relayPacket(packet, source, target, nowMs));
        return;
      }
      case "room":
        join.member.receive(packet, source, nowMs);
        return;
      case "player":
        return;
      default:
        join satisfies never;
    }
  };

  #hearKey(leg: MediaLeg, packet: Buffer): void {
    const detector = this.#detectors.get(leg.key) ?? new TouchToneDetector();
    this.#detectors.set(leg.key, detector);
    const digit = detector.hear(packet);
    if (digit !== undefined) this.#parts.options.events.onDigit(leg.key, digit);
  }

  #relayed(outcome: RelayOutcome): boolean {
    if (outcome === "sent") return true;
    this.#parts.options.count(`media.${outcome}`);
    return false;
  }

  /** The join to use; `current` itself when it says the same already, so that repeats keep keys, numbering and position. */
  #prepare(leg: MediaLeg, join: MediaJoin, epoch: number, current: ActiveJoin): ActiveJoin {
    switch (join.kind) {
      case "none":
        return current.kind === "none" ? current : NO_JOIN;
      case "echo":
        return current.kind === "echo" ? current : { kind: "echo" };
      case "local": {
        const target = join.call === undefined ? siblingKey(leg.key, join.leg) : `${join.call}.${join.leg}`;
        return current.kind === "local" && current.target === target ? current : { kind: "local", target };
      }
      case "trunk":
        return this.#prepareTrunk(leg, join, epoch, current);
      case "player":
        return this.#preparePlayer(leg.key, join, current);
      case "room":
        return this.#prepareRoom(leg.key, join.room, current);
      default:
        return join satisfies never;
    }
  }

  #preparePlayer(key: MediaLegKey, join: PlayerJoin, current: ActiveJoin): ActiveJoin {
    if (current.kind === "player" && current.player.plays(join)) return current;
    const { library, options } = this.#parts;
    const player = new LegPlayer({
      join,
      library,
      sink: () => this.#legs.get(key),
      count: (counter) => options.count(counter),
    });
    return { kind: "player", player };
  }

  #prepareRoom(key: MediaLegKey, room: string, current: ActiveJoin): ActiveJoin {
    if (current.kind === "room" && current.room === room) return current;
    const member = this.#parts.rooms.enter(room, () => this.#legs.get(key));
    return member === undefined ? NO_JOIN : { kind: "room", room, member };
  }

  #prepareTrunk(leg: MediaLeg, peer: MediaJoin & { kind: "trunk" }, epoch: number, current: ActiveJoin): ActiveJoin {
    const known = current.kind === "trunk" ? current.link : undefined;
    if (known?.serves(peer, epoch) === true) return current;
    const { options, trunk, wakeWatch } = this.#parts;
    const { key } = leg;
    const link = TrunkLink.create({
      options,
      trunk,
      wakeWatch,
      peer,
      epoch,
      known,
      onPacket: (packet, sink, nowMs) => this.#fromTrunk(key, packet, sink.audio, nowMs),
    });
    if (link === undefined) return current;
    link.sink.setLegAudio(leg.audio);
    return { kind: "trunk", link, toRoom: peer.room === true };
  }

  #fromTrunk(key: MediaLegKey, packet: Buffer, source: MediaLeg["audio"], nowMs: number): void {
    const leg = this.#legs.get(key);
    if (leg === undefined || source === undefined) {
      this.#relayed("sink-not-ready");
      return;
    }
    leg.counters.trunkPacketsReceived += 1;
    this.#relayed(relayPacket(packet, source, leg, nowMs));
  }

  #end(join: ActiveJoin): void {
    if (join.kind === "trunk") join.link.close();
    else if (join.kind === "player") this.#parts.scheduler.remove(join.player);
    else if (join.kind === "room") this.#parts.rooms.leave(join.room, join.member);
  }
}

/** `${CallToken}.${LegId}` of another leg of the same call. */
function siblingKey(key: MediaLegKey, leg: string): MediaLegKey {
  return `${key.slice(0, key.lastIndexOf("."))}.${leg}`;
}
