/** What an account says about calls to one of its endpoints or numbers. JSON, as stored and as carried to calls. */
import type { SipDomain } from "#protocol/ids";
import { parseSipUri } from "#sip/message/sip-uri";
import type { HttpMethod } from "../instructions/instruction.ts";
import { parseDialledAddress } from "../location/dialled-address.ts";

export const FORWARD_CONDITIONS = ["always", "busy", "noAnswer", "unreachable"] as const;
export type ForwardCondition = (typeof FORWARD_CONDITIONS)[number];

export interface EndpointSettings {
  /** `all`: every device rings at once. `nearest`: only the best one. */
  readonly ring: "all" | "nearest";
  readonly ringTimeoutSeconds: number;
  /** Calls are busy at once, and ring nowhere. */
  readonly doNotDisturb: boolean;
  /** Where a call goes instead: an identity or a number of the account. */
  readonly forward: Readonly<Partial<Record<ForwardCondition, string>>>;
}

export const RING_TIMEOUT_SECONDS = { min: 5, max: 60, fallback: 60 } as const;

export const DEFAULT_SETTINGS: EndpointSettings = {
  ring: "all",
  ringTimeoutSeconds: RING_TIMEOUT_SECONDS.fallback,
  doNotDisturb: false,
  forward: {},
};

/** A number that an application answers. */
export interface NumberSettings {
  /** As it is kept and shown. */
  readonly number: string;
  readonly voiceUrl: string;
  readonly voiceMethod: HttpMethod;
  readonly voiceFallbackUrl?: string;
  readonly voiceFallbackMethod?: HttpMethod;
}

/** Rides on the answer to where somebody is; absent parts mean what was always done. */
export interface CalleePlan {
  readonly settings?: EndpointSettings;
  readonly number?: NumberSettings;
}

/** An identity, a number or a SIP URI of the own domain, in the form in which it is kept. */
export function parseForwardTarget(
  text: string,
  ownDomain: SipDomain,
):
  | { readonly ok: true; readonly target: string }
  | { readonly ok: false; readonly code: "target-invalid" | "target-foreign" } {
  const uri = /^sips?:/i.test(text.trim()) ? parseSipUri(text.trim()) : undefined;
  if (uri !== undefined && uri.host !== ownDomain) return { ok: false, code: "target-foreign" };
  const dialled = parseDialledAddress(uri === undefined ? text : (uri.user ?? ""));
  if (dialled === undefined) return { ok: false, code: "target-invalid" };
  return { ok: true, target: dialled.number ?? dialled.endpoint };
}
