/** What people and their phones dial, in the form in which endpoints and numbers are kept. */
import type { EndpointId } from "#protocol/ids";
import { parseEndpointId } from "#protocol/ids";

export interface DialledAddress {
  /** An identity, or the digits of a number: whose Endpoint object knows of it. */
  readonly endpoint: EndpointId;
  /** As numbers are kept and shown; absent for identities. */
  readonly number?: string;
}

/** Digits with all that people put between them, from keyboards that write the hyphen in many ways. */
const WRITTEN_NUMBER = /^[+\uff0b]?[\d\s().\-/\u00a0\u00ad\u2010-\u2015\u202f]+$/;
const LONGEST_DIALLED = 128;

/**
 * The user part of a request-URI, or what stands for it. Numbers lose what stands between their digits and the plus before
 * them, `00` counts as a plus, and any case of letters will do; `undefined` for what is neither number nor identity.
 */
export function parseDialledAddress(user: string): DialledAddress | undefined {
  if (user.length > LONGEST_DIALLED) return undefined;
  const text = withoutParameters(decoded(user)).trim();
  if (/\d/.test(text) && WRITTEN_NUMBER.test(text)) {
    const number = normalizeNumber(text);
    const endpoint = endpointOfNumber(number);
    return endpoint === undefined ? undefined : { endpoint, number };
  }
  const endpoint = parseEndpointId(text);
  return endpoint === undefined ? undefined : { endpoint };
}

/** "+44 (0)20 7946-0000" is +442079460000: the zero in brackets is for those who dial without the country. */
export function normalizeNumber(written: string): string {
  const international = /^(?:[+\uff0b]|00(?=[\s\d(]))/.test(written.trim());
  const plain = international ? written.replace(/\(\s*0\s*\)/, "") : written;
  const digits = plain.replaceAll(/\D/g, "");
  if (!international) return digits;
  return `+${digits.replace(/^00/, "")}`;
}

/** A number is kept under its digits, so that it is found with its plus and without. */
export function endpointOfNumber(number: string): EndpointId | undefined {
  return parseEndpointId(number.replace(/^\+/, ""));
}

/** The gateway has taken a layer of escapes off; some phones put two on. */
function decoded(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

/** `;phone-context=…` and the like (RFC 3261 section 19.1.6) say nothing that is needed here. */
function withoutParameters(text: string): string {
  const semicolon = text.indexOf(";");
  return semicolon < 0 ? text : text.slice(0, semicolon);
}
