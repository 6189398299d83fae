/** SIP and SIPS URIs (RFC 3261 section 19.1) and as much of tel (RFC 3966) as call routing needs. */
import {
  ALPHANUMERIC,
  characterTable,
  COLON,
  EQUALS,
  isAlphaCode,
  isDigitCode,
  NO_PARAMS,
  parseDecimal,
  SEMICOLON,
  skipMembers,
  type Params,
} from "./characters.ts";
import { hostEquals, hostPort, MAX_PORT, scanHost } from "./host.ts";
import { escapeUriPart, unescapeUriPart } from "./uri-escapes.ts";

export interface SipUri {
  readonly scheme: "sip" | "sips" | "tel";
  /** Unescaped. For tel: the number as written. */
  readonly user?: string;
  readonly password?: string;
  /** Lower case, IPv6 without brackets; empty for tel. */
  readonly host: string;
  readonly port?: number;
  /** Unescaped, names in lower case. */
  readonly params: Params;
  /** Unescaped, names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

const UNRESERVED = `${ALPHANUMERIC}-_.!~*'()`;
const SCHEME = characterTable(`${ALPHANUMERIC}+-.`);
const USER = characterTable(`${UNRESERVED}&=+$,;?/`);
const PASSWORD = characterTable(`${UNRESERVED}&=+$,`);
const PARAM = characterTable(`${UNRESERVED}[]/:&+$`);
const HEADER = characterTable(`${UNRESERVED}[]/?:+$`);
/** Dial strings such as `*21#` come unescaped from many phones; `=` ends base64 in values. */
const USER_TOLERATED = characterTable(`${UNRESERVED}&=+$,;?/#`);
const PARAM_VALUE_TOLERATED = characterTable(`${UNRESERVED}[]/:&+$=`);
const TEL_NUMBER = characterTable("0123456789abcdefABCDEF*#+-.()");

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** How long the scheme is that the text starts with; 0 when it starts with none or nothing follows it. */
export function uriSchemeLength(text: string): number {
  const at = skipMembers(text, 0, SCHEME);
  const isScheme = text.charCodeAt(at) === COLON && at + 1 < text.length && at > 0 && isAlphaCode(text.charCodeAt(0));
  return isScheme ? at : 0;
}

/** The scheme of any URI in lower case; undefined when the text does not start with one. */
export function uriSchemeOf(text: string): string | undefined {
  const length = uriSchemeLength(text);
  return length === 0 ? undefined : text.slice(0, length).toLowerCase();
}

/** undefined for what is malformed and for other schemes (see `uriSchemeOf`). */
export function parseSipUri(text: string): SipUri | undefined {
  const scheme = uriSchemeOf(text);
  if (scheme === "sip" || scheme === "sips") return parseSipOrSips(text, scheme);
  return scheme === "tel" ? parseTel(text) : undefined;
}

function parseSipOrSips(text: string, scheme: "sip" | "sips"): SipUri | undefined {
  let pos = scheme.length + 1;
  let user: string | undefined;
  let password: string | undefined;
  // Nothing after the user part may hold an unescaped "@", so the first one ends it, whatever comes before.
  const at = text.indexOf("@", pos);
  if (at !== -1) {
    const colon = text.indexOf(":", pos);
    const userEnd = colon !== -1 && colon < at ? colon : at;
    user = userEnd === pos ? undefined : unescapeUriPart(text, pos, userEnd, USER_TOLERATED);
    if (user === undefined) return undefined;
    if (userEnd < at) {
      password = unescapeUriPart(text, userEnd + 1, at, PASSWORD);
      if (password === undefined) return undefined;
    }
    pos = at + 1;
  }
  const span = scanHost(text, pos);
  if (span === undefined) return undefined;
  pos = span.end;
  let port: number | undefined;
  if (text.charCodeAt(pos) === COLON) {
    const start = ++pos;
    while (isDigitCode(text.charCodeAt(pos))) pos++;
    port = parseDecimal(text.slice(start, pos), MAX_PORT);
    if (port === undefined || port === 0) return undefined;
  }
  const host = span.host.toLowerCase();
  if (pos === text.length) return { scheme, user, password, host, port, params: NO_PARAMS, headers: NO_HEADERS };

  const question = text.indexOf("?", pos);
  const paramsEnd = question === -1 ? text.length : question;
  const params = parseParams(text, pos, paramsEnd);
  const headers = question === -1 ? NO_HEADERS : parseUriHeaders(text, question + 1);
  if (params === undefined || headers === undefined) return undefined;
  return { scheme, user, password, host, port, params, headers };
}

/** `*( ";" name [ "=" value ] )` that fills the span. */
function parseParams(text: string, start: number, end: number): Params | undefined {
  if (start === end) return NO_PARAMS;
  const params = new Map<string, string | true>();
  let pos = start;
  while (pos < end) {
    if (text.charCodeAt(pos) !== SEMICOLON) return undefined;
    const nameStart = ++pos;
    while (pos < end && text.charCodeAt(pos) !== SEMICOLON && text.charCodeAt(pos) !== EQUALS) pos++;
    const name = unescapeUriPart(text, nameStart, pos, PARAM)?.toLowerCase();
    if (name === undefined || name === "" || params.has(name)) return undefined;
    if (pos === end || text.charCodeAt(pos) === SEMICOLON) {
      params.set(name, true);
      continue;
    }
    const valueStart = ++pos;
    while (pos < end && text.charCodeAt(pos) !== SEMICOLON) pos++;
    const value = unescapeUriPart(text, valueStart, pos, PARAM_VALUE_TOLERATED);
    if (value === undefined || value === "") return undefined;
    params.set(name, value);
  }
  return params;
}

function parseUriHeaders(text: string, start: number): ReadonlyMap<string, string> | undefined {
  const headers = new Map<string, string>();
  for (const pair of text.slice(start).split("&")) {
    const equals = pair.indexOf("=");
    if (equals < 1) return undefined;
    const name = unescapeUriPart(pair, 0, equals, HEADER)?.toLowerCase();
    const value = unescapeUriPart(pair, equals + 1, pair.length, HEADER);
    if (name === undefined || value === undefined || headers.has(name)) return undefined;
    headers.set(name, value);
  }
  return headers;
}

function parseTel(text: string): SipUri | undefined {
  const start = "tel:".length;
  const semicolon = text.indexOf(";", start);
  const end = semicolon === -1 ? text.length : semicolon;
  for (let at = start; at < end; at++) {
    if (TEL_NUMBER[text.charCodeAt(at)] !== 1) return undefined;
  }
  const params = parseParams(text, end, text.length);
  if (end === start || params === undefined) return undefined;
  return { scheme: "tel", user: text.slice(start, end), host: "", params, headers: NO_HEADERS };
}

export function serializeSipUri(uri: SipUri): string {
  const params = serializeUriParams(uri.params);
  if (uri.scheme === "tel") return `tel:${uri.user ?? ""}${params}`;
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) {
    text += escapeUriPart(uri.user, USER);
    if (uri.password !== undefined) text += `:${escapeUriPart(uri.password, PASSWORD)}`;
    text += "@";
  }
  text += hostPort(uri.host, uri.port) + params;
  let separator = "?";
  for (const [name, value] of uri.headers) {
    text += `${separator}${escapeUriPart(name, HEADER)}=${escapeUriPart(value, HEADER)}`;
    separator = "&";
  }
  return text;
}

