import { describe, expect, it } from "vitest";
import type { CallToken, GatewayId, GatewayInstanceId } from "#protocol/ids";
import { ROOM_MEMBER_LIMIT } from "#protocol/media";
import type { RoomEntrance, RoomHost } from "../../../../../worker/domain/rooms/room-object-api.ts";
import { enterRoom, leaveRoom, MEMBER_LEASE_MS } from "../../../../../worker/domain/rooms/room.ts";
import type { Room } from "../../../../../worker/domain/rooms/room.ts";

const at = (gateway: string, run = 1): RoomHost => ({
  gateway: gateway as GatewayId,
  instance: `${gateway}-${run}` as GatewayInstanceId,
});
const member = (name: string): CallToken => name as CallToken;

class Gathering {
  room: Room | undefined;
  nowMs = 0;

  enter(name: string, own: RoomHost, ...lost: RoomHost[]): RoomEntrance {
    const input = { token: member(name), own, lost: lost.map(({ instance }) => instance) };
    const { room, entrance } = enterRoom(this.room, input, this.nowMs);
    this.room = room;
    return entrance;
  }

  leave(name: string): void {
    this.room = leaveRoom(this.room, member(name));
  }
}

describe("a room", () => {
  it("is mixed at the first member's gateway, for everybody who comes, and when the first has left", () => {
    const gathering = new Gathering();
    expect(gathering.enter("one", at("us-east"))).toEqual({ ok: true, host: at("us-east") });
    expect(gathering.enter("two", at("eu-west"))).toEqual({ ok: true, host: at("us-east") });
    gathering.leave("one");
    expect(gathering.enter("three", at("ap-south"))).toEqual({ ok: true, host: at("us-east") });
  });

  it("is nowhere when the last has left, and begins anew with the next", () => {
    const gathering = new Gathering();
    gathering.enter("one", at("us-east"));
    gathering.leave("one");
    gathering.leave("one");
    expect(gathering.room).toBeUndefined();
    expect(gathering.enter("two", at("eu-west"))).toEqual({ ok: true, host: at("eu-west") });
  });

  it("moves once when its host dies: to whoever says so first, and all others follow", () => {
    const gathering = new Gathering();
    for (const name of ["one", "two", "three"]) gathering.enter(name, at("us-east"));
    const dead = at("us-east");
    expect(gathering.enter("two", at("eu-west"), dead)).toEqual({ ok: true, host: at("eu-west") });
    expect(gathering.enter("one", at("ap-south"), dead)).toEqual({ ok: true, host: at("eu-west") });
    expect(gathering.enter("three", at("us-east", 2), dead)).toEqual({ ok: true, host: at("eu-west") });
    expect(gathering.room?.members.map(({ token }) => token)).toEqual(["one", "two", "three"]);
  });

  it("stays at a new run of its host when somebody is late to tell of the old one's death", () => {
    const gathering = new Gathering();
    gathering.enter("one", at("us-east"));
    gathering.enter("two", at("us-east"));
    expect(gathering.enter("one", at("us-east", 2), at("us-east"))).toEqual({ ok: true, host: at("us-east", 2) });
    expect(gathering.enter("two", at("eu-west"), at("us-east"))).toEqual({ ok: true, host: at("us-east", 2) });
  });

  it("has places for twenty; who is inside may enter again, and a place that is left is free", () => {
    const gathering = new Gathering();
    for (let count = 1; count <= ROOM_MEMBER_LIMIT; count += 1)
      expect(gathering.enter(`m${count}`, at("us-east")).ok).toBe(true);
    expect(gathering.enter("late", at("us-east"))).toEqual({ ok: false, code: "room-full" });
    expect(gathering.room?.members).toHaveLength(20);
    expect(gathering.enter("m1", at("us-east")).ok).toBe(true);
    gathering.leave("m2");
    expect(gathering.enter("late", at("us-east")).ok).toBe(true);
  });

  it("forgets a member whose end it was never told after a day, and a host that only such members had", () => {
    const gathering = new Gathering();
    gathering.enter("vanished", at("us-east"));
    gathering.nowMs = MEMBER_LEASE_MS - 1;
    expect(gathering.enter("one", at("eu-west"))).toEqual({ ok: true, host: at("us-east") });
    gathering.leave("one");
    gathering.nowMs = MEMBER_LEASE_MS;
    expect(gathering.enter("two", at("eu-west"))).toEqual({ ok: true, host: at("eu-west") });
    expect(gathering.room?.members.map(({ token }) => token)).toEqual(["two"]);
  });
});
