/** What a gateway still has to do with a call. */
import type { CallEvent } from "#protocol/call-messages";
import type { GatewayId } from "#protocol/ids";
import type { GatewayAddress } from "./call-object-api.ts";
import { hasRoomAt } from "./call-room.ts";
import type { CallState } from "./call-state.ts";

/** A gateway that had no part in the call brings a phone that is to take another one's place. */
export function admitGateway(state: CallState, from: GatewayAddress, { kind }: CallEvent): void {
  const { gateway, instance, region, channel } = from;
  if (kind !== "replace-received" || state.parties.some((party) => party.gateway === gateway)) return;
  state.parties.push({ gateway, instance, region, channel, lastEvent: 0, lastCommand: 0, outbox: [] });
}

/** Whether it carries a leg that lives, or the call's room. */
export function hasPart(state: CallState, gateway: GatewayId): boolean {
  return hasRoomAt(state, gateway) || state.legs.some((leg) => leg.holder === gateway && leg.stage !== "ended");
}
