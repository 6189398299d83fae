/** One stream of the trunk at this gateway: what goes to the other gateway, and what comes from it. */
import { parseGatewayId } from "#protocol/ids";
import type { RoomPort } from "#protocol/media";
import type { MediaPlaneOptions } from "./media-plane-options.ts";
import type { Trunk } from "./trunk.ts";
import { parseStreamId } from "./trunk-frame.ts";
import { TrunkReceiver, TrunkSink } from "./trunk-stream.ts";
import type { WakeWatch } from "./wake-watch.ts";

/** The gateway at the other end, and the stream's name. */
export type TrunkPeer = RoomPort["trunk"];

export interface TrunkLinkParts {
  readonly options: MediaPlaneOptions;
  readonly trunk: Trunk;
  readonly wakeWatch: WakeWatch;
  readonly peer: TrunkPeer;
  /** Of the leg whose media this is: it names the sending key. */
  readonly epoch: number;
  /** The link that this one takes the place of. */
  readonly known: TrunkLink | undefined;
  /** A genuine packet in the clear, with the trunk's payload types. */
  readonly onPacket: (packet: Buffer, sink: TrunkSink, nowMs: number) => void;
}

export class TrunkLink {
  readonly sink: TrunkSink;
  readonly #parts: TrunkLinkParts;
  readonly #stream: string;
  readonly #receiver: TrunkReceiver;

  /** `undefined` when the peer is no gateway or the stream has no proper name. */
  static create(parts: TrunkLinkParts): TrunkLink | undefined {
    const { options, peer } = parts;
    const streamId = parseStreamId(peer.stream);
    if (streamId === undefined || parseGatewayId(peer.gateway) === undefined) {
      options.count("media.bad-join");
      return undefined;
    }
    return new TrunkLink(parts, streamId);
  }

  private constructor(parts: TrunkLinkParts, streamId: Buffer) {
    const { options, trunk, peer, epoch, known } = parts;
    this.#parts = parts;
    this.#stream = peer.stream.toLowerCase();
    const streamOptions = {
      fleetKey: options.fleetKey,
      stream: this.#stream,
      streamId,
      localGateway: options.gateway,
      remoteGateway: peer.gateway,
      epoch,
      nowMs: options.clock.nowMs(),
      send: (frame: Buffer) => trunk.send(frame, peer.port, peer.host),
    };
    this.sink = new TrunkSink(streamOptions);
    // The same sender keeps its epoch: frames that were stale stay stale.
    this.#receiver = known?.hears(peer) === true ? known.#receiver : new TrunkReceiver(streamOptions);
  }

  /** True when this link is to `peer` as it is described now. */
  serves(peer: TrunkPeer, epoch: number): boolean {
    const { peer: own, epoch: ownEpoch } = this.#parts;
    return this.hears(peer) && own.host === peer.host && own.port === peer.port && ownEpoch === epoch;
  }

  hears(peer: TrunkPeer): boolean {
    return this.#parts.peer.gateway === peer.gateway && this.#stream === peer.stream.toLowerCase();
  }

  open(): void {
    this.#parts.trunk.setHandler(this.#stream, this.#receive);
  }

  close(): void {
    this.#parts.trunk.removeHandler(this.#stream, this.#receive);
  }

  readonly #receive = (frame: Buffer): void => {
    const { options, wakeWatch, onPacket } = this.#parts;
    const nowMs = options.clock.nowMs();
    if (wakeWatch.slept(nowMs)) return options.count("media.overslept");
    const packet = this.#receiver.open(frame, nowMs);
    if (packet === undefined) options.count(`trunk.${this.#receiver.refusal}`);
    else onPacket(packet, this.sink, nowMs);
  };
}
