import { parseEndpointId } from "#protocol/ids";
import { findBrowserSocket } from "../../domain/calls/browser-socket.ts";
import type { BrowserSocket } from "../../domain/calls/browser-socket.ts";
import type { CallEffect } from "../../domain/calls/call-input.ts";
import type { CallState } from "../../domain/calls/call-state.ts";
import type { CallSurroundings } from "./call-surroundings.ts";

/** Where a browser is by now whose socket is gone; `over`: nothing is left to be said to this leg. */
export async function findSocket(
  surroundings: CallSurroundings,
  state: CallState,
  effect: Extract<CallEffect, { kind: "send-sip" }>,
): Promise<BrowserSocket | "over" | undefined> {
  const leg = state.legs.find((entry) => entry.leg === effect.leg);
  if (leg?.kind !== "browser") return "over";
  if (leg.stage === "ended" && leg.pending?.text !== effect.text) return "over";
  // The page that had it is gone, and took its call up again.
  if (leg.stage === "ended" && state.legs.some(({ replaces }) => replaces === leg.leg)) return "over";
  if (leg.socket !== effect.socket) return { bridge: leg.bridge, socket: leg.socket };
  const identity = parseEndpointId(leg.identity);
  if (identity === undefined) return undefined;
  const { routes } = await surroundings.locate(state, identity);
  return findBrowserSocket(leg, routes, effect.socket);
}
