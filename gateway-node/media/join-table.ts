/** Where each leg's packets go, and the trunk streams that this takes. */
import type { MediaJoin, NegotiatedAudio } from "#protocol/media";
import { parseGatewayId } from "#protocol/ids";
import type { MediaLeg } from "./media-leg.ts";
import type { MediaLegKey } from "./media-plane.ts";
import type { MediaPlaneOptions } from "./media-plane-options.ts";
import { type RelayOutcome, relayPacket } from "./packet-relay.ts";
import type { Trunk, TrunkFrameHandler } from "./trunk.ts";
import { parseStreamId } from "./trunk-frame.ts";
import { TrunkReceiver, TrunkSink } from "./trunk-stream.ts";
import type { WakeWatch } from "./wake-watch.ts";

interface TrunkJoin {
  readonly kind: "trunk";
  readonly gateway: string;
  readonly host: string;
  readonly port: number;
  readonly stream: string;
  readonly epoch: number;
  readonly sink: TrunkSink;
  readonly receiver: TrunkReceiver;
  readonly handler: TrunkFrameHandler;
}

type ActiveJoin =
  | { readonly kind: "none" }
  | { readonly kind: "echo" }
  | { readonly kind: "local"; readonly target: MediaLegKey }
  | TrunkJoin;

const NO_JOIN: ActiveJoin = { kind: "none" };

export class JoinTable {
  readonly #options: MediaPlaneOptions;
  readonly #trunk: Trunk;
  readonly #legs: ReadonlyMap<MediaLegKey, MediaLeg>;
  readonly #wakeWatch: WakeWatch;
  readonly #joins = new Map<MediaLegKey, ActiveJoin>();

  constructor(
    options: MediaPlaneOptions,
    trunk: Trunk,
    legs: ReadonlyMap<MediaLegKey, MediaLeg>,
    wakeWatch: WakeWatch,
  ) {
    this.#options = options;
    this.#trunk = trunk;
    this.#legs = legs;
    this.#wakeWatch = wakeWatch;
  }

  isJoined(key: MediaLegKey): boolean {
    return (this.#joins.get(key) ?? NO_JOIN).kind !== "none";
  }

  join(leg: MediaLeg, join: MediaJoin, epoch: number): void {
    const current = this.#joins.get(leg.key) ?? NO_JOIN;
    const next = this.#activate(leg, join, epoch, current);
    if (next === current) return;
    this.#deactivate(current);
    this.#joins.set(leg.key, next);
    // Whoever feeds this leg from now on continues the numbering, even under an SSRC seen before.
    leg.stream?.unanchor();
    if (next.kind === "trunk") this.#trunk.setHandler(next.stream, next.handler);
  }

  remove(key: MediaLegKey): void {
    this.#deactivate(this.#joins.get(key) ?? NO_JOIN);
    this.#joins.delete(key);
  }

  /** A leg negotiated; its trunk carries that codec. */
  onAudio(leg: MediaLeg): void {
    const join = this.#joins.get(leg.key);
    if (join?.kind === "trunk") join.sink.setLegAudio(leg.audio);
  }

  /** Hot path: a packet that `leg` received. */
  readonly forward = (leg: MediaLeg, packet: Buffer, nowMs: number): void => {
    const join = this.#joins.get(leg.key);
    const source = leg.audio;
    if (join === undefined || join.kind === "none" || source === undefined) return;
    if (this.#wakeWatch.slept(nowMs)) return this.#options.count("media.overslept");
    if (join.kind === "trunk") {
      const outcome = relayPacket(packet, source, join.sink, nowMs);
      if (outcome === "sent") leg.counters.trunkPacketsSent += 1;
      else this.#countDrop(outcome);
      return;
    }
    const sink = join.kind === "echo" ? leg : this.#legs.get(join.target);
    const outcome = sink === undefined ? "sink-not-ready" : relayPacket(packet, source, sink, nowMs);
    if (outcome !== "sent") this.#countDrop(outcome);
  };

  #countDrop(outcome: RelayOutcome): void {
    this.#options.count(`media.${outcome}`);
  }

  /** The join to use; `current` itself when it says the same already, so that repeats keep keys and numbering. */
  #activate(leg: MediaLeg, join: MediaJoin, epoch: number, current: ActiveJoin): ActiveJoin {
    switch (join.kind) {
      case "none":
        return current.kind === "none" ? current : NO_JOIN;
      case "echo":
        return current.kind === "echo" ? current : { kind: "echo" };
      case "local": {
        const target = siblingKey(leg.key, join.leg);
        return current.kind === "local" && current.target === target ? current : { kind: "local", target };
      }
      case "trunk":
        return this.#activateTrunk(leg, join, epoch, current);
      default:
        return join satisfies never;
    }
  }

  #activateTrunk(leg: MediaLeg, join: MediaJoin & { kind: "trunk" }, epoch: number, current: ActiveJoin): ActiveJoin {
    const { gateway, host, port } = join;
    const stream = join.stream.toLowerCase();
    if (
      current.kind === "trunk" &&
      current.gateway === gateway &&
      current.host === host &&
      current.port === port &&
      current.stream === stream &&
      current.epoch === epoch
    )
      return current;
    const streamId = parseStreamId(stream);
    if (streamId === undefined || parseGatewayId(gateway) === undefined) {
      this.#options.count("media.bad-join");
      return current;
    }
    const options = {
      fleetKey: this.#options.fleetKey,
      stream,
      streamId,
      localGateway: this.#options.gateway,
      remoteGateway: gateway,
      epoch,
      nowMs: this.#options.clock.nowMs(),
      send: (frame: Buffer) => this.#trunk.send(frame, port, host),
    };
    const sink = new TrunkSink(options);
    sink.setLegAudio(leg.audio);
    // The same sender keeps its epoch: frames that were stale stay stale.
    const known = current.kind === "trunk" && current.gateway === gateway && current.stream === stream;
    const receiver = known ? current.receiver : new TrunkReceiver(options);
    const handler = (frame: Buffer): void => this.#fromTrunk(leg.key, frame, receiver, sink);
    return { kind: "trunk", gateway, host, port, stream, epoch, sink, receiver, handler };
  }

  #fromTrunk(key: MediaLegKey, frame: Buffer, receiver: TrunkReceiver, sink: TrunkSink): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#wakeWatch.slept(nowMs)) return this.#options.count("media.overslept");
    const packet = receiver.open(frame, nowMs);
    if (packet === undefined) {
      this.#options.count(`trunk.${receiver.refusal}`);
      return;
    }
    const leg = this.#legs.get(key);
    const source: NegotiatedAudio | undefined = sink.audio;
    if (leg === undefined || source === undefined) {
      this.#countDrop("sink-not-ready");
      return;
    }
    leg.counters.trunkPacketsReceived += 1;
    const outcome = relayPacket(packet, source, leg, nowMs);
    if (outcome !== "sent") this.#countDrop(outcome);
  }

  #deactivate(join: ActiveJoin): void {
    if (join.kind === "trunk") this.#trunk.removeHandler(join.stream, join.handler);
  }
}

/** `${CallToken}.${LegId}` of another leg of the same call. */
function siblingKey(key: MediaLegKey, leg: string): MediaLegKey {
  return `${key.slice(0, key.lastIndexOf("."))}.${leg}`;
}
