/** From the caller's INVITE to devices that ring. */
import type { AccountSid, LegId, SipDomain } from "#protocol/ids";
import { callTag, parseEndpointId } from "#protocol/ids";
import { CODEC_PREFERENCE } from "#protocol/media";
import { supportedCodecs } from "#sip/sdp/negotiate";
import type { EndpointRoute } from "../location/endpoint-route.ts";
import type { CallDraft } from "./call-draft.ts";
import { endCall, statusOfRefusal } from "./hang-up.ts";
import type { Refusal } from "./hang-up.ts";
import { answerCaller } from "./answer.ts";
import type { BrowserLeg, CallLeg, PhoneLeg } from "./call-state.ts";

/** How long a device rings before the caller hears that no one answered. */
export const RING_TIMEOUT_MS = 60_000;
const CALLER_RETRY_SECONDS = 5;

/** Numbers that the platform itself answers. */
const BUILT_IN_NUMBERS: Readonly<Record<string, "echo">> = { echo: "echo" };

/** Decides where a new call goes. The caller's leg is in the state already. */
export function startCall(draft: CallDraft, offer: string, toHost: string): void {
  draft.log("call.invited", { leg: "a", detail: `${draft.state.from} calls ${draft.state.to}` });
  draft.record();
  draft.state.codecs = supportedCodecs(offer, CODEC_PREFERENCE);
  if (draft.state.codecs.length === 0) return refuseCall(draft, { status: 488, reason: "Not Acceptable Here" }, "no-common-codec");
  if (!isLocalHost(draft, toHost)) return refuseCall(draft, { status: 404, reason: "Not Found" }, "domain-unknown");
  const number = BUILT_IN_NUMBERS[draft.state.to.toLowerCase()];
  if (number !== undefined) {
    draft.state.number = { number };
    return answerCaller(draft, draft.state.codecs[0] ?? "PCMU");
  }
  const endpoint = parseEndpointId(draft.state.to);
  if (endpoint === undefined) return refuseCall(draft, { status: 404, reason: "Not Found" }, "endpoint-unknown");
  draft.effects.push({ kind: "locate", endpoint });
}

/** A call stays inside the caller's account: its own domain, or a gateway's address as phones without a domain dial it. */
function isLocalHost(draft: CallDraft, host: string): boolean {
  return host.toLowerCase() === draft.state.sipDomain || draft.context.fleet.some((gateway) => gateway.host === host);
}

export function refuseCall(draft: CallDraft, refusal: Refusal, cause: string): void {
  endCall(draft, statusOfRefusal(refusal.status), cause, refusal);
}

/** The callee's routes are known: rank them, and ring the best of each device. */
export function ringCallee(draft: CallDraft, known: boolean, routes: readonly EndpointRoute[]): void {
  if (draft.ended) return;
  if (!known) return refuseCall(draft, { status: 404, reason: "Not Found" }, "endpoint-unknown");
  if (routes.length === 0) return refuseCall(draft, { status: 480, reason: "Temporarily Unavailable" }, "endpoint-not-registered");
  const decision = draft.context.rank({ callerRegion: draft.state.region, callerGateway: draft.caller?.holder, routes });
  draft.state.routing = decision;
  const chosen = decision.candidates.filter((candidate) => candidate.verdict === "chosen");
  for (const candidate of chosen) {
    const route = routes.find((entry) => entry.routeId === candidate.routeId);
    if (route !== undefined && candidate.gateway !== undefined) ringRoute(draft, route, candidate.gateway);
  }
  draft.log("call.routed", { detail: `${chosen.length} of ${decision.candidates.length} routes ring` });
  if (!draft.callees.some((leg) => leg.stage !== "ended")) {
    refuseCall(draft, { status: 503, reason: "Service Unavailable", retryAfterSeconds: CALLER_RETRY_SECONDS }, "no-gateway");
  }
}

function nextCalleeLeg(draft: CallDraft): LegId {
  // Minted here: the letter and a count are a leg id by construction.
  return `b${draft.callees.length + 1}` as LegId;
}

/** Rings one route through one gateway as a new leg. */
export function ringRoute(draft: CallDraft, route: EndpointRoute, gateway: NonNullable<CallLeg["holder"]>): void {
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
  };
  if (route.kind === "browser") {
    if (route.bridge === undefined || route.socket === undefined) return;
    const leg: BrowserLeg = { ...common, kind: "browser", bridge: route.bridge, socket: route.socket, contact: route.contact, invite: undefined, dialog: undefined, sdpVersion: 1 };
    draft.state.legs.push(leg);
    draft.log("leg.opening", { leg: leg.leg, gateway, detail: "media for a browser" });
    draft.command(leg, { kind: "open-webrtc-leg", leg: leg.leg, codecs: draft.state.codecs, ssrc: draft.context.randomUint32() });
    return;
  }
  if (route.flow === undefined) return;
  const leg: PhoneLeg = { ...common, kind: "phone", transport: route.flow.transport, capsule: undefined };
  leg.invitation = {
    flow: route.flow,
    requestUri: route.contact,
    callId: `${draft.context.randomHex(12)}@${draft.state.sipDomain}`,
    localUri: callerUri(draft),
    remoteUri: `<sip:${leg.identity}@${draft.state.sipDomain}>`,
    localTag: callTag(draft.state.token, leg.leg),
    viaBranch: `z9hG4bK${draft.context.randomHex(12)}`,
    cseq: 1,
  };
  draft.state.legs.push(leg);
  draft.log("leg.inviting", { leg: leg.leg, gateway });
  draft.command(leg, { kind: "invite-leg", leg: leg.leg, ...leg.invitation, codecs: draft.state.codecs, ringTimeoutMs: RING_TIMEOUT_MS, headers: [] });
}

function callerUri(draft: CallDraft): string {
  const display = draft.state.fromDisplayName?.replaceAll(/["\\\r\n]/g, "");
  const uri = `<sip:${draft.state.from}@${draft.state.sipDomain}>`;
  return display === undefined || display === "" ? uri : `"${display}" ${uri}`;
}

/** Who may touch a call: the same account and domain. */
export function sameAccount(state: { readonly account: AccountSid; readonly sipDomain: SipDomain }, other: { readonly account: AccountSid; readonly sipDomain: SipDomain }): boolean {
  return state.account === other.account && state.sipDomain === other.sipDomain;
}
