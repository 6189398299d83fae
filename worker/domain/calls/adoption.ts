/** A gateway died: its legs move to another one (docs/design/capsule.md). */
import { ADOPTION_LEASE_STEP } from "#protocol/capsule";
import type { PhoneLegCapsule } from "#protocol/capsule";
import type { GatewayId, GatewayInstanceId } from "#protocol/ids";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg, CallLeg, PhoneInvitation, PhoneLeg } from "./call-state.ts";
import { endCall, markEnded } from "./hang-up.ts";
import { joinMedia } from "./join.ts";
import { RING_TIMEOUT_MS, invitePhone, nextCalleeLeg } from "./ring-route.ts";
import { answerReoffer, cancelBrowser, offerToBrowser } from "./browser-signalling.ts";

/** A leg that no gateway could take for so long is over. */
export const ADOPTION_LIMIT_MS = 32_000;
const RETRY_MS = 150;
const TRY_AGAIN_MS = 1_000;

/** Every leg that the dead instance carried gets a new holder, all under one new epoch. */
export function gatewayLost(draft: CallDraft, gateway: GatewayId, instance: GatewayInstanceId): void {
  const party = draft.state.parties.find((entry) => entry.gateway === gateway);
  if (party === undefined || party.instance !== instance) return;
  draft.state.parties = draft.state.parties.filter((entry) => entry !== party);
  const orphans = draft.state.legs.filter((leg) => leg.holder === gateway && leg.stage !== "ended");
  if (draft.ended || orphans.length === 0) return;
  draft.log("gateway.lost", { gateway, detail: `${orphans.length} legs` });
  draft.state.epoch += 1;
  for (const leg of orphans) {
    leg.holder = undefined;
    leg.adoption = { startedAtMs: draft.context.nowMs, from: gateway, tried: [], stranded: true };
  }
  adoptStranded(draft);
}

/** Media that was to begin on a gateway which cannot be told: another one, without waiting for a proof. */
export function strandLeg(draft: CallDraft, leg: BrowserLeg, gateway: GatewayId): void {
  draft.state.epoch += 1;
  leg.holder = undefined;
  leg.adoption = { startedAtMs: draft.context.nowMs, from: gateway, tried: [gateway], stranded: true };
  adoptStranded(draft);
}

/** Finds a gateway for every leg that none carries. */
export function adoptStranded(draft: CallDraft): void {
  if (draft.ended) return;
  let moved = false;
  for (const leg of draft.state.legs) {
    if (leg.adoption?.stranded === true && leg.stage !== "ended") moved = adoptLeg(draft, leg) || moved;
  }
  if (moved) joinMedia(draft);
  if (!draft.ended && draft.state.legs.some((leg) => leg.stage !== "ended" && leg.adoption?.stranded === true)) {
    draft.effects.push({ kind: "retry-soon", afterMs: RETRY_MS });
  }
}

function adoptLeg(draft: CallDraft, leg: CallLeg): boolean {
  const adoption = leg.adoption;
  if (adoption === undefined) return false;
  if (draft.context.nowMs - adoption.startedAtMs > ADOPTION_LIMIT_MS) {
    markEnded(draft, leg);
    endCall(draft, "failed", "gateway-lost");
    return false;
  }
  const gateway = adopterOf(draft, leg) ?? firstAgain(draft, leg);
  if (gateway === undefined) return false;
  leg.holder = gateway;
  leg.epoch = draft.state.epoch;
  leg.adoption = { ...adoption, stranded: false };
  draft.log("leg.adopting", { leg: leg.leg, gateway });
  if (leg.kind === "phone") adoptPhone(draft, leg);
  else adoptBrowser(draft, leg);
  return true;
}

/** Every gateway failed once: the phone may have registered anew since, so the round begins again. */
function firstAgain(draft: CallDraft, leg: CallLeg): GatewayId | undefined {
  const adoption = leg.adoption;
  if (adoption?.lastTriedAtMs === undefined || draft.context.nowMs - adoption.lastTriedAtMs < TRY_AGAIN_MS)
    return undefined;
  leg.adoption = { ...adoption, tried: [], lastTriedAtMs: undefined };
  return adopterOf(draft, leg);
}

/** The nearest live gateway that has not failed yet; the leg's own one again once it lives as a new instance. */
function adopterOf(draft: CallDraft, leg: CallLeg): GatewayId | undefined {
  const adoption = leg.adoption;
  if (adoption === undefined) return undefined;
  const restarted = draft.context.fleet.some((entry) => entry.gateway === adoption.from && entry.state === "up");
  const except = restarted ? adoption.tried : [...adoption.tried, adoption.from];
  return draft.context.nearestGateway(
    leg.region,
    except,
    restarted && adoption.tried.length > 0 ? adoption.from : undefined,
  );
}

