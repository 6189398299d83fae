/** Commands for a browser's media: carried out by the media plane, reported to the Call object, which speaks SIP with the browser. */
import type { CallCommand } from "#protocol/call-messages";
import type { CallToken } from "#protocol/ids";
import type { WebRtcOpening } from "../media/media-plane.ts";
import { closeMedia, dropLeg, enterTable, publish, startTimer } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { WebRtcLeg } from "./leg.ts";

/** A page that is gone answers nothing. Browsers' libraries give up ringing after 60 s by themselves, and say so. */
export const UNANSWERED_LIMIT_MS = 65_000;

type OpenCommand = Extract<CallCommand, { kind: "open-webrtc-leg" }>;

export async function openWebRtcLeg(
  context: CallContext,
  call: CallToken,
  epoch: number,
  command: OpenCommand,
): Promise<void> {
  const { remoteSdp, codecs, ssrc, early } = command;
  const leg = new WebRtcLeg(call, command.leg, epoch);
  enterTable(context, leg);
  if (remoteSdp === undefined) startTimer(context, leg, "ringing", UNANSWERED_LIMIT_MS, () => giveUp(context, leg));
  report(context, leg, await context.media.openWebRtcLeg(leg.key, { epoch, remoteSdp, codecs, ssrc, early }));
}

/** A further offer to a leg that is here, or the same one again for its answer to count. A refusal leaves all as it was. */
export async function reopenWebRtcLeg(
  context: CallContext,
  leg: WebRtcLeg,
  epoch: number,
  command: OpenCommand & { readonly remoteSdp: string },
): Promise<void> {
  leg.epoch = epoch;
  const { remoteSdp, codecs, ssrc, early } = command;
  const options = { epoch, remoteSdp, codecs, ssrc, early, again: true } as const;
  const opening = await context.media.openWebRtcLeg(leg.key, options);
  if (!leg.gone) announce(context, leg, opening);
}

/** Nobody answered our offer. */
function giveUp(context: CallContext, leg: WebRtcLeg): void {
  publish(context, leg, { kind: "webrtc-leg-refused", leg: leg.leg, status: 408, reason: "no-answer" });
  closeMedia(context, leg);
  dropLeg(context, leg, "given-up");
}

export function completeWebRtcLeg(
  context: CallContext,
  leg: WebRtcLeg,
  command: Extract<CallCommand, { kind: "complete-webrtc-leg" }>,
): void {
  leg.clearTimer("ringing");
  report(context, leg, context.media.completeWebRtcLeg(leg.key, command.remoteSdp, command.codecs));
}

export async function adoptWebRtcLeg(
  context: CallContext,
  call: CallToken,
  epoch: number,
  command: Extract<CallCommand, { kind: "adopt-webrtc-leg" }>,
): Promise<void> {
  const leg = new WebRtcLeg(call, command.leg, epoch);
  leg.secured = true;
  context.count("calls.adoptions");
  enterTable(context, leg);
  report(
    context,
    leg,
    await context.media.adoptWebRtcLeg(leg.key, { epoch, media: command.media, sdpVersion: command.sdpVersion }),
  );
}

function report(context: CallContext, leg: WebRtcLeg, opening: WebRtcOpening): void {
  if (leg.gone) {
    // Released while it was being opened; a newer life of it keeps its media.
    if (context.legs.byKey(leg.key) === undefined) context.media.closeLeg(leg.key);
    return;
  }
  announce(context, leg, opening);
  if (!opening.ok) dropLeg(context, leg, "refused");
}

/** A living leg whose new offer is refused goes on as it was (RFC 3261 section 14.2). */
function announce(context: CallContext, leg: WebRtcLeg, opening: WebRtcOpening): void {
  const about = opening.ok
    ? ({ kind: "webrtc-leg-ready", localSdp: opening.localSdp, audio: opening.audio } as const)
    : ({ kind: "webrtc-leg-refused", status: opening.status, reason: opening.reason } as const);
  publish(context, leg, { leg: leg.leg, ...about });
}
