/**
 * Identifiers that cross the wire between Worker and gateway nodes. Each is born in one parser; after that its type is the proof.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A region of `region-config`, such as `us-east`. */
export type RegionName = Branded<"RegionName">;
/** A gateway node of `region-config`, unique over all regions. */
export type GatewayId = Branded<"GatewayId">;
/** One run of a gateway process: 32 hex digits chosen at its start. A restarted gateway is a new instance. */
export type GatewayInstanceId = Branded<"GatewayInstanceId">;
/** Twilio-style account identifier: `AC` and 32 hex digits. */
export type AccountSid = Branded<"AccountSid">;
/** Twilio-style call identifier: `CA` and 32 hex digits. */
export type CallSid = Branded<"CallSid">;
/** What a client registers as inside its account: the user part of its address of record, lower case. */
export type EndpointId = Branded<"EndpointId">;
/** The host part of an account's addresses of record, lower case; also the digest realm. */
export type SipDomain = Branded<"SipDomain">;
/**
 * Names one Call object without a look-up table: object id, region and a MAC, base64url.
 * Only the Worker can make or check one (`worker/call-token.ts`); to a gateway it is opaque.
 * It is a legal SIP token and URI user part, so dialog tags and Contacts carry it (`callTag`).
 */
export type CallToken = Branded<"CallToken">;
/** One side of a call, unique in its call: `a` is the caller, `b1`, `b2`, … are the callees' devices. */
export type LegId = Branded<"LegId">;

function mint<T extends string>(pattern: RegExp, text: unknown): T | undefined {
  return typeof text === "string" && pattern.test(text) ? (text as T) : undefined;
}

export function parseRegionName(text: unknown): RegionName | undefined {
  return mint<RegionName>(/^[a-z][a-z0-9-]{0,31}$/, text);
}
export function parseGatewayId(text: unknown): GatewayId | undefined {
  return mint<GatewayId>(/^[a-z][a-z0-9-]{0,63}$/, text);
}
export function parseGatewayInstanceId(text: unknown): GatewayInstanceId | undefined {
  return mint<GatewayInstanceId>(/^[0-9a-f]{32}$/, text);
}
export function parseAccountSid(text: unknown): AccountSid | undefined {
  return mint<AccountSid>(/^AC[0-9a-f]{32}$/, text);
}
export function parseCallSid(text: unknown): CallSid | undefined {
  return mint<CallSid>(/^CA[0-9a-f]{32}$/, text);
}
/** Peers write identities in any case; they are compared in lower case. */
export function parseEndpointId(text: unknown): EndpointId | undefined {
  return typeof text === "string" ? mint<EndpointId>(/^[a-z0-9][a-z0-9._+-]{0,63}$/, text.toLowerCase()) : undefined;
}
export function parseSipDomain(text: unknown): SipDomain | undefined {
  return typeof text === "string"
    ? mint<SipDomain>(
        /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
        text.toLowerCase(),
      )
    : undefined;
}
/** Shape only: whether the token is genuine is the Worker's to say. */
export function parseCallToken(text: unknown): CallToken | undefined {
  return mint<CallToken>(/^[A-Za-z0-9_-]{40,128}$/, text);
}
export function parseLegId(text: unknown): LegId | undefined {
  return mint<LegId>(/^[a-z][0-9]{0,3}$/, text);
}

/** The dialog tag, and the user part of the Contact, that Nearside shows for a leg: in-dialog requests find their call by it. */
export function callTag(call: CallToken, leg: LegId): string {
  return `${call}.${leg}`;
}

/** Takes a tag or Contact user apart again; anything that Nearside did not write is `undefined`. */
export function parseCallTag(tag: string): { readonly call: CallToken; readonly leg: LegId } | undefined {
  const dot = tag.lastIndexOf(".");
  if (dot < 0) return undefined;
  const call = parseCallToken(tag.slice(0, dot));
  const leg = parseLegId(tag.slice(dot + 1));
  return call === undefined || leg === undefined ? undefined : { call, leg };
}
