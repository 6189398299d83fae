/** What the gateway can do, as its messages say it. */
import type { SipFlow } from "#protocol/capsule";
import type { SipStack } from "../sip-transport/sip-stack.ts";

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** Methods within a dialog, and those that start one (RFC 3261 section 20.5). */
export const ALLOW: readonly [string, string] = [
  "Allow",
  "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, REGISTER",
];
export const ACCEPT: readonly [string, string] = ["Accept", "application/sdp"];
export const SDP_TYPE = "application/sdp";

/** Extensions that a Require may name: Replaces (RFC 3891), REFER without subscription (RFC 4488). */
export const SUPPORTED_EXTENSIONS: ReadonlySet<string> = new Set(["replaces", "norefersub"]);
/** What a phone may ask of us without knowing: some offer attended transfer only to who says so (RFC 3891 section 6.2). */
export const SUPPORTED: readonly [string, string] = ["Supported", [...SUPPORTED_EXTENSIONS].join(", ")];

/** Our Contact for a leg: in-dialog requests come to this gateway and find their call by its user part. */
export function contactFor(
  stack: Pick<SipStack, "localAddress">,
  localTag: string,
  transport: SipFlow["transport"],
): string {
  const { host, port } = stack.localAddress(transport);
  const hostPart = host.includes(":") ? `[${host}]` : host;
  return `<sip:${localTag}@${hostPart}:${String(port)};transport=${transport}>`;
}

/** RFC 3326, as one header field or none. */
export function reasonHeader(reason: string | undefined): HeaderPairs {
  return reason === undefined ? [] : [["Reason", reason]];
}
