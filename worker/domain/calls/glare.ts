/**
 * Glare: a browser and we offered at once, and each met the other with 491 (RFC 3261 section 14.1).
 *
 * DEVIATION (docs/compliance.md#3261-14.1): our offer comes again sooner than that section says.
 */
import { offerToBrowser } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg } from "./call-state.ts";

/** The browser's own pause is at least as long in nearly all cases, and it waits without audio. */
const RETRY_MS = 300;

/** The same offer again, a little later. */
export function offerAfterGlare(draft: CallDraft, leg: BrowserLeg): void {
  leg.offerWaiting = leg.localSdp;
  draft.log("leg.glare", { leg: leg.leg, gateway: leg.holder });
  draft.effects.push({ kind: "retry-soon", afterMs: RETRY_MS });
}

export function retryOffers(draft: CallDraft): void {
  for (const leg of draft.state.legs) {
    if (leg.kind !== "browser" || leg.stage === "ended" || leg.offerWaiting === undefined) continue;
    if (leg.pending === undefined && leg.reoffer === undefined) offerToBrowser(draft, leg, leg.offerWaiting);
  }
}
