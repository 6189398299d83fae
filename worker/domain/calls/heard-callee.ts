/** Whom the caller hears while nobody has answered (docs/design/early-media.md). */
import type { MediaJoin } from "#protocol/media";
import type { CallDraft } from "./call-draft.ts";
import type { CallLeg } from "./call-state.ts";

/** Somebody has answered, and is still there. */
export function isTalking({ winner }: CallDraft): boolean {
  return winner !== undefined && winner.stage !== "ended";
}

/** The callee that is heard before anybody has answered. */
export function heardCallee(draft: CallDraft): CallLeg | undefined {
  const { early } = draft.state;
  const leg = early === undefined || isTalking(draft) ? undefined : draft.leg(early.leg);
  return leg?.stage === "ended" ? undefined : leg;
}

/** The one who was heard is gone and others still ring: a caller that was promised audio hears a ringback. */
export function ringbackInstead(draft: CallDraft): MediaJoin | undefined {
  const { caller } = draft;
  const { early, createdAtMs } = draft.state;
  if (early === undefined || caller?.codec !== undefined || isTalking(draft)) return undefined;
  const country = draft.context.toneCountry(caller?.region ?? draft.state.region);
  return { kind: "player", source: `ringback-${country}`, loop: true, anchorMs: createdAtMs };
}
