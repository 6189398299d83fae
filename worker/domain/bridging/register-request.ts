/** What a browser's REGISTER asks for (RFC 3261 section 10.3), before anybody knows whether it may. */
import type { EndpointId, SipDomain } from "#protocol/ids";
import { serializeNameAddr } from "#sip/message/name-addr";
import type { NameAddr } from "#sip/message/name-addr";
import { parseSipUri, uriSchemeOf } from "#sip/message/sip-uri";
import type { SipRequest } from "#sip/message/sip-message";
import { contactsOf, expiresOf, fromOf, parseDeltaSeconds, toOf } from "#sip/message/typed-headers";
import { userOf } from "./bridge-message.ts";

/** When a REGISTER names no time. */
const DEFAULT_EXPIRES_SECONDS = 600;
/** Shorter would make every browser a stream of REGISTERs. */
export const MIN_EXPIRES_SECONDS = 60;
const MAX_EXPIRES_SECONDS = 24 * 60 * 60;

/** The parameters of a Contact that its 200 repeats. */
export type ContactParams = readonly (readonly [name: string, value: string])[];

export type RegisterAction =
  | { readonly kind: "query" }
  | { readonly kind: "unbind" }
  | {
      readonly kind: "bind";
      readonly contact: string;
      readonly contactParams: ContactParams;
      readonly expiresSeconds: number;
      readonly instance: string | undefined;
    };

export type RegisterRequest =
  | { readonly ok: true; readonly identity: EndpointId; readonly sipDomain: SipDomain; readonly action: RegisterAction }
  | {
      readonly ok: false;
      readonly status: number;
      readonly reason: string;
      readonly headers: readonly (readonly [string, string])[];
    };

export function readRegister(request: SipRequest): RegisterRequest {
  const user = userOf(toOf(request));
  const from = userOf(fromOf(request));
  const asked = parseSipUri(request.requestUri);
  if (user === undefined) return refuse(404, "No Such User");
  if (asked === undefined || asked.host !== user.sipDomain) return refuse(404, "Not This Domain");
  // Third-party registration: nobody here may speak for another.
  if (from === undefined || from.identity !== user.identity || from.sipDomain !== user.sipDomain)
    return refuse(403, "Register Yourself");
  const action = readAction(request);
  return "status" in action ? action : { ok: true, ...user, action };
}

function readAction(request: SipRequest): RegisterAction | Extract<RegisterRequest, { ok: false }> {
  const contacts = contactsOf(request);
  const expires = expiresOf(request);
  if (contacts === undefined) return refuse(400, "Contact Not Understood");
  if (contacts === "*") return expires === 0 ? { kind: "unbind" } : refuse(400, "Expires Must Be 0");
  const [contact, second] = contacts;
  if (contact === undefined) return { kind: "query" };
  // RFC 7118 section 5: the one socket is the one way to this client.
  if (second !== undefined) return refuse(403, "One Contact A Socket");
  const own = contact.params.get("expires");
  const seconds = (typeof own === "string" ? parseDeltaSeconds(own) : undefined) ?? expires ?? DEFAULT_EXPIRES_SECONDS;
  if (seconds === 0) return { kind: "unbind" };
  if (!isSipContact(contact)) return refuse(400, "Contact Is Not SIP");
  if (seconds < MIN_EXPIRES_SECONDS)
    return refuse(423, "Interval Too Brief", [["Min-Expires", String(MIN_EXPIRES_SECONDS)]]);
  const contactParams = ["+sip.instance", "reg-id"].flatMap((name) => {
    const value = contact.params.get(name);
    return typeof value === "string" && value.length <= 256 ? [[name, value] as const] : [];
  });
  const instance = contactParams.find(([name]) => name === "+sip.instance")?.[1].replace(/^<(.*)>$/, "$1");
  return {
    kind: "bind",
    contact: contact.uri,
    contactParams,
    expiresSeconds: Math.min(seconds, MAX_EXPIRES_SECONDS),
    instance,
  };
}

/** A Contact of the 200: the binding as asked for, with the time that it was given. */
export function contactHeader(uri: string, params: ContactParams, expiresSeconds: number): string {
  return serializeNameAddr({ uri, params: new Map([...params, ["expires", String(expiresSeconds)]]) });
}

function isSipContact(contact: NameAddr): boolean {
  const scheme = uriSchemeOf(contact.uri);
  return (
    (scheme === "sip" || scheme === "sips") && parseSipUri(contact.uri) !== undefined && contact.uri.length <= 1_024
  );
}

function refuse(
  status: number,
  reason: string,
  headers: readonly (readonly [string, string])[] = [],
): Extract<RegisterRequest, { ok: false }> {
  return { ok: false, status, reason, headers };
}
