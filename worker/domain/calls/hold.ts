/** Hold, as a call's log tells it. Gateways do what there is to do by themselves (docs/design/players-and-rooms.md, "Hold"). */
import { readAudioDescription } from "#sip/sdp/audio-description";
import type { CallDraft } from "./call-draft.ts";
import type { CallLeg } from "./call-state.ts";

/** The leg's peer sent another description than `before`. */
export function noteHold(draft: CallDraft, leg: CallLeg, before: string | undefined, now: string | undefined): void {
  if (before === undefined || now === undefined || before === now) return;
  const [held, holds] = [isHold(before), isHold(now)];
  if (held !== holds) draft.log(holds ? "leg.holds" : "leg.resumes", { leg: leg.leg, gateway: leg.holder });
}

function isHold(sdp: string): boolean {
  return readAudioDescription(sdp)?.held === true;
}
