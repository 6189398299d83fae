/** What a phone reads from messages. */
import { headerValues } from "../../sip/message/headers.ts";
import type { SipMessage, SipResponse } from "../../sip/message/sip-message.ts";
import { parseSipUri } from "../../sip/message/sip-uri.ts";
import { bodyText, contactsOf, parseAuthParams } from "../../sip/message/typed-headers.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function nonceOf(response: SipResponse, name: string): { readonly nonce: string; uses: number } | undefined {
  for (const challenge of headerValues(response, name)) {
    const params = parseAuthParams(challenge)?.params;
    const nonce = params?.get("nonce");
    if (nonce !== undefined && (params?.get("algorithm") ?? "MD5").toUpperCase() === "MD5") return { nonce, uses: 0 };
  }
  return undefined;
}

export function contactUri(message: SipMessage): string | undefined {
  const contacts = contactsOf(message);
  return contacts === "*" ? undefined : contacts?.[0]?.uri;
}

export function addressOfUri(text: string): Address | undefined {
  const uri = parseSipUri(text);
  return uri === undefined || uri.scheme === "tel" ? undefined : { host: uri.host, port: uri.port ?? 5060 };
}

/** On one machine every Via tells the truth. */
export function viaSource(via: { readonly host: string; readonly port?: number }): Address {
  return { host: via.host, port: via.port ?? 5060 };
}

export function audioAddress(message: SipMessage): Address {
  const sdp = bodyText(message);
  return { host: /^c=IN IP4 (\S+)/m.exec(sdp)?.[1] ?? "", port: Number(/^m=audio (\d+)/m.exec(sdp)?.[1]) };
}
