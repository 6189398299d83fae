/** What a phone registered: one Contact of an address of record, with the flow it came over (RFC 3261 section 10.3, RFC 5626). */
import { createHash } from "node:crypto";
import type { Reachability, SipFlow } from "#protocol/capsule";
import type { PublishedRoute } from "#protocol/control-frames";
import { parseEndpointId, parseSipDomain } from "#protocol/ids";
import type { EndpointId, SipDomain } from "#protocol/ids";
import { serializeNameAddr } from "#sip/message/name-addr";
import type { NameAddr } from "#sip/message/name-addr";
import { parseSipUri, sipUriEquals } from "#sip/message/sip-uri";
import type { SipUri } from "#sip/message/sip-uri";

/** A public SIP address of a user. */
export interface AddressOfRecord {
  readonly sipDomain: SipDomain;
  readonly endpoint: EndpointId;
}

export interface ContactBinding {
  readonly contact: NameAddr;
  readonly uri: SipUri;
  readonly callId: string;
  readonly cseq: number;
  readonly expiresAtMs: number;
  readonly grantedSeconds: number;
  readonly flow: SipFlow;
  readonly device: string;
  readonly userAgent?: string;
  /** `+sip.instance` without angle brackets, and `reg-id` (RFC 5626 section 4.1). */
  readonly sipInstance?: string;
  readonly regId?: number;
}

/**
 * A route lives on its gateway's lease and is not told of refreshes, so it is published for far longer than the binding
 * lives; the gateway takes it back when the binding ends.
 */
export const ROUTE_LIFETIME_MS = 24 * 3_600_000;

/** A SIP URI whose user and host can be an endpoint and a domain of ours. */
export function parseAddressOfRecord(text: string): AddressOfRecord | undefined {
  const uri = parseSipUri(text);
  if (uri === undefined || uri.scheme === "tel") return undefined;
  const [sipDomain, endpoint] = [parseSipDomain(uri.host), parseEndpointId(uri.user)];
  return sipDomain === undefined || endpoint === undefined ? undefined : { sipDomain, endpoint };
}

export function addressKey({ sipDomain, endpoint }: AddressOfRecord): string {
  return `${endpoint}@${sipDomain}`;
}

/** Stable for one phone over restarts and changes of its address, as far as it says who it is. */
export function deviceOf(address: AddressOfRecord, sipInstance: string | undefined, uri: SipUri): string {
  const text =
    sipInstance === undefined
      ? `contact\n${addressKey(address)}\n${uri.user ?? ""}\n${uri.host}`
      : `instance\n${sipInstance}`;
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

export function sipInstanceOf(contact: NameAddr): string | undefined {
  const value = contact.params.get("+sip.instance");
  return typeof value === "string" && value.length <= 256 ? value.replace(/^<|>$/g, "") : undefined;
}

export function regIdOf(contact: NameAddr): number | undefined {
  const value = contact.params.get("reg-id");
  return typeof value === "string" && /^[1-9]\d{0,8}$/.test(value) ? Number(value) : undefined;
}

/** Whether a Contact replaces this binding: the same URI, or the same flow of the same instance (RFC 5626 section 6). */
export function isSameBinding(
  binding: ContactBinding,
  uri: SipUri,
  sipInstance: string | undefined,
  regId: number | undefined,
): boolean {
  if (
    sipInstance !== undefined &&
    regId !== undefined &&
    binding.sipInstance === sipInstance &&
    binding.regId === regId
  )
    return true;
  return sipUriEquals(binding.uri, uri);
}

export function reachabilityOf(flow: SipFlow): Reachability {
  return flow.transport === "udp" ? "open-udp" : "connection";
}

/** A Contact value of the 200: the binding with what is left of its time (section 10.3 step 8). */
export function contactValue(binding: ContactBinding, nowMs: number): string {
  const params = new Map([...binding.contact.params].filter(([name]) => name !== "expires"));
  params.set("expires", String(Math.max(0, Math.ceil((binding.expiresAtMs - nowMs) / 1000))));
  return serializeNameAddr({ ...binding.contact, params });
}

export function routeOf(address: AddressOfRecord, binding: ContactBinding, nowMs: number): PublishedRoute {
  return {
    sipDomain: address.sipDomain,
    endpoint: address.endpoint,
    device: binding.device,
    contact: binding.contact.uri,
    flow: binding.flow,
    reachability: reachabilityOf(binding.flow),
    userAgent: binding.userAgent,
    sipInstance: binding.sipInstance,
    expiresAtMs: Math.round(nowMs + ROUTE_LIFETIME_MS),
    refreshSeconds: binding.grantedSeconds,
  };
}
