/** What the media plane noticed, told to the Call objects. */
import type { OutgoingStreamLease, WebRtcLegMedia } from "#protocol/capsule";
import type { GatewayId } from "#protocol/ids";
import type { TouchTone } from "#protocol/touch-tone";
import type { MediaLegKey, MediaPlaneEvents } from "../media/media-plane.ts";
import { closeMedia, dropLeg, publish } from "./call-context.ts";
import type { CallContext, LegDeparture } from "./call-context.ts";
import type { FaultRim } from "./fault-rim.ts";
import { endFromHere, reportEnd } from "./leg-ending.ts";
import type { Leg, PhoneLeg } from "./leg.ts";
import { reportDigit } from "./touch-tones.ts";

export interface MediaReportsOptions {
  readonly context: CallContext;
  readonly rim: FaultRim;
  readonly onNeighbourSilent: (gateway: GatewayId, silentMs: number) => void;
}

export class MediaReports implements MediaPlaneEvents {
  readonly #options: MediaReportsOptions;

  constructor(options: MediaReportsOptions) {
    this.#options = options;
  }

  onMediaFlowing(key: MediaLegKey, afterMs: number): void {
    this.#with(key, (context, leg) => publish(context, leg, { kind: "media-flowing", leg: leg.leg, afterMs }));
  }

  onMediaTimeout(key: MediaLegKey): void {
    this.#with(key, (context, leg) => {
      // A phone on hold may send nothing for hours, and most send nothing before the answer.
      if (leg.kind === "phone" && (leg.held || isEarly(leg))) return;
      context.count("calls.media-timeout");
      if (leg.kind === "phone") return endFromHere(context, leg, "media-timeout");
      reportEnd(context, leg, "media-timeout");
      this.#closeWebRtc(context, leg, "media-timeout");
    });
  }

  onSecured(key: MediaLegKey, media: WebRtcLegMedia): void {
    this.#with(key, (context, leg) => {
      if (leg.kind === "webrtc") leg.secured = true;
      publish(context, leg, { kind: "webrtc-leg-secured", leg: leg.leg, media });
    });
  }

  onWebRtcFailed(key: MediaLegKey, reason: string): void {
    this.#with(key, (context, leg) => {
      if (leg.kind !== "webrtc") return;
      context.count("calls.webrtc-failed");
      if (leg.secured) reportEnd(context, leg, "flow-failed");
      else publish(context, leg, { kind: "webrtc-leg-refused", leg: leg.leg, status: 500, reason });
      this.#closeWebRtc(context, leg, "webrtc-failed");
    });
  }

  onLeaseWanted(key: MediaLegKey, lease: OutgoingStreamLease, incoming: WebRtcLegMedia["incoming"]): void {
    this.#with(key, (context, leg) => publish(context, leg, { kind: "lease-wanted", leg: leg.leg, lease, incoming }));
  }

  onDigit(key: MediaLegKey, digit: TouchTone): void {
    this.#with(key, (context, leg) => reportDigit(context, leg, digit, "rtp"));
  }

  onNeighbourSilent(gateway: GatewayId, silentMs: number): void {
    this.#options.context.log({ event: "neighbour.silent", neighbour: gateway, silentMs: Math.round(silentMs) });
    this.#options.context.count("neighbour.silent");
    this.#options.onNeighbourSilent(gateway, silentMs);
  }

  #closeWebRtc(context: CallContext, leg: Leg, cause: LegDeparture): void {
    closeMedia(context, leg);
    dropLeg(context, leg, cause);
  }

  #with(key: MediaLegKey, act: (context: CallContext, leg: Leg) => void): void {
    const { context, rim } = this.#options;
    const leg = context.legs.byKey(key);
    if (leg !== undefined) void rim.run(leg.call, leg.leg, () => act(context, leg));
  }
}

function isEarly({ capsule }: PhoneLeg): boolean {
  return capsule.phase === "calling" || capsule.phase === "ringing";
}
