import { DurableObject } from "cloudflare:workers";
import type { CallToken } from "#protocol/ids";
import { enterRoom, leaveRoom } from "../domain/rooms/room.ts";
import type { Room } from "../domain/rooms/room.ts";
import type { RoomEntering, RoomEntrance, RoomObjectApi } from "../domain/rooms/room-object-api.ts";
import type { Env } from "../env.ts";

const KEY = "room";

/** One conference room of an account: one document, and none while nobody is in it. */
export class RoomObject extends DurableObject<Env> implements RoomObjectApi {
  async enter(input: RoomEntering): Promise<RoomEntrance> {
    const { room, entrance } = enterRoom(this.#load(), input, Date.now());
    this.#save(room);
    return entrance;
  }

  async leave({ token }: { readonly token: CallToken }): Promise<void> {
    this.#save(leaveRoom(this.#load(), token));
  }

  #load(): Room | undefined {
    return this.ctx.storage.kv.get<Room>(KEY);
  }

  #save(room: Room | undefined): void {
    if (room === undefined) this.ctx.storage.kv.delete(KEY);
    else this.ctx.storage.kv.put<Room>(KEY, room);
  }
}
