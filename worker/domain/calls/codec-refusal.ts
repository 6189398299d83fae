/** 488 with its reason: nothing is transcoded, so both sides need one codec in common (RFC 3261 section 21.4.26). */
import { CODEC_PREFERENCE } from "#protocol/media";
import { warning } from "#sip/core/warning";
import type { CallDraft } from "./call-draft.ts";
import type { Refusal } from "./refusal.ts";
import type { RingGroup } from "./ring-group-state.ts";

const NOT_ACCEPTABLE = { status: 488, reason: "Not Acceptable Here" } as const;

/** The caller offers nothing that Nearside speaks. */
export function callerWithoutCodec(draft: CallDraft): Refusal {
  const text = `No codec in common: ${CODEC_PREFERENCE.join(" and ")} at 8 kHz are spoken here`;
  return { ...NOT_ACCEPTABLE, headers: [warning(305, draft.state.sipDomain, text)] };
}

/** The refusal of a callee, explained where it is about codecs. */
export function explained(draft: CallDraft, { codecs }: RingGroup, refusal: Refusal): Refusal {
  if (refusal.status !== 488 && refusal.status !== 606) return refusal;
  const text = `The other side takes none of ${codecs.join(", ")}, and nothing is transcoded`;
  return { ...refusal, headers: [warning(305, draft.state.sipDomain, text)] };
}
