/** The rooms that are mixed here. A room begins with its first member and ends with its last. */
import type { FrameScheduler } from "../frame-scheduler.ts";
import type { MediaContext } from "../media-plane-options.ts";
import { Room } from "./room.ts";
import { RoomMember, type RoomMemberParts } from "./room-member.ts";

export class RoomTable {
  readonly #context: Pick<MediaContext, "count">;
  readonly #scheduler: FrameScheduler;
  readonly #rooms = new Map<string, Room>();

  constructor(context: Pick<MediaContext, "count">, scheduler: FrameScheduler) {
    this.#context = context;
    this.#scheduler = scheduler;
  }

  /** The new member, or `undefined` when the room is full. */
  enter(name: string, sink: RoomMemberParts["sink"]): RoomMember | undefined {
    const room = this.#rooms.get(name) ?? new Room();
    const member = new RoomMember({ sink, count: this.#context.count });
    if (!room.enter(member)) {
      this.#context.count("media.room-full");
      return undefined;
    }
    if (room.size === 1) {
      this.#rooms.set(name, room);
      this.#scheduler.add(room);
    }
    return member;
  }

  leave(name: string, member: RoomMember): void {
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    room.leave(member);
    if (room.size > 0) return;
    this.#rooms.delete(name);
    this.#scheduler.remove(room);
  }
}
