/** A gateway died: its legs move to another one (docs/design/capsule.md). */
import type { GatewayId, GatewayInstanceId } from "#protocol/ids";
import { adoptBrowser, adoptPhone } from "./adopt-leg.ts";
import type { CallDraft } from "./call-draft.ts";
import { hasRoomAt, seekRoom } from "./call-room.ts";
import type { BrowserLeg, CallLeg, PhoneLeg } from "./call-state.ts";
import { repeatFarewells, retryFarewells } from "./farewell.ts";
import { retryOffers } from "./glare.ts";
import { joinMedia } from "./join.ts";
import { dropReplacement, isReplacing } from "./replace.ts";
import { legIsGone } from "./ring-group.ts";

/** A leg that no gateway could take for so long is over. */
export const ADOPTION_LIMIT_MS = 32_000;
const RETRY_MS = 150;
const TRY_AGAIN_MS = 1_000;
/** A reachable phone has answered an adopter by then. */
const HEAD_START_MS = 250;
/** A supervisor has brought a dead gateway back by then, or it will take long. */
const HOME_WATCH_MS = 5_000;

/** Every leg that the dead instance carried gets a new holder, and the room that it mixed too, all under one new epoch. */
export function gatewayLost(draft: CallDraft, gateway: GatewayId, instance: GatewayInstanceId): void {
  const party = draft.state.parties.find((entry) => entry.gateway === gateway);
  if (party === undefined || party.instance !== instance) return;
  draft.state.parties = draft.state.parties.filter((entry) => entry !== party);
  repeatFarewells(draft, party);
  const orphans = draft.state.legs.filter((leg) => leg.holder === gateway && leg.stage !== "ended");
  const { room } = draft.state;
  const hosted = room !== undefined && hasRoomAt(draft.state, gateway);
  if (draft.ended || (orphans.length === 0 && !hosted)) return;
  draft.log("gateway.lost", { gateway, detail: `${orphans.length} legs${hosted ? " and a room" : ""}` });
  draft.state.epoch += 1;
  for (const leg of orphans) {
    if (isReplacing(leg)) {
      dropReplacement(draft, leg, 503);
      continue;
    }
    leg.holder = undefined;
    leg.adoption = { startedAtMs: draft.context.nowMs, from: gateway, tried: [], stranded: true };
  }
  const roomLost = hosted && room.host?.instance === instance ? [instance] : [];
  if (hosted) room.port = undefined;
  if (roomLost.length > 0 && room !== undefined) room.host = undefined;
  adoptStranded(draft);
  // By now the caller has its new gateway, which may become the room's.
  if (roomLost.length > 0) seekRoom(draft, roomLost);
  else if (hosted) joinMedia(draft);
}

/** Media that was to begin on a gateway which cannot be told: another one, without waiting for a proof. */
export function strandLeg(draft: CallDraft, leg: BrowserLeg, gateway: GatewayId): void {
  draft.state.epoch += 1;
  leg.holder = undefined;
  leg.adoption = { startedAtMs: draft.context.nowMs, from: gateway, tried: [gateway], stranded: true };
  adoptStranded(draft);
}

/** Finds a gateway for every leg that none carries. */
export function adoptStranded(draft: CallDraft): void {
  if (draft.ended) return;
  let moved = false;
  for (const leg of draft.state.legs) {
    if (leg.adoption?.stranded === true && leg.stage !== "ended") moved = adoptLeg(draft, leg) || moved;
  }
  if (moved) joinMedia(draft);
  if (!draft.ended && draft.state.legs.some((leg) => leg.stage !== "ended" && isWatched(draft, leg))) {
    draft.effects.push({ kind: "retry-soon", afterMs: RETRY_MS });
  }
}

/** Stranded legs wait for a gateway; a phone that does not answer its adopter may be waiting for its own one. */
function isWatched(draft: CallDraft, leg: CallLeg): boolean {
  if (leg.adoption === undefined) return false;
  const young = draft.context.nowMs - leg.adoption.startedAtMs < HOME_WATCH_MS;
  return leg.adoption.stranded || (leg.kind === "phone" && young);
}

