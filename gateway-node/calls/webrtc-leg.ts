/** Commands for a browser's media: carried out by the media plane, reported to the Call object, which speaks SIP with the browser. */
import type { CallCommand } from "#protocol/call-messages";
import type { CallToken } from "#protocol/ids";
import type { WebRtcOpening } from "../media/media-plane.ts";
import { dropLeg, enterTable, publish } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { WebRtcLeg } from "./leg.ts";

export async function openWebRtcLeg(
  context: CallContext,
  call: CallToken,
  epoch: number,
  command: Extract<CallCommand, { kind: "open-webrtc-leg" }>,
): Promise<void> {
  const leg = new WebRtcLeg(call, command.leg, epoch);
  enterTable(context, leg);
  const { remoteSdp, codecs, ssrc } = command;
  report(context, leg, await context.media.openWebRtcLeg(leg.key, { epoch, remoteSdp, codecs, ssrc }));
}

export function completeWebRtcLeg(
  context: CallContext,
  leg: WebRtcLeg,
  command: Extract<CallCommand, { kind: "complete-webrtc-leg" }>,
): void {
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
  if (opening.ok)
    return publish(context, leg, {
      kind: "webrtc-leg-ready",
      leg: leg.leg,
      localSdp: opening.localSdp,
      audio: opening.audio,
    });
  publish(context, leg, { kind: "webrtc-leg-refused", leg: leg.leg, status: opening.status, reason: opening.reason });
  dropLeg(context, leg, "refused");
}
