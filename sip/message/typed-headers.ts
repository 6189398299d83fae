/** Header fields as typed values, parsed when asked for. Absent or malformed is `undefined`. */
import { parseDecimal, Scanner, SLASH } from "./characters.ts";
import { header } from "./headers.ts";
import { parseNameAddr, parseNameAddrList, type NameAddr } from "./name-addr.ts";
import type { SipMessage } from "./sip-message.ts";
import { scanVia, type Via } from "./via.ts";

export { parseAuthParams, type AuthParams } from "./auth-params.ts";

/** CSeq numbers are below 2^31 (RFC 3261 section 8.1.1.5). */
const MAX_CSEQ = 2 ** 31 - 1;
/** The largest delta-seconds (section 20.19). */
export const MAX_EXPIRES_SECONDS = 2 ** 32 - 1;
export const MAX_MAX_FORWARDS = 255;

export interface Cseq {
  readonly number: number;
  readonly method: string;
}

export function topVia(message: SipMessage): Via | undefined {
  const value = header(message, "via");
  return value === undefined ? undefined : scanVia(new Scanner(value));
}

export function fromOf(message: SipMessage): NameAddr | undefined {
  return nameAddrOf(message, "from");
}

export function toOf(message: SipMessage): NameAddr | undefined {
  return nameAddrOf(message, "to");
}

function nameAddrOf(message: SipMessage, name: string): NameAddr | undefined {
  const value = header(message, name);
  return value === undefined ? undefined : parseNameAddr(value);
}

export function callIdOf(message: SipMessage): string | undefined {
  const value = header(message, "call-id");
  return value === "" ? undefined : value;
}

export function cseqOf(message: SipMessage): Cseq | undefined {
  const value = header(message, "cseq");
  return value === undefined ? undefined : parseCseq(value);
}

export function parseCseq(value: string): Cseq | undefined {
  const scanner = new Scanner(value);
  const number = parseDecimal(scanner.digits(), MAX_CSEQ);
  const numberEnd = scanner.pos;
  scanner.skipSpace();
  if (number === undefined || scanner.pos === numberEnd) return undefined;
  const method = scanner.token();
  return method === "" || !scanner.atEnd() ? undefined : { number, method };
}

/** Empty when there is no Contact, `undefined` when one is malformed or `*` stands beside others (section 10.2.2). */
export function contactsOf(message: SipMessage): readonly NameAddr[] | "*" | undefined {
  const contacts: NameAddr[] = [];
  let hasWildcard = false;
  for (const { name, value } of message.headers) {
    if (name !== "contact") continue;
    if (value === "*") {
      if (hasWildcard) return undefined;
      hasWildcard = true;
      continue;
    }
    const addresses = parseNameAddrList(value);
    if (addresses === undefined) return undefined;
    contacts.push(...addresses);
  }
  if (!hasWildcard) return contacts;
  return contacts.length === 0 ? "*" : undefined;
}

export function maxForwardsOf(message: SipMessage): number | undefined {
  const value = header(message, "max-forwards");
  return value === undefined ? undefined : parseDecimal(value, MAX_MAX_FORWARDS);
}

/** Expires in seconds; a number too large for the grammar counts as the largest one. */
export function expiresOf(message: SipMessage): number | undefined {
  const value = header(message, "expires");
  return value === undefined ? undefined : parseDeltaSeconds(value);
}

/** Also for the `expires` parameter of Contact. */
export function parseDeltaSeconds(value: string): number | undefined {
  const seconds = parseDecimal(value, Number.POSITIVE_INFINITY);
  return seconds === undefined ? undefined : Math.min(seconds, MAX_EXPIRES_SECONDS);
}

/** `type/subtype` in lower case, without parameters. */
export function contentTypeOf(message: SipMessage): string | undefined {
  const value = header(message, "content-type");
  if (value === undefined) return undefined;
  const scanner = new Scanner(value);
  const type = scanner.token();
  scanner.skipSpace();
  if (type === "" || !scanner.eat(SLASH)) return undefined;
  scanner.skipSpace();
  const subtype = scanner.token();
  return subtype === "" ? undefined : `${type}/${subtype}`.toLowerCase();
}

const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** The body as UTF-8, with U+FFFD for what is not. */
export function bodyText(message: SipMessage): string {
  return message.body.length === 0 ? "" : decoder.decode(message.body);
}
