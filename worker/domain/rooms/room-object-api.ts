/** What a Room object may be asked: which gateway mixes a conference room, and who is in it. */
import type { CallToken, GatewayId, GatewayInstanceId } from "#protocol/ids";

/** The gateway that mixes a room: one run of it, since a room is gone with its process. */
export interface RoomHost {
  readonly gateway: GatewayId;
  readonly instance: GatewayInstanceId;
}

export interface RoomEntering {
  /** The member: a call has one place in a room, however often it enters. */
  readonly token: CallToken;
  /** Mixes the room when nobody does: the member's own gateway. */
  readonly own: RoomHost;
  /** Instances that the member knows to be dead; none of them can be the host. */
  readonly lost: readonly GatewayInstanceId[];
}

export type RoomEntrance =
  | { readonly ok: true; readonly host: RoomHost }
  | { readonly ok: false; readonly code: "room-full" };

export interface RoomObjectApi {
  /** Also for a member that is inside: it learns where the room is now. */
  enter(input: RoomEntering): Promise<RoomEntrance>;
  /** Safe to repeat. */
  leave(input: { readonly token: CallToken }): Promise<void>;
}
