/** From the caller's INVITE to devices that ring. */
import type { AccountSid, SipDomain } from "#protocol/ids";
import { CODEC_PREFERENCE } from "#protocol/media";
import { supportedCodecs } from "#sip/sdp/negotiate";
import { documentForNumber } from "../instructions/built-in-documents.ts";
import { parseDialledAddress } from "../location/dialled-address.ts";
import type { CallDraft } from "./call-draft.ts";
import { nationalNumber } from "./dial.ts";
import { callerWithoutCodec } from "./codec-refusal.ts";
import { endCall } from "./hang-up.ts";
import { statusOfRefusal } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import { startDocument } from "./instructions.ts";
import { ringGroup } from "./ring-group.ts";

/** Decides where a new call goes. The caller's leg is in the state already. */
export function startCall(draft: CallDraft, offer: string, toHost: string): void {
  draft.log("call.invited", { leg: "a", detail: `${draft.state.from} calls ${draft.state.to}` });
  draft.state.codecs = supportedCodecs(offer, CODEC_PREFERENCE);
  if (draft.state.codecs.length === 0) return refuseCall(draft, callerWithoutCodec(draft), "no-common-codec");
  if (!isLocalHost(draft, toHost)) return refuseCall(draft, { status: 404, reason: "Not Found" }, "domain-unknown");
  const document = documentForNumber(draft.state.to);
  if (document !== undefined) return startDocument(draft, document);
  const dialled = parseDialledAddress(draft.state.to);
  if (dialled === undefined) return refuseCall(draft, { status: 404, reason: "Not Found" }, "endpoint-unknown");
  const { endpoint, number } = dialled;
  const otherwise = number === undefined ? undefined : nationalNumber(draft, number);
  ringGroup(draft, { purpose: { kind: "call" }, targets: [endpoint], otherwise });
}

/** A call stays inside the caller's account: its own domain, or a gateway's address as phones without a domain dial it. */
export function isLocalHost(draft: CallDraft, host: string): boolean {
  return host.toLowerCase() === draft.state.sipDomain || draft.context.fleet.some((gateway) => gateway.host === host);
}

export function refuseCall(draft: CallDraft, refusal: Refusal, cause: string): void {
  endCall(draft, statusOfRefusal(refusal.status), cause, refusal);
}

/** Who may touch a call: the same account and domain. */
export function sameAccount(
  state: { readonly account: AccountSid; readonly sipDomain: SipDomain },
  other: { readonly account: AccountSid; readonly sipDomain: SipDomain },
): boolean {
  return state.account === other.account && state.sipDomain === other.sipDomain;
}
