/** What a gateway still has to do with a call. */
import type { GatewayId } from "#protocol/ids";
import { hasRoomAt } from "./call-room.ts";
import type { CallState } from "./call-state.ts";

/** Whether it carries a leg that lives, or the call's room. */
export function hasPart(state: CallState, gateway: GatewayId): boolean {
  return hasRoomAt(state, gateway) || state.legs.some((leg) => leg.holder === gateway && leg.stage !== "ended");
}
