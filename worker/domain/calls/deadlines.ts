/** What a call does by itself when time passes. The times are in its state, so whoever wakes it may be gone meanwhile. */
import type { CallDraft } from "./call-draft.ts";
import type { CallState } from "./call-state.ts";
import { advance } from "./instructions.ts";
import type { RingGroup } from "./ring-group-state.ts";
import { endGroup } from "./ring-group.ts";

/** When the call wants to be woken; `undefined` when it has nothing to do by itself. */
export function nextDeadline(state: CallState): number | undefined {
  if (state.endedAtMs !== undefined) return undefined;
  const times = [...state.groups.map(deadlineOf), state.pauseUntilMs].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.min(...times);
}

function deadlineOf(group: RingGroup): number | undefined {
  if (group.endedAtMs !== undefined) return undefined;
  if (group.winner !== undefined) return group.talkUntilMs;
  return group.timed === true ? group.ringUntilMs : undefined;
}

/** Nobody answered in time, a talk has lasted as long as it may, a pause is over. */
export function passDeadlines(draft: CallDraft): void {
  const { state } = draft;
  const { nowMs } = draft.context;
  if (draft.ended) return;
  for (const group of state.groups) {
    if ((deadlineOf(group) ?? Infinity) > nowMs) continue;
    if (group.winner === undefined)
      endGroup(draft, group, {
        outcome: "no-answer",
        cause: "no-answer",
        refusal: { status: 408, reason: "Request Timeout" },
      });
    else endGroup(draft, group, { outcome: "completed", cause: "time-limit" });
  }
  if ((state.pauseUntilMs ?? Infinity) > nowMs) return;
  state.pauseUntilMs = undefined;
  advance(draft, { kind: "pause-ended" });
}
