/** How legs and calls end. */
import type { CallStatus } from "./call-object-api.ts";
import type { Refusal } from "./refusal.ts";
import type { CallDraft } from "./call-draft.ts";
import { leaveRoom } from "./call-room.ts";
import type { CallLeg, Farewell } from "./call-state.ts";
import { bidFarewell } from "./farewell.ts";
import { notifyTransfer } from "./refer-notify.ts";
import { cancelBrowser, byeBrowser, refuseBrowser } from "./browser-signalling.ts";

const REQUEST_TERMINATED: Refusal = { status: 487, reason: "Request Terminated" };

/** Ends the call once; every later reason is ignored. `refusal` goes to a caller that was not answered. */
export function endCall(
  draft: CallDraft,
  status: CallStatus,
  cause: string,
  refusal: Refusal = REQUEST_TERMINATED,
): void {
  if (draft.ended) return;
  draft.state.endedAtMs = draft.context.nowMs;
  draft.state.endCause = cause;
  draft.setStatus(status);
  draft.log("call.ended", { detail: cause });
  const { transfer } = draft.state;
  if (transfer !== undefined) notifyTransfer(draft, transfer, REQUEST_TERMINATED.status, REQUEST_TERMINATED.reason);
  draft.state.transfer = undefined;
  for (const leg of draft.state.legs) hangUp(draft, leg, refusal);
  for (const group of draft.state.groups) {
    group.endedAtMs ??= draft.context.nowMs;
    group.news = undefined;
  }
  leaveRoom(draft);
  draft.record();
}

/** Ends a leg towards its peer, as its stage asks for; an ended one stays as it is. */
export function hangUp(
  draft: CallDraft,
  leg: CallLeg,
  refusal: Refusal = REQUEST_TERMINATED,
  reasonHeader?: string,
): void {
  const { stage, adoption } = leg;
  if (stage === "ended") return;
  markEnded(draft, leg);
  const early = stage === "calling" || stage === "ringing";
  if (leg.kind === "phone") {
    return bidFarewell(draft, leg, farewellOf(leg, early, { refusal, reasonHeader }), adoption?.from);
  }
  if (!early) byeBrowser(draft, leg);
  else if (leg.side === "caller") refuseBrowser(draft, leg, refusal);
  else cancelBrowser(draft, leg, reasonHeader);
  releaseMedia(draft, leg);
}

function farewellOf(
  { leg, side }: CallLeg,
  early: boolean,
  { refusal, reasonHeader }: { readonly refusal: Refusal; readonly reasonHeader: string | undefined },
): Farewell {
  if (!early) return { kind: "end-leg", leg };
  return side === "caller"
    ? { kind: "reject-leg", leg, ...refusal }
    : { kind: "cancel-leg", leg, reason: reasonHeader };
}

/** Marks a leg as ended without a word to its peer. */
export function markEnded(draft: CallDraft, leg: CallLeg): void {
  leg.stage = "ended";
  leg.endedAtMs = draft.context.nowMs;
  leg.adoption = undefined;
}

/** A browser's gateway holds only its media. */
export function releaseMedia(draft: CallDraft, leg: CallLeg): void {
  if (leg.kind === "browser") draft.command(leg, { kind: "release-leg", leg: leg.leg });
}
