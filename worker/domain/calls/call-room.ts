/**
 * A call's part in a conference room (docs/design/players-and-rooms.md): where the room is mixed, and how the caller's media
 * gets there and back.
 */
import type { GatewayId, GatewayInstanceId } from "#protocol/ids";
import type { RoomHost } from "../rooms/room-object-api.ts";
import type { CallDraft } from "./call-draft.ts";
import type { CallLeg, CallRoom, CallState } from "./call-state.ts";

const LOOK_AGAIN_MS = 150;

/** Asks for the room; `room-entered` or `room-refused` comes of it. `false` when no gateway is up to mix it. */
export function enterRoom(draft: CallDraft, name: string, lost: readonly GatewayInstanceId[] = []): boolean {
  const { state, context, caller } = draft;
  state.room = { stream: context.randomHex(8), ...state.room, name };
  const gateway = caller?.holder ?? context.nearestGateway(state.region, []);
  const instance = context.fleet.find((entry) => entry.gateway === gateway)?.instance;
  if (gateway === undefined || instance === undefined) return false;
  const down = context.fleet.flatMap((entry) => (entry.state === "down" ? (entry.instance ?? []) : []));
  draft.effects.push({ kind: "enter-room", name, own: { gateway, instance }, lost: [...lost, ...down] });
  return true;
}

/** The room has no host that could be told: it is looked for until there is one. */
export function seekRoom(draft: CallDraft, lost: readonly GatewayInstanceId[] = []): void {
  const { room } = draft.state;
  if (room === undefined) return;
  room.host = undefined;
  room.troubleSinceMs ??= draft.context.nowMs;
  enterRoom(draft, room.name, lost);
  lookAgain(draft);
}

export function lookAgain(draft: CallDraft): void {
  draft.effects.push({ kind: "retry-soon", afterMs: LOOK_AGAIN_MS });
}

/** The caller's media to and from the room: inside its gateway, or over the trunk to a port at the host. */
export function joinRoom(draft: CallDraft, caller: CallLeg, room: CallRoom): void {
  const host = room.host?.gateway;
  if (host === undefined || caller.holder === undefined) return;
  const name = `${draft.state.account}/${room.name}`;
  if (room.port !== (caller.holder === host ? undefined : host)) closePort(draft, caller, room);
  if (caller.holder === host) {
    draft.command(caller, { kind: "join-leg", leg: caller.leg, join: { kind: "room", room: name } });
    return;
  }
  const [here, there] = [trunkEnd(draft, caller.holder, room), trunkEnd(draft, host, room)];
  // Nobody could say where the gateways are: with the next look at the fleet.
  if (here === undefined || there === undefined) return seekRoom(draft);
  const codec = caller.codec ?? draft.state.codecs[0] ?? "PCMU";
  room.port = host;
  draft.commandTo(host, { kind: "open-room-port", leg: caller.leg, port: { room: name, codec, trunk: here } });
  draft.command(caller, { kind: "join-leg", leg: caller.leg, join: { kind: "trunk", ...there, room: true } });
}

function trunkEnd(draft: CallDraft, gateway: GatewayId, { stream }: CallRoom) {
  const status = draft.context.fleet.find((entry) => entry.gateway === gateway);
  return status === undefined ? undefined : { gateway, host: status.host, port: status.trunkPort, stream };
}

function closePort(draft: CallDraft, caller: CallLeg, room: CallRoom): void {
  if (room.port !== undefined) draft.commandTo(room.port, { kind: "close-room-port", leg: caller.leg });
  room.port = undefined;
}

/** Another leg takes the place of the one that the port is for. */
export function closeRoomPort(draft: CallDraft, leg: CallLeg): void {
  const { room } = draft.state;
  if (room !== undefined) closePort(draft, leg, room);
}

/** The call is over: the room's host forgets it, and the room too. */
export function leaveRoom(draft: CallDraft): void {
  const { caller } = draft;
  const { room } = draft.state;
  if (room === undefined) return;
  if (caller !== undefined) closePort(draft, caller, room);
  draft.effects.push({ kind: "leave-room", name: room.name });
}

/** Whether this gateway has to do with the room of a call that lives, which it may without a leg of it. */
export function hasRoomAt({ room, endedAtMs }: CallState, gateway: GatewayId): boolean {
  return room !== undefined && endedAtMs === undefined && (room.host?.gateway === gateway || room.port === gateway);
}

/** As far as a fresh look at the fleet tells. */
export function isDead(draft: CallDraft, { gateway, instance }: RoomHost): boolean {
  const status = draft.context.fleet.find((entry) => entry.gateway === gateway);
  return status !== undefined && (status.instance !== instance || status.state === "down");
}
