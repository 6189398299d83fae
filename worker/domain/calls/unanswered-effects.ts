/** What a stored call has asked for and not been answered: asked again when its object was lost meanwhile. */
import type { CallEffect } from "./call-input.ts";
import type { CallState } from "./call-state.ts";

export function unansweredEffects(state: CallState): readonly CallEffect[] {
  const effects: CallEffect[] = [];
  if (state.request !== undefined) effects.push({ kind: "fetch", request: state.request });
  for (const { id, endedAtMs, targets } of state.groups) {
    if (endedAtMs !== undefined) continue;
    for (const { identity, located } of targets) {
      if (!located) effects.push({ kind: "locate", group: id, endpoint: identity });
    }
  }
  return effects;
}
