/** What a leg's new gateway is told to do (docs/design/capsule.md). */
import { ADOPTION_LEASE_STEP } from "#protocol/capsule";
import { answerReoffer, cancelBrowser, offerToBrowser } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg, PhoneLeg } from "./call-state.ts";
import { openEarly } from "./early-media.ts";
import { markEnded } from "./hang-up.ts";
import { capsuleToAdopt, unansweredCapsule } from "./leg-capsule.ts";
import type { RingGroup } from "./ring-group-state.ts";
import { RING_LIMIT_MS, groupOf } from "./ring-group.ts";
import { invitePhone, nextCalleeLeg, ringTimeLeft } from "./ring-route.ts";

/** Signalling and media of a phone go to the gateway that holds the leg now. */
export function adoptPhone(draft: CallDraft, leg: PhoneLeg): void {
  const waiting = leg.stage === "calling" || leg.stage === "ringing";
  if (leg.side === "callee" && waiting) {
    const group = groupOf(draft, leg);
    if (group !== undefined) ringAgain(draft, group, leg);
    return;
  }
  const capsule = capsuleToAdopt(leg);
  if (capsule === undefined) return;
  draft.command(leg, {
    kind: "adopt-leg",
    leg: leg.leg,
    capsule,
    codecs: leg.codec === undefined ? draft.state.codecs : [leg.codec],
    ringTimeoutMs: RING_LIMIT_MS,
    headers: [],
  });
  openEarly(draft, leg);
}

/** A ringing phone: CANCEL by the old branch, and a fresh INVITE that the new gateway can be answered on. */
function ringAgain(draft: CallDraft, group: RingGroup, leg: PhoneLeg): void {
  const old = leg.invitation;
  if (old === undefined) return;
  draft.command(leg, {
    kind: "adopt-leg",
    leg: leg.leg,
    // A phone finds the INVITE to cancel by its whole Via (RFC 3261 section 17.2.3), which the old gateway told once it rang.
    capsule: leg.capsule ?? unansweredCapsule(old),
    codecs: group.codecs,
    oldViaBranch: old.viaBranch,
    ringTimeoutMs: ringTimeLeft(draft, group),
    headers: [],
  });
  const fresh: PhoneLeg = {
    ...leg,
    leg: nextCalleeLeg(draft),
    stage: "calling",
    adoption: undefined,
    capsule: undefined,
  };
  markEnded(draft, leg);
  draft.state.legs.push(fresh);
  draft.log("leg.inviting", { leg: fresh.leg, gateway: fresh.holder, detail: `again, in place of ${leg.leg}` });
  invitePhone(draft, group, fresh, old);
}

/** Only the media of a browser moves: keys and all when its DTLS had ended, from the beginning otherwise. */
export function adoptBrowser(draft: CallDraft, leg: BrowserLeg): void {
  if (leg.side === "callee" && (leg.stage === "calling" || leg.stage === "ringing"))
    return ringBrowserAgain(draft, leg);
  // What the dead gateway was to answer is offered by the adopter anew; the browser tries again after it.
  answerReoffer(draft, leg, 491);
  leg.sdpVersion += 1;
  if (leg.media !== undefined && leg.dialog !== undefined) {
    draft.command(leg, { kind: "adopt-webrtc-leg", leg: leg.leg, media: leg.media, sdpVersion: leg.sdpVersion });
    // The adopter begins at once: its first step is spent even if its first message is lost.
    const { outgoing } = leg.media;
    leg.media = { ...leg.media, outgoing: { ...outgoing, indexLimit: outgoing.indexLimit + ADOPTION_LEASE_STEP } };
    return;
  }
  if (openEarly(draft, leg)) return;
  const offered = leg.side === "caller" && leg.stage === "ringing" ? leg.remoteSdp : undefined;
  const codecs = leg.codec === undefined ? draft.state.codecs : [leg.codec];
  draft.command(leg, {
    kind: "open-webrtc-leg",
    leg: leg.leg,
    ...(offered === undefined ? {} : { remoteSdp: offered }),
    codecs,
    ssrc: draft.context.randomUint32(),
  });
}

/** An offer under way cannot be changed: the ringing browser is cancelled and rung again with the new gateway's. */
function ringBrowserAgain(draft: CallDraft, leg: BrowserLeg): void {
  const fresh: BrowserLeg = {
    ...leg,
    leg: nextCalleeLeg(draft),
    stage: "calling",
    adoption: undefined,
    invite: undefined,
    sdpVersion: 1,
  };
  cancelBrowser(draft, leg);
  markEnded(draft, leg);
  draft.state.legs.push(fresh);
  draft.log("leg.opening", { leg: fresh.leg, gateway: fresh.holder, detail: `again, in place of ${leg.leg}` });
  const ssrc = draft.context.randomUint32();
  const codecs = groupOf(draft, leg)?.codecs ?? draft.state.codecs;
  draft.command(fresh, { kind: "open-webrtc-leg", leg: fresh.leg, codecs, ssrc });
}

/** SDP for a browser leg that moved. */
export function offerMove(draft: CallDraft, leg: BrowserLeg, localSdp: string): void {
  if (leg.media !== undefined) leg.media = { ...leg.media, localSdp };
  offerToBrowser(draft, leg, localSdp);
}
