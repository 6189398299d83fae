/** A call that the release before this one stored: what it rang had no group yet. */
import { parseEndpointId } from "#protocol/ids";
import type { CallState } from "./call-state.ts";
import type { RingGroup } from "./ring-group-state.ts";

export type StoredCallState = Omit<CallState, "groups"> & { readonly groups?: CallState["groups"] };

const RING_LIMIT_MS = 60_000;
const ONLY_GROUP = 1;

export function callOfLastRelease(stored: StoredCallState): CallState {
  if (stored.groups !== undefined) return { ...stored, groups: stored.groups };
  const callees = stored.legs.filter(({ side }) => side === "callee");
  const identity = parseEndpointId(callees[0]?.identity);
  if (identity === undefined) return { ...stored, groups: [] };
  const group: RingGroup = {
    id: ONLY_GROUP,
    purpose: { kind: "call" },
    targets: [{ identity, located: true }],
    codecs: stored.codecs,
    ringUntilMs: stored.createdAtMs + RING_LIMIT_MS,
    ...(stored.winner === undefined ? {} : { winner: stored.winner }),
    ...(stored.endedAtMs === undefined ? {} : { endedAtMs: stored.endedAtMs }),
  };
  return {
    ...stored,
    groups: [group],
    legs: stored.legs.map((leg) => (leg.side === "callee" ? { ...leg, group: ONLY_GROUP } : leg)),
  };
}
