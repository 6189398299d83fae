/** Which way media goes: leg to leg on one gateway, over the trunk between two, or between the caller and its own gateway. */
import type { GatewayId } from "#protocol/ids";
import type { MediaJoin } from "#protocol/media";
import type { CallDraft } from "./call-draft.ts";
import { joinRoom } from "./call-room.ts";
import type { CallLeg, CallLink } from "./call-state.ts";
import { heardCallee, isTalking, ringbackInstead } from "./heard-callee.ts";

/** Tells the gateways of both talking legs where their media goes. Harmless to repeat; done again after each move. */
export function joinMedia(draft: CallDraft): void {
  const { transfer } = draft.state;
  if (transfer?.waiting !== undefined) {
    joinAlone(draft, draft.leg(transfer.stays), transfer.waiting);
    return joinAlone(draft, draft.leg(transfer.by), { kind: "none" });
  }
  const caller = draft.caller;
  if (caller === undefined || caller.stage === "ended") return;
  const callee = isTalking(draft) ? draft.winner : heardCallee(draft);
  if (callee === undefined || callee.stage === "ended") {
    const { room, link } = draft.state;
    const join = ringbackInstead(draft) ?? draft.state.callerMedia;
    if (link !== undefined) joinPartner(draft, caller, link);
    else if (room !== undefined) joinRoom(draft, caller, room);
    else if (join !== undefined) joinAlone(draft, caller, join);
    return;
  }
  joinTo(draft, caller, callee);
  joinTo(draft, callee, caller);
}

function joinAlone(draft: CallDraft, leg: CallLeg | undefined, join: MediaJoin): void {
  if (leg !== undefined && leg.stage !== "ended") draft.command(leg, { kind: "join-leg", leg: leg.leg, join });
}

/** The other party's leg is another call's: beside this one, or at another gateway. */
function joinPartner(draft: CallDraft, leg: CallLeg, { token, stream, there }: CallLink): void {
  if (leg.holder === undefined || there.gateway === undefined) return;
  const join =
    leg.holder === there.gateway
      ? ({ kind: "local", leg: there.leg, call: token } as const)
      : trunkTo(draft, there.gateway, stream);
  if (join !== undefined) joinAlone(draft, leg, join);
}

function trunkTo(draft: CallDraft, holder: GatewayId, stream: string): MediaJoin | undefined {
  const gateway = draft.context.fleet.find((entry) => entry.gateway === holder);
  return gateway === undefined
    ? undefined
    : { kind: "trunk", gateway: gateway.gateway, host: gateway.host, port: gateway.trunkPort, stream };
}

function joinTo(draft: CallDraft, leg: CallLeg, peer: CallLeg): void {
  const join = joinBetween(draft, leg, peer);
  if (join !== undefined) draft.command(leg, { kind: "join-leg", leg: leg.leg, join });
}

function joinBetween(draft: CallDraft, leg: CallLeg, peer: CallLeg): MediaJoin | undefined {
  if (leg.holder === undefined || peer.holder === undefined) return undefined;
  if (leg.holder === peer.holder) return { kind: "local", leg: peer.leg };
  return trunkTo(draft, peer.holder, draft.state.trunkStream);
}