function adoptPhone(draft: CallDraft, leg: PhoneLeg): void {
  const waiting = leg.stage === "calling" || leg.stage === "ringing";
  if (leg.side === "callee" && waiting) {
    ringAgain(draft, leg);
    return;
  }
  if (leg.capsule === undefined) return;
  draft.command(leg, {
    kind: "adopt-leg",
    leg: leg.leg,
    capsule: leg.capsule,
    codecs: leg.codec === undefined ? draft.state.codecs : [leg.codec],
    ringTimeoutMs: RING_TIMEOUT_MS,
    headers: [],
  });
  // The gateway died between our order to answer and its word that it did: the adopter does it, or does it again.
  if (leg.side === "caller" && leg.stage === "answered" && leg.capsule.phase === "ringing" && leg.codec !== undefined)
    draft.command(leg, { kind: "answer-leg", leg: leg.leg, codec: leg.codec });
}

/** A ringing phone: CANCEL by the old branch, and a fresh INVITE that the new gateway can be answered on. */
function ringAgain(draft: CallDraft, leg: PhoneLeg): void {
  const old = leg.invitation;
  if (old === undefined) return;
  draft.command(leg, {
    kind: "adopt-leg",
    leg: leg.leg,
    // A phone finds the INVITE to cancel by its whole Via (RFC 3261 section 17.2.3), which the old gateway told once it rang.
    capsule: leg.capsule ?? unansweredCapsule(old),
    codecs: draft.state.codecs,
    oldViaBranch: old.viaBranch,
    ringTimeoutMs: RING_TIMEOUT_MS,
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
  invitePhone(draft, fresh, old);
}

/** An INVITE of ours of which nothing was heard yet, as far as an adopter can cancel it. */
function unansweredCapsule(invitation: PhoneInvitation): PhoneLegCapsule {
  const { localUri, remoteUri, callId, cseq, requestUri, localTag } = invitation;
  return {
    kind: "phone",
    phase: "calling",
    flow: invitation.flow,
    dialog: {
      callId,
      localTag,
      localUri,
      remoteUri,
      remoteTarget: requestUri,
      routeSet: [],
      localCseq: cseq,
      remoteCseq: -1,
      remoteAllow: [],
      localSdpVersion: 1,
      localSdpId: 1,
    },
    invite: {
      vias: [],
      from: `${localUri};tag=${localTag}`,
      to: remoteUri,
      callId,
      cseq,
      recordRoutes: [],
      requestUri,
    },
  };
}

/** Only the media of a browser moves: keys and all when its DTLS had ended, from the beginning otherwise. */
function adoptBrowser(draft: CallDraft, leg: BrowserLeg): void {
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
  draft.command(fresh, { kind: "open-webrtc-leg", leg: fresh.leg, codecs: draft.state.codecs, ssrc });
}

/** The peer of a phone leg accepted the new gateway, or a browser answered the new offer. */
export function legAdopted(draft: CallDraft, leg: CallLeg): void {
  if (leg.adoption === undefined) return;
  draft.log("leg.adopted", {
    leg: leg.leg,
    gateway: leg.holder,
    detail: `after ${draft.context.nowMs - leg.adoption.startedAtMs} ms`,
  });
  leg.adoption = undefined;
}

/** The gateway that tried could not reach the peer: the next one, or this one again after a restart. */
export function adoptionFailed(draft: CallDraft, leg: CallLeg, reason: string): void {
  if (leg.adoption === undefined || leg.holder === undefined) return;
  draft.log("leg.adoption-failed", { leg: leg.leg, gateway: leg.holder, detail: reason });
  draft.command(leg, { kind: "release-leg", leg: leg.leg });
  leg.adoption = {
    ...leg.adoption,
    tried: [...leg.adoption.tried, leg.holder],
    lastTriedAtMs: draft.context.nowMs,
    stranded: true,
  };
  leg.holder = undefined;
  draft.state.epoch += 1;
  adoptStranded(draft);
}

/** SDP for a browser leg that moved. */
export function offerMove(draft: CallDraft, leg: BrowserLeg, localSdp: string): void {
  if (leg.media !== undefined) leg.media = { ...leg.media, localSdp };
  offerToBrowser(draft, leg, localSdp);
}
