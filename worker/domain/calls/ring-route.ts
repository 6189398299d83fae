/** Rings one route of a callee's device through one gateway, as a leg of its own. */
import type { LegId } from "#protocol/ids";
import { callTag } from "#protocol/ids";
import type { EndpointRoute } from "../location/endpoint-route.ts";
import { nextCandidate } from "../routing/select-route.ts";
import type { CallDraft } from "./call-draft.ts";
import type { BrowserLeg, CallLeg, PhoneInvitation, PhoneLeg } from "./call-state.ts";

/** How long a device rings before the caller hears that no one answered. */
export const RING_TIMEOUT_MS = 60_000;

export function nextCalleeLeg(draft: CallDraft): LegId {
  // Minted here: the letter and a count are a leg id by construction.
  return `b${draft.callees.length + 1}` as LegId;
}

export function ringRoute(draft: CallDraft, route: EndpointRoute, gateway: NonNullable<CallLeg["holder"]>): void {
  draft.record();
  const common = {
    leg: nextCalleeLeg(draft),
    sid: draft.context.newSid(draft.state.sid),
    side: "callee" as const,
    identity: draft.state.to.toLowerCase(),
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
      codecs: draft.state.codecs,
      ssrc: draft.context.randomUint32(),
    });
    return;
  }
  if (route.flow === undefined) return;
  const leg: PhoneLeg = { ...common, kind: "phone", transport: route.flow.transport, capsule: undefined };
  draft.state.legs.push(leg);
  draft.log("leg.inviting", { leg: leg.leg, gateway });
  invitePhone(draft, leg, {
    flow: route.flow,
    requestUri: route.contact,
    localUri: callerUri(draft),
    remoteUri: `<sip:${leg.identity}@${draft.state.sipDomain}>`,
    cseq: 1,
  });
}

/** INVITE with identifiers of its own, known here before the gateway uses them. */
export function invitePhone(
  draft: CallDraft,
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
    codecs: draft.state.codecs,
    ringTimeoutMs: RING_TIMEOUT_MS,
    headers: [],
  });
}

function callerUri(draft: CallDraft): string {
  const display = draft.state.fromDisplayName?.replaceAll(/["\\\r\n]/g, "");
  const uri = `<sip:${draft.state.from}@${draft.state.sipDomain}>`;
  return display === undefined || display === "" ? uri : `"${display}" ${uri}`;
}

/** After a failure in which the device had no say: the next way to it. `false` when there is none. */
export function ringNextRoute(draft: CallDraft, failed: CallLeg): boolean {
  const decision = draft.state.routing;
  if (decision === undefined || failed.routeId === undefined) return false;
  const tried = draft.callees.flatMap((leg) => (leg.routeId === undefined ? [] : [leg.routeId]));
  const next = nextCandidate(decision, failed.routeId, tried);
  const route = decision.inputs.routes.find((entry) => entry.routeId === next?.routeId);
  if (next?.gateway === undefined || route === undefined) return false;
  ringRoute(draft, route, next.gateway);
  return true;
}
