/** What a message of a browser is to its bridge: whom it concerns, before anybody looks into it. */
import { parseCallTag, parseEndpointId, parseSipDomain } from "#protocol/ids";
import type { CallToken, EndpointId, SipDomain } from "#protocol/ids";
import { parseReplaces } from "#sip/dialog/replaces";
import { header, headerValues } from "#sip/message/headers";
import { SIP_METHODS } from "#sip/message/methods";
import { tagOf } from "#sip/message/name-addr";
import type { NameAddr } from "#sip/message/name-addr";
import { parseSipUri } from "#sip/message/sip-uri";
import type { SipMessage, SipRequest } from "#sip/message/sip-message";
import { bodyText, callIdOf, cseqOf, fromOf, maxForwardsOf, toOf } from "#sip/message/typed-headers";
import { sdpProblem, sdpStatus } from "#sip/sdp/session-description";

export const BRIDGE_ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, REFER, REGISTER";
/** Option tags that a Require may name (RFC 3261 section 8.2.2.3). */
const SUPPORTED: ReadonlySet<string> = new Set(["outbound", "path", "replaces", "norefersub"]);

export type BridgeMessage =
  | { readonly kind: "register"; readonly request: SipRequest }
  /** A call of its own. */
  | {
      readonly kind: "invite";
      readonly request: SipRequest;
      readonly transaction: string;
      /** The call one of whose dialogs it is to replace (RFC 3891). */
      readonly replacing?: CallToken;
    }
  /** Ends the INVITE of this transaction. */
  | { readonly kind: "cancel"; readonly request: SipRequest; readonly transaction: string }
  /** For the call that the tag names. */
  | { readonly kind: "of-call"; readonly message: SipMessage; readonly call: CallToken }
  | { readonly kind: "options"; readonly request: SipRequest }
  | {
      readonly kind: "refuse";
      readonly request: SipRequest;
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
    }
  /** Nothing to say: responses that belong to nothing, ACKs of our own refusals. */
  | { readonly kind: "ignore" };

export function classifyBridgeMessage(received: SipMessage): BridgeMessage {
  const problem = carriesSession(received) ? sdpProblem(bodyText(received)) : undefined;
  if (problem === undefined) return classifyReadable(received);
  // A request can be refused. A response has been sent: it counts as one that came without its SDP.
  if (received.kind === "request" && received.method !== "ACK") return refuse(received, sdpStatus(problem));
  return classifyReadable({ ...received, body: new Uint8Array() });
}

/** Whether a body is an offer or an answer (RFC 3261 section 13.2.1, RFC 3311), or would be taken for one. */
function carriesSession(message: SipMessage): boolean {
  const method = message.kind === "request" ? message.method : cseqOf(message)?.method;
  return message.body.length > 0 && (method === "INVITE" || method === "UPDATE" || method === "ACK");
}

function classifyReadable(message: SipMessage): BridgeMessage {
  if (message.kind === "response") {
    const call = callOf(fromOf(message));
    return call === undefined ? { kind: "ignore" } : { kind: "of-call", message, call };
  }
  const { method } = message;
  const toTag = tagOf(toOf(message) ?? NOBODY);
  if (toTag !== undefined) {
    const call = parseCallTag(toTag)?.call;
    if (call !== undefined) return { kind: "of-call", message, call };
    return method === "ACK" ? { kind: "ignore" } : refuse(message, 481);
  }
  if (method === "ACK") return { kind: "ignore" };
  if (method === "CANCEL") return { kind: "cancel", request: message, transaction: inviteTransaction(message) };
  // OPTIONS is answered by whom it reaches (RFC 3261 section 11).
  if (maxForwardsOf(message) === 0 && method !== "OPTIONS") return refuse(message, 483);
  const unsupported = [...headerValues(message, "require"), ...headerValues(message, "proxy-require")].filter(
    (tag) => !SUPPORTED.has(tag.toLowerCase()),
  );
  if (unsupported.length > 0) return refuse(message, 420, [["Unsupported", unsupported.join(", ")]]);
  if (method === "REGISTER") return { kind: "register", request: message };
  if (method === "INVITE") return classifyInvite(message);
  if (method === "OPTIONS") return { kind: "options", request: message };
  // Known and not taken, or never heard of (sections 21.4.6 and 21.5.2).
  return refuse(message, SIP_METHODS.has(method) ? 405 : 501, [["Allow", BRIDGE_ALLOW]]);
}

/** A Replaces names one of our tags, and that the call: as To for the other side of the dialog, as From for who learnt of it there. */
function classifyInvite(request: SipRequest): BridgeMessage {
  const transaction = inviteTransaction(request);
  const value = header(request, "replaces");
  if (value === undefined) return { kind: "invite", request, transaction };
  const replaces = parseReplaces(value);
  if (replaces === undefined) return refuse(request, 400);
  const replacing = (parseCallTag(replaces.toTag) ?? parseCallTag(replaces.fromTag))?.call;
  return replacing === undefined ? refuse(request, 481) : { kind: "invite", request, transaction, replacing };
}

/** Who an address names, if its URI can name a user of ours. */
export function userOf(
  address: NameAddr | undefined,
): { readonly identity: EndpointId; readonly sipDomain: SipDomain } | undefined {
  const uri = address === undefined ? undefined : parseSipUri(address.uri);
  const identity = parseEndpointId(uri?.user);
  const sipDomain = parseSipDomain(uri?.host);
  return identity === undefined || sipDomain === undefined ? undefined : { identity, sipDomain };
}

/** The credentials that a request carries, for a registrar or a proxy alike. */
export function credentialsOf(request: SipRequest): string | undefined {
  return header(request, "authorization") ?? header(request, "proxy-authorization");
}

const NOBODY: NameAddr = { uri: "", params: new Map() };

/** A CANCEL has the Call-ID and From tag of its INVITE (RFC 3261 section 9.1); on one socket those two tell it. */
function inviteTransaction(request: SipRequest): string {
  return `${callIdOf(request) ?? ""} ${tagOf(fromOf(request) ?? NOBODY) ?? ""}`;
}

function callOf(address: NameAddr | undefined): CallToken | undefined {
  const tag = address === undefined ? undefined : tagOf(address);
  return tag === undefined ? undefined : parseCallTag(tag)?.call;
}

function refuse(
  request: SipRequest,
  status: number,
  headers: readonly (readonly [string, string])[] = [],
): BridgeMessage {
  return { kind: "refuse", request, status, headers };
}