function serializeUriParams(params: Params): string {
  let text = "";
  for (const [name, value] of params) {
    text += `;${escapeUriPart(name, PARAM)}`;
    if (value !== true) text += `=${escapeUriPart(value, PARAM)}`;
  }
  return text;
}

/** Parameters that change where a request goes: present in one URI only, they make a difference (section 19.1.4). */
const SIGNIFICANT_PARAMS = ["user", "ttl", "method", "maddr", "transport"];

/** Whether two URIs are equivalent by RFC 3261 section 19.1.4 (tel: RFC 3966 section 4). Not transitive. */
export function sipUriEquals(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme) return false;
  if (a.scheme === "tel") return telEquals(a, b);
  if (a.user !== b.user || a.password !== b.password || a.port !== b.port || !hostEquals(a.host, b.host)) return false;
  for (const name of SIGNIFICANT_PARAMS) {
    if (a.params.has(name) !== b.params.has(name)) return false;
  }
  for (const [name, value] of a.params) {
    if (b.params.has(name) && !paramEquals(value, b.params.get(name))) return false;
  }
  if (a.headers.size !== b.headers.size) return false;
  for (const [name, value] of a.headers) {
    if (b.headers.get(name) !== value) return false;
  }
  return true;
}

function paramEquals(a: string | true, b: string | true | undefined): boolean {
  if (a === true || b === true || b === undefined) return a === b;
  return a.toLowerCase() === b.toLowerCase();
}

function telEquals(a: SipUri, b: SipUri): boolean {
  const digits = (uri: SipUri): string => (uri.user ?? "").replaceAll(/[-.()]/g, "").toLowerCase();
  if (digits(a) !== digits(b) || a.params.size !== b.params.size) return false;
  for (const [name, value] of a.params) {
    if (!paramEquals(value, b.params.get(name))) return false;
  }
  return true;
}