/** Time to look again: legs go home whose own gateway is back, and stranded ones anywhere. */
export function retryAdoption(draft: CallDraft): void {
  for (const leg of draft.state.legs) {
    if (leg.kind === "phone" && mayGoHome(draft, leg)) leaveAdopter(draft, leg, "its own gateway is back");
  }
  retryFarewells(draft);
  retryOffers(draft);
  adoptStranded(draft);
}

/** A phone that accepts no other address (reachability of its NAT) is silent towards an adopter, and hears its own gateway. */
function mayGoHome(draft: CallDraft, leg: PhoneLeg): boolean {
  const { adoption, holder } = leg;
  if (adoption === undefined || adoption.stranded || holder === adoption.from || leg.stage === "ended") return false;
  const waitedMs = draft.context.nowMs - (adoption.orderedAtMs ?? draft.context.nowMs);
  return waitedMs >= HEAD_START_MS && !adoption.tried.includes(adoption.from) && isUp(draft, adoption.from);
}

function isUp(draft: CallDraft, gateway: GatewayId): boolean {
  return draft.context.fleet.some((entry) => entry.gateway === gateway && entry.state === "up");
}

function adoptLeg(draft: CallDraft, leg: CallLeg): boolean {
  const adoption = leg.adoption;
  if (adoption === undefined) return false;
  if (draft.context.nowMs - adoption.startedAtMs > ADOPTION_LIMIT_MS) {
    legIsGone(draft, leg, { outcome: "failed", cause: "gateway-lost" });
    return false;
  }
  const gateway = adopterOf(draft, leg) ?? firstAgain(draft, leg);
  if (gateway === undefined) return false;
  leg.holder = gateway;
  leg.epoch = draft.state.epoch;
  leg.adoption = { ...adoption, stranded: false, orderedAtMs: draft.context.nowMs };
  draft.log("leg.adopting", { leg: leg.leg, gateway });
  if (leg.kind === "phone") adoptPhone(draft, leg);
  else adoptBrowser(draft, leg);
  return true;
}

/** Every gateway failed once: the phone may have registered anew since, so the round begins again. */
function firstAgain(draft: CallDraft, leg: CallLeg): GatewayId | undefined {
  const adoption = leg.adoption;
  if (adoption?.lastTriedAtMs === undefined || draft.context.nowMs - adoption.lastTriedAtMs < TRY_AGAIN_MS)
    return undefined;
  leg.adoption = { ...adoption, tried: [], lastTriedAtMs: undefined };
  return adopterOf(draft, leg);
}

/** The nearest live gateway that has not failed yet; the leg's own one again once it lives as a new instance. */
function adopterOf(draft: CallDraft, leg: CallLeg): GatewayId | undefined {
  const adoption = leg.adoption;
  if (adoption === undefined) return undefined;
  const { from, tried } = adoption;
  const restarted = isUp(draft, from);
  if (restarted && tried.length > 0 && !tried.includes(from)) return from;
  return draft.context.nearestGateway(leg.region, restarted ? tried : [...tried, from]);
}

/** The peer of a phone leg accepted the new gateway, or a browser answered the new offer. */
export function legAdopted(draft: CallDraft, leg: CallLeg): void {
  if (leg.adoption === undefined) return;
  draft.log("leg.adopted", {
    leg: leg.leg,
    gateway: leg.holder,
    detail: `after ${draft.context.nowMs - leg.adoption.startedAtMs} ms`,
  });
  leg.adoption = undefined;
}

/** The gateway that tried could not reach the peer: the next one, or this one again after a restart. */
export function adoptionFailed(draft: CallDraft, leg: CallLeg, reason: string): void {
  if (leg.adoption === undefined || leg.holder === undefined) return;
  leaveAdopter(draft, leg, reason);
  adoptStranded(draft);
}

function leaveAdopter(draft: CallDraft, leg: CallLeg, reason: string): void {
  const { adoption, holder } = leg;
  if (adoption === undefined || holder === undefined) return;
  draft.log("leg.adoption-failed", { leg: leg.leg, gateway: holder, detail: reason });
  draft.command(leg, { kind: "release-leg", leg: leg.leg });
  leg.adoption = {
    ...adoption,
    tried: [...adoption.tried, holder],
    lastTriedAtMs: draft.context.nowMs,
    stranded: true,
  };
  leg.holder = undefined;
  draft.state.epoch += 1;
}
