/** Where a call's room is, and what becomes of that when gateways die: everybody meets again at another one. */
import { gatewayLost } from "./adoption.ts";
import { answerCaller } from "./answer.ts";
import type { CallDraft } from "./call-draft.ts";
import { isDead, lookAgain, seekRoom } from "./call-room.ts";
import { endCall } from "./hang-up.ts";
import { joinMedia } from "./join.ts";
import type { RoomHost } from "../rooms/room-object-api.ts";

/** A room that nobody found a host for in so long is over. */
const TROUBLE_LIMIT_MS = 32_000;

/** The room's place is known: a caller that still rings is answered, one that talks is joined. */
export function roomEntered(draft: CallDraft, host: RoomHost): void {
  const { room } = draft.state;
  if (room === undefined) return;
  if (draft.ended) return void draft.effects.push({ kind: "leave-room", name: room.name });
  // Whoever made it the host did not know yet, and this call does.
  if (isDead(draft, host)) return seekRoom(draft, [host.instance]);
  room.host = host;
  room.troubleSinceMs = undefined;
  draft.log("room.entered", { leg: draft.caller?.leg, gateway: host.gateway, detail: room.name });
  if (draft.caller?.codec === undefined) answerCaller(draft, draft.state.codecs[0] ?? "PCMU");
  else joinMedia(draft);
}

/** The Room object could not be asked. Who talks waits, who rings is refused. */
export function roomUnreachable(draft: CallDraft): void {
  if (draft.ended || draft.state.room === undefined) return;
  if (draft.caller?.codec !== undefined) return seekRoom(draft);
  endCall(draft, "failed", "room-unreachable", { status: 503, reason: "Service Unavailable", retryAfterSeconds: 5 });
}

/** Commands for the room's host wait: is it dead, or only away? Asked again until that is known. */
export function doubtRoomHost(draft: CallDraft): void {
  const { room } = draft.state;
  if (room?.host === undefined || draft.ended) return;
  room.troubleSinceMs ??= draft.context.nowMs;
  watchRoom(draft);
}

export function watchRoom(draft: CallDraft): void {
  const { room } = draft.state;
  if (room?.troubleSinceMs === undefined || draft.ended) return;
  const late = draft.context.nowMs - room.troubleSinceMs > TROUBLE_LIMIT_MS;
  const { host } = room;
  if (host === undefined) {
    if (late) endCall(draft, "failed", "room-lost");
    else seekRoom(draft);
    return;
  }
  const party = draft.state.parties.find(({ gateway }) => gateway === host.gateway);
  if (party !== undefined && isDead(draft, party)) return gatewayLost(draft, party.gateway, party.instance);
  // Its channel is back, or it will be told when it is.
  if (party === undefined || party.outbox.length === 0 || late) room.troubleSinceMs = undefined;
  else lookAgain(draft);
}
