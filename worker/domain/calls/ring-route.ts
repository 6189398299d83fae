/** Rings one route of a callee's device through one gateway, as a leg of its own. */
import type { EndpointId, LegId } from "#protocol/ids";
import { callTag } from "#protocol/ids";
import type { EndpointRoute } from "../location/endpoint-route.ts";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg, CallLeg, PhoneInvitation, PhoneLeg } from "./call-state.ts";
import { callerUri } from "./caller-identity.ts";
import type { RingGroup } from "./ring-group-state.ts";

/** Where the call counts itself, the gateway's own count only stands behind it. */
const GATEWAY_GRACE_MS = 2_000;

export function nextCalleeLeg(draft: CallDraft): LegId {
  // Minted here: the letter and a count are a leg id by construction.
  return `b${draft.callees.length + 1}` as LegId;
}

export function ringRoute(
  draft: CallDraft,
  group: RingGroup,
  identity: EndpointId,
  route: EndpointRoute,
  gateway: NonNullable<CallLeg["holder"]>,
): void {
  draft.record();
  const common = {
    leg: nextCalleeLeg(draft),
    sid: draft.context.newSid(draft.state.sid),
    side: "callee" as const,
    group: group.id,
    identity,
    invitedAtMs: draft.context.nowMs,
    region: route.region,
    stage: "calling" as const,
    epoch: draft.state.epoch,
    holder: gateway,
    device: route.device,
    routeId: route.routeId,
  };
  if (route.kind === "browser") {
    if (route.bridge === undefined || route.socket === undefined) return;
    const leg: BrowserLeg = {
      ...common,
      kind: "browser",
      bridge: route.bridge,
      socket: route.socket,
      contact: route.contact,
      invite: undefined,
      dialog: undefined,
      sdpVersion: 1,
    };
    draft.state.legs.push(leg);
    draft.log("leg.opening", { leg: leg.leg, gateway, detail: "media for a browser" });
    draft.command(leg, {
      kind: "open-webrtc-leg",
      leg: leg.leg,
      codecs: group.codecs,
      ssrc: draft.context.randomUint32(),
    });
    return;
  }
  if (route.flow === undefined) return;
  const leg: PhoneLeg = { ...common, kind: "phone", transport: route.flow.transport, capsule: undefined };
  draft.state.legs.push(leg);
  draft.log("leg.inviting", { leg: leg.leg, gateway });
  invitePhone(draft, group, leg, {
    flow: route.flow,
    requestUri: route.contact,
    localUri: callerUri(draft, group),
    remoteUri: `<sip:${leg.identity}@${draft.state.sipDomain}>`,
    cseq: 1,
  });
}

/** INVITE with identifiers of its own, known here before the gateway uses them. */
export function invitePhone(
  draft: CallDraft,
  group: RingGroup,
  leg: PhoneLeg,
  to: Omit<PhoneInvitation, "callId" | "localTag" | "viaBranch">,
): void {
  leg.invitation = {
    ...to,
    callId: `${draft.context.randomHex(12)}@${draft.state.sipDomain}`,
    localTag: callTag(draft.state.token, leg.leg),
    viaBranch: `z9hG4bK${draft.context.randomHex(12)}`,
  };
  draft.command(leg, {
    kind: "invite-leg",
    leg: leg.leg,
    ...leg.invitation,
    codecs: group.codecs,
    ringTimeoutMs: ringTimeLeft(draft, group),
    headers: group.referredBy === undefined ? [] : [["Referred-By", group.referredBy]],
  });
}

/** How long a gateway lets a device ring that is rung, or rung again, now. */
export function ringTimeLeft(draft: CallDraft, { ringUntilMs, timed }: RingGroup): number {
  return Math.max(0, ringUntilMs - draft.context.nowMs) + (timed === true ? GATEWAY_GRACE_MS : 0);
}
