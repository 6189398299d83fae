/**
 * A phone is told that its call is over: BYE, CANCEL or a final refusal. It is owed that also when its gateway died before it
 * could, and then another one says it with the leg's capsule.
 */
import type { GatewayId } from "#protocol/ids";
import type { CallDraft } from "./call-draft.ts";
import type { CallState, Farewell, GatewayParty, PhoneLeg } from "./call-state.ts";
import { capsuleToAdopt, unansweredCapsule } from "./leg-capsule.ts";

/** A phone that could not be told for so long has found out by itself. */
const OWED_MS = 32_000;
const RETRY_MS = 150;

/** `lost`: the gateway whose death left the leg without one, if that is so. */
export function bidFarewell(draft: CallDraft, leg: PhoneLeg, farewell: Farewell, lost: GatewayId | undefined): void {
  leg.farewell = farewell;
  if (!draft.command(leg, farewell)) bidThroughAnother(draft, leg, lost);
}

/** The gateway is dead: whom it was to tell and has not, as far as is known. */
export function repeatFarewells(draft: CallDraft, dead: GatewayParty): void {
  for (const leg of draft.state.legs) {
    if (leg.kind !== "phone" || leg.stage !== "ended" || leg.holder !== dead.gateway) continue;
    const unsaid = dead.outbox.some(({ command }) => command.leg === leg.leg && command.kind === leg.farewell?.kind);
    leg.holder = undefined;
    if (unsaid) bidThroughAnother(draft, leg, dead.gateway);
    else leg.farewell = undefined;
  }
}

/** Whether a phone waits for a gateway that can tell it. */
export function owesFarewell({ legs }: CallState): boolean {
  return legs.some((leg) => leg.kind === "phone" && leg.holder === undefined && leg.farewell !== undefined);
}

/** Time to look again for a gateway for those that nobody could tell. */
export function retryFarewells(draft: CallDraft): void {
  for (const leg of draft.state.legs) {
    if (leg.kind !== "phone" || leg.holder !== undefined || leg.farewell === undefined) continue;
    if (draft.context.nowMs - (leg.endedAtMs ?? 0) < OWED_MS) bidThroughAnother(draft, leg, undefined);
    else leg.farewell = undefined;
  }
}

function bidThroughAnother(draft: CallDraft, leg: PhoneLeg, lost: GatewayId | undefined): void {
  const { farewell } = leg;
  if (farewell === undefined) return;
  const gateway = gatewayFor(draft, leg, lost);
  if (gateway === undefined) return void draft.effects.push({ kind: "retry-soon", afterMs: RETRY_MS });
  const cancels = farewell.kind === "cancel-leg";
  const capsule =
    cancels && leg.invitation !== undefined ? (leg.capsule ?? unansweredCapsule(leg.invitation)) : leg.capsule;
  if (capsule === undefined) return;
  draft.state.epoch += 1;
  leg.holder = gateway;
  leg.epoch = draft.state.epoch;
  draft.log("leg.farewell", { leg: leg.leg, gateway, detail: farewell.kind });
  draft.command(leg, {
    kind: "adopt-leg",
    leg: leg.leg,
    capsule: farewell.kind === "end-leg" ? (capsuleToAdopt({ ...leg, stage: "answered" }) ?? capsule) : capsule,
    codecs: draft.state.codecs,
    ...(cancels && leg.invitation !== undefined ? { oldViaBranch: leg.invitation.viaBranch } : {}),
    ringTimeoutMs: 0,
    headers: [],
    farewell: true,
  });
  if (!cancels) draft.command(leg, farewell);
}

/** A phone that accepts no other address hears its own gateway, once that is back. */
function gatewayFor(draft: CallDraft, leg: PhoneLeg, lost: GatewayId | undefined): GatewayId | undefined {
  const back = draft.context.fleet.some(({ gateway, state }) => gateway === lost && state === "up");
  return back ? lost : draft.context.nearestGateway(leg.region, lost === undefined ? [] : [lost]);
}
