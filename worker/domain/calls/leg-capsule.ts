/** What an adopter is given of a phone leg. */
import type { PhoneLegCapsule } from "#protocol/capsule";
import type { PhoneInvitation, PhoneLeg } from "./call-state.ts";

/** A caller that we ordered to be answered may have its answer, whether or not its gateway lived to say so. */
export function capsuleToAdopt({ capsule, side, stage, codec }: PhoneLeg): PhoneLegCapsule | undefined {
  const ordered = side === "caller" && stage === "answered" && codec !== undefined;
  return ordered && capsule?.phase === "ringing" ? { ...capsule, phase: "answered" } : capsule;
}

/** An INVITE of ours of which nothing was heard yet, as far as an adopter can cancel it. */
export function unansweredCapsule(invitation: PhoneInvitation): PhoneLegCapsule {
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
