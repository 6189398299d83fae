/** A conference room as a function: its host and its members. No clock, no storage. */
import type { CallToken } from "#protocol/ids";
import { ROOM_MEMBER_LIMIT } from "#protocol/media";
import type { RoomEntering, RoomEntrance, RoomHost } from "./room-object-api.ts";

interface RoomMember {
  readonly token: CallToken;
  readonly enteredAtMs: number;
}

export interface Room {
  readonly host: RoomHost;
  /** In the order in which they came. */
  readonly members: readonly RoomMember[];
}

/** The longest that a Dial may last. A call whose end was never told here has left by then. */
export const MEMBER_LEASE_MS = 24 * 3_600_000;

/** The host stays until somebody knows it dead; then it is the gateway of whoever says so first, for all. */
export function enterRoom(
  room: Room | undefined,
  { token, own, lost }: RoomEntering,
  nowMs: number,
): { readonly room: Room | undefined; readonly entrance: RoomEntrance } {
  const known = (room?.members ?? []).filter(({ enteredAtMs }) => nowMs - enteredAtMs < MEMBER_LEASE_MS);
  const inside = known.some((member) => member.token === token);
  if (!inside && known.length >= ROOM_MEMBER_LIMIT) return { room, entrance: { ok: false, code: "room-full" } };
  const members = inside ? known : [...known, { token, enteredAtMs: nowMs }];
  const standing = room !== undefined && known.length > 0 && !lost.includes(room.host.instance);
  const host = standing ? room.host : own;
  return { room: { host, members }, entrance: { ok: true, host } };
}

/** `undefined` when nobody is left. */
export function leaveRoom(room: Room | undefined, token: CallToken): Room | undefined {
  const members = room?.members.filter((member) => member.token !== token) ?? [];
  return room === undefined || members.length === 0 ? undefined : { ...room, members };
}
