/** Touch tones between the two who talk, and the place where a call hears of each key that was pressed. */
import type { CallEvent } from "#protocol/call-messages";
import { clampToneMs } from "#protocol/touch-tone";
import type { TouchTone } from "#protocol/touch-tone";
import { DTMF_RELAY_TYPE, dtmfRelayBody } from "#sip/core/dtmf-info";
import { readAudioDescription } from "#sip/sdp/audio-description";
import { informBrowser } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { CallLeg } from "./call-state.ts";
import { heardCallee, isTalking } from "./heard-callee.ts";
import { endGroup, groupOf } from "./ring-group.ts";

type Pressed = Pick<Extract<CallEvent, { kind: "digit-received" }>, "digit" | "source" | "durationMs">;

const LOGGED = "leg.digits";

/** Each key once, whichever way it came. */
export function digitReceived(draft: CallDraft, leg: CallLeg, pressed: Pressed): void {
  if (leg.stage === "ended" || draft.ended) return;
  noteDigit(draft, leg);
  const peer = peerOf(draft, leg);
  if (peer === undefined || peer.stage === "ended" || hangsUp(draft, leg, peer, pressed.digit)) return;
  // Gateways relay telephone-events from leg to leg where both have them.
  if (pressed.source === "rtp" && takesEvents(peer)) return;
  deliver(draft, peer, pressed);
}

function deliver(draft: CallDraft, peer: CallLeg, { digit, durationMs }: Pressed): void {
  const lastsMs = clampToneMs(durationMs);
  if (peer.kind === "phone" || takesEvents(peer))
    draft.command(peer, { kind: "send-digit", leg: peer.leg, digit, durationMs: lastsMs });
  else informBrowser(draft, peer, DTMF_RELAY_TYPE, dtmfRelayBody(digit, lastsMs));
}

/** `hangupOnStar` of a Dial: the caller parts with the callee, and its document goes on. */
function hangsUp(draft: CallDraft, leg: CallLeg, callee: CallLeg, digit: TouchTone): boolean {
  const group = groupOf(draft, callee);
  if (digit !== "*" || leg !== draft.caller || group?.purpose.kind !== "dial" || group.winner !== callee.leg)
    return false;
  if (group.purpose.hangupOnStar === true) endGroup(draft, group, { outcome: "completed", cause: "caller-star" });
  return group.purpose.hangupOnStar === true;
}

/** Whom the leg talks to. */
function peerOf(draft: CallDraft, leg: CallLeg): CallLeg | undefined {
  const { caller } = draft;
  const callee = isTalking(draft) ? draft.winner : heardCallee(draft);
  if (leg === caller) return callee;
  return leg === callee ? caller : undefined;
}

/** What the peer's newest description says of telephone-event at 8 kHz. */
function takesEvents(leg: CallLeg): boolean {
  const remoteSdp = leg.kind === "phone" ? (leg.capsule?.media?.remoteSdp ?? leg.capsule?.remoteOffer) : leg.remoteSdp;
  return remoteSdp !== undefined && readAudioDescription(remoteSdp)?.telephoneEventPayloadType !== undefined;
}

/** How many keys and never which: they are often secrets. Those in a row share an entry. */
function noteDigit(draft: CallDraft, leg: CallLeg): void {
  leg.digits = (leg.digits ?? 0) + 1;
  const last = draft.state.log.at(-1);
  const about = { leg: leg.leg, gateway: leg.holder, detail: `${leg.digits} so far` };
  if (last?.event === LOGGED && last.leg === leg.leg)
    draft.state.log[draft.state.log.length - 1] = { ...last, ...about };
  else draft.log(LOGGED, about);
}
