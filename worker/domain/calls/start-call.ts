/** From the caller's INVITE to devices that ring. */
import type { AccountSid, SipDomain } from "#protocol/ids";
import { parseEndpointId } from "#protocol/ids";
import { CODEC_PREFERENCE } from "#protocol/media";
import { supportedCodecs } from "#sip/sdp/negotiate";
import { documentForNumber } from "../instructions/built-in-documents.ts";
import type { EndpointRoute } from "../location/endpoint-route.ts";
import type { CallDraft } from "./call-draft.ts";
import { endCall } from "./hang-up.ts";
import { statusOfRefusal } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import { startDocument } from "./instructions.ts";
import { ringRoute } from "./ring-route.ts";

const CALLER_RETRY_SECONDS = 5;

/** Decides where a new call goes. The caller's leg is in the state already. */
export function startCall(draft: CallDraft, offer: string, toHost: string): void {
  draft.log("call.invited", { leg: "a", detail: `${draft.state.from} calls ${draft.state.to}` });
  draft.state.codecs = supportedCodecs(offer, CODEC_PREFERENCE);
  if (draft.state.codecs.length === 0)
    return refuseCall(draft, { status: 488, reason: "Not Acceptable Here" }, "no-common-codec");
  if (!isLocalHost(draft, toHost)) return refuseCall(draft, { status: 404, reason: "Not Found" }, "domain-unknown");
  const document = documentForNumber(draft.state.to);
  if (document !== undefined) return startDocument(draft, document);
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
  if (routes.length === 0)
    return refuseCall(draft, { status: 480, reason: "Temporarily Unavailable" }, "endpoint-not-registered");
  const decision = draft.context.rank({
    callerRegion: draft.state.region,
    callerGateway: draft.caller?.holder,
    routes,
  });
  draft.state.routing = decision;
  if (decision.candidates.every(({ verdict }) => verdict === "expired"))
    return refuseCall(draft, { status: 480, reason: "Temporarily Unavailable" }, "endpoint-not-registered");
  const chosen = decision.candidates.filter((candidate) => candidate.verdict === "chosen");
  for (const candidate of chosen) {
    const route = routes.find((entry) => entry.routeId === candidate.routeId);
    if (route !== undefined && candidate.gateway !== undefined) ringRoute(draft, route, candidate.gateway);
  }
  draft.log("call.routed", { detail: `${chosen.length} of ${decision.candidates.length} routes ring` });
  if (!draft.callees.some((leg) => leg.stage !== "ended")) {
    refuseCall(
      draft,
      { status: 503, reason: "Service Unavailable", retryAfterSeconds: CALLER_RETRY_SECONDS },
      "no-gateway",
    );
  }
}

/** Who may touch a call: the same account and domain. */
export function sameAccount(
  state: { readonly account: AccountSid; readonly sipDomain: SipDomain },
  other: { readonly account: AccountSid; readonly sipDomain: SipDomain },
): boolean {
  return state.account === other.account && state.sipDomain === other.sipDomain;
}
