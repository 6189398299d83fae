/**
 * Audio before the answer: the first callee that offers it is heard, until somebody answers (docs/design/early-media.md).
 * What a caller was told in its 183 is its answer for good (RFC 3261 section 13.2.1); what has changed by the time of the
 * 200 is told by re-INVITE after the ACK.
 */
import type { CodecName } from "#protocol/media";
import { offerToBrowser, respondToInvite } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg, CallLeg, PhoneLeg } from "./call-state.ts";
import { heardCallee, isTalking } from "./heard-callee.ts";
import { joinMedia } from "./join.ts";

/** A callee has early media. `false`: it cannot be passed on, and the callee only rings. */
export function hearCallee(draft: CallDraft, callee: CallLeg, codec: CodecName): boolean {
  const { caller, state } = draft;
  if (caller === undefined || caller.stage === "ended" || draft.transferOf(callee) !== undefined) return false;
  if (isTalking(draft)) return false;
  const known = state.early;
  if (known !== undefined && (known.codec !== codec || heardCallee(draft) !== undefined)) return false;
  if (caller.codec !== undefined && caller.codec !== codec) return false;
  if (caller.kind === "browser" && !findGateway(draft, caller, callee)) return false;
  // The keys of a stream between gateways are used once.
  if (known !== undefined || state.groups.some(({ winner }) => winner !== undefined))
    state.trunkStream = draft.context.randomHex(8);
  state.early = { leg: callee.leg, codec };
  draft.log("leg.early-media", { leg: callee.leg, gateway: callee.holder, detail: codec });
  // A caller that was answered, or that has heard somebody before, needs nothing but the audio.
  if (caller.codec === undefined && known === undefined) openEarly(draft, caller);
  if (caller.kind === "phone" || known !== undefined || caller.codec !== undefined) joinMedia(draft);
  return true;
}

/** The early codec of a caller that has no final answer. */
function earlyCodec(draft: CallDraft, caller: CallLeg): CodecName | undefined {
  return caller.stage === "ringing" && caller.codec === undefined ? draft.state.early?.codec : undefined;
}

function findGateway(draft: CallDraft, caller: BrowserLeg, callee: CallLeg): boolean {
  caller.holder ??= draft.context.nearestGateway(caller.region, [], callee.holder);
  return caller.holder !== undefined && caller.remoteSdp !== undefined;
}

/** The caller's part of early media; again at another gateway when its own has died. */
export function openEarly(draft: CallDraft, caller: PhoneLeg | BrowserLeg): boolean {
  const codec = caller.side === "caller" ? earlyCodec(draft, caller) : undefined;
  if (codec === undefined) return false;
  if (caller.kind === "phone")
    return draft.command(caller, { kind: "ring-leg", leg: caller.leg, status: 180, earlyCodec: codec });
  return draft.command(caller, {
    kind: "open-webrtc-leg",
    leg: caller.leg,
    remoteSdp: caller.remoteSdp,
    codecs: [codec],
    ssrc: draft.context.randomUint32(),
    early: true,
  });
}

/** The SDP of its gateway for a browser that nobody has answered yet; `false` when it is for the answer. */
export function earlyReady(draft: CallDraft, caller: BrowserLeg, localSdp: string): boolean {
  if (earlyCodec(draft, caller) === undefined) return false;
  caller.localSdp = localSdp;
  if (caller.earlySdp === undefined) {
    caller.earlySdp = localSdp;
    respondToInvite(draft, caller, 183, { sdp: localSdp });
  }
  joinMedia(draft);
  return true;
}

/** The browser has its 200: now it may be told what changed since its 183. */
export function offerSinceEarly(draft: CallDraft, caller: BrowserLeg): void {
  const { earlySdp, localSdp } = caller;
  delete caller.earlySdp;
  if (earlySdp !== undefined && localSdp !== undefined && earlySdp !== localSdp)
    offerToBrowser(draft, caller, localSdp);
}

/** Its gateway has no early media for it: it is told that the callee rings. `false` when there was none to be had. */
export function earlyRefused(draft: CallDraft, leg: CallLeg): boolean {
  if (leg.kind !== "browser" || leg.side !== "caller" || earlyCodec(draft, leg) === undefined) return false;
  delete draft.state.early;
  if (leg.earlySdp === undefined) respondToInvite(draft, leg, 180);
  return true;
}
