/** Members of our rooms that other gateways hold: they come and go over the trunk. */
import type { CodecName, RoomPort } from "#protocol/media";
import type { MediaLegKey } from "../media-plane.ts";
import type { MediaPlaneOptions } from "../media-plane-options.ts";
import { trunkAudio } from "../packet-relay.ts";
import type { Trunk } from "../trunk.ts";
import { TrunkLink } from "../trunk-link.ts";
import type { WakeWatch } from "../wake-watch.ts";
import type { RoomMember } from "./room-member.ts";
import type { RoomTable } from "./room-table.ts";

interface OpenPort {
  readonly room: string;
  readonly codec: CodecName;
  readonly epoch: number;
  readonly link: TrunkLink;
  readonly member: RoomMember;
}

export interface RoomPortsParts {
  readonly options: MediaPlaneOptions;
  readonly trunk: Trunk;
  readonly wakeWatch: WakeWatch;
  readonly rooms: RoomTable;
}

export class RoomPorts {
  readonly #parts: RoomPortsParts;
  readonly #ports = new Map<MediaLegKey, OpenPort>();

  constructor(parts: RoomPortsParts) {
    this.#parts = parts;
  }

  open(key: MediaLegKey, { room, codec, trunk: peer }: RoomPort, epoch: number): void {
    const { options, trunk, wakeWatch, rooms } = this.#parts;
    const known = this.#ports.get(key);
    if (known !== undefined && epoch < known.epoch) {
      options.count("media.stale-epoch");
      return;
    }
    if (known?.room === room && known.codec === codec && known.link.serves(peer, epoch)) return;
    const audio = trunkAudio(codec);
    const link = TrunkLink.create({
      options,
      trunk,
      wakeWatch,
      peer,
      epoch,
      known: known?.link,
      onPacket: (packet, _sink, nowMs) => this.#ports.get(key)?.member.receive(packet, audio, nowMs),
    });
    if (link === undefined) return;
    if (known !== undefined) this.#end(key, known);
    const member = rooms.enter(room, () => link.sink);
    if (member === undefined) return;
    link.sink.setLegAudio(audio);
    link.open();
    this.#ports.set(key, { room, codec, epoch, link, member });
  }

  close(key: MediaLegKey, epoch: number): void {
    const port = this.#ports.get(key);
    if (port === undefined) return;
    if (epoch < port.epoch) this.#parts.options.count("media.stale-epoch");
    else this.#end(key, port);
  }

  closeAll(): void {
    for (const [key, port] of this.#ports) this.#end(key, port);
  }

  #end(key: MediaLegKey, port: OpenPort): void {
    port.link.close();
    this.#parts.rooms.leave(port.room, port.member);
    this.#ports.delete(key);
  }
}
