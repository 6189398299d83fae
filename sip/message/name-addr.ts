/** `name-addr` and `addr-spec` with their header parameters (RFC 3261 sections 20.10 and 25.1). */
import {
  AT_SIGN,
  characterTable,
  COLON,
  COMMA,
  DEL,
  DQUOTE,
  GREATER_THAN,
  HT,
  isPlainValue,
  LESS_THAN,
  QUESTION,
  quote,
  Scanner,
  SEMICOLON,
  SP,
  type Params,
} from "./characters.ts";
import { uriSchemeLength } from "./sip-uri.ts";

export interface NameAddr {
  /** Without quotes and escapes. */
  readonly displayName?: string;
  /** As written, of any scheme. */
  readonly uri: string;
  /** Parameters of the header field, not of the URI. Names in lower case, quoted values unquoted. */
  readonly params: Params;
}

/** One address that fills the whole text. */
export function parseNameAddr(text: string): NameAddr | undefined {
  const scanner = new Scanner(text);
  const address = scanNameAddr(scanner);
  return scanner.atEnd() ? address : undefined;
}

/** A comma-separated list with at least one address and no empty item. */
export function parseNameAddrList(text: string): readonly NameAddr[] | undefined {
  const scanner = new Scanner(text);
  const addresses: NameAddr[] = [];
  do {
    const address = scanNameAddr(scanner);
    if (address === undefined) return undefined;
    addresses.push(address);
  } while (scanner.eat(COMMA));
  return scanner.atEnd() ? addresses : undefined;
}

/** Reads one address and its parameters and stops before a comma or at the end. */
function scanNameAddr(scanner: Scanner): NameAddr | undefined {
  scanner.skipSpace();
  const first = scanner.peek();
  let displayName: string | undefined;
  if (first === DQUOTE) {
    displayName = scanner.quotedString();
    if (displayName === undefined) return undefined;
    scanner.skipSpace();
    if (scanner.peek() !== LESS_THAN) return undefined;
  } else if (first !== LESS_THAN) {
    const bracket = displayNameEnd(scanner);
    if (bracket === -1) return scanAddrSpec(scanner);
    displayName = collapseSpace(scanner.text.slice(scanner.pos, bracket));
    scanner.pos = bracket;
  }
  return scanBracketed(scanner, displayName);
}

/**
 * Where the `<` after an unquoted display name is; -1 when an addr-spec starts here instead. More than `*(token LWS)`
 * passes, as phones write names with accents and parentheses unquoted; what could end a list item or start a URI does not.
 */
function displayNameEnd(scanner: Scanner): number {
  for (let at = scanner.pos; at < scanner.text.length; at++) {
    const code = scanner.text.charCodeAt(at);
    if (code === LESS_THAN) return at;
    if (
      code === COMMA ||
      code === SEMICOLON ||
      code === DQUOTE ||
      code === GREATER_THAN ||
      code === COLON ||
      code === AT_SIGN ||
      code === DEL
    )
      return -1;
    if (code < SP && code !== HT) return -1;
  }
  return -1;
}

function collapseSpace(text: string): string {
  return text.trim().replaceAll(/[ \t]+/g, " ");
}

function scanBracketed(scanner: Scanner, displayName: string | undefined): NameAddr | undefined {
  const end = scanner.text.indexOf(">", scanner.pos);
  if (end === -1) return undefined;
  const uri = scanner.text.slice(scanner.pos + 1, end);
  if (!isUriShaped(uri)) return undefined;
  scanner.pos = end + 1;
  return finish(scanner, displayName, uri);
}

/** Without brackets a URI has no parameters or headers of its own, and `?` is an error (section 20.10). */
function scanAddrSpec(scanner: Scanner): NameAddr | undefined {
  const start = scanner.pos;
  for (;;) {
    const code = scanner.peek();
    if (code === QUESTION) return undefined;
    if (!(code > SP) || code === SEMICOLON || code === COMMA) break;
    scanner.pos++;
  }
  const uri = scanner.text.slice(start, scanner.pos);
  return isUriShaped(uri) ? finish(scanner, undefined, uri) : undefined;
}

function finish(scanner: Scanner, displayName: string | undefined, uri: string): NameAddr | undefined {
  const params = scanner.params();
  if (params === undefined || !(scanner.atEnd() || scanner.peek() === COMMA)) return undefined;
  return displayName === undefined ? { uri, params } : { displayName, uri, params };
}

/** A scheme and no character that ends a URI: enough to store and echo it; its parts are parsed by those who use them. */
function isUriShaped(uri: string): boolean {
  if (uriSchemeLength(uri) === 0) return false;
  for (let at = 0; at < uri.length; at++) {
    if (ENDS_URI[uri.charCodeAt(at)] === 1) return false;
  }
  return true;
}

const CONTROLS = Array.from({ length: SP }, (_, code) => String.fromCharCode(code)).join("");
const ENDS_URI = characterTable(`${CONTROLS} "<>\u007f`);

/** Media feature tags have their values in quotes always (RFC 3840 section 9). */
const FEATURE_TAGS: ReadonlySet<string> = new Set([
  "audio",
  "automata",
  "class",
  "duplex",
  "data",
  "control",
  "mobility",
  "description",
  "events",
  "priority",
  "methods",
  "schemes",
  "application",
  "video",
  "language",
  "type",
  "isfocus",
  "actor",
  "text",
  "extensions",
]);

export function serializeNameAddr(address: NameAddr): string {
  if (!isUriShaped(address.uri))
    throw new TypeError("a URI with a space, quote or bracket cannot be put into a header field");
  let text = address.displayName === undefined ? `<${address.uri}>` : `${quote(address.displayName)} <${address.uri}>`;
  for (const [name, value] of address.params) {
    if (value === true) text += `;${name}`;
    else text += `;${name}=${isPlainValue(value) && !isFeatureTag(name) ? value : quote(value)}`;
  }
  return text;
}

function isFeatureTag(name: string): boolean {
  return name.startsWith("+") || FEATURE_TAGS.has(name);
}

/** The dialog tag of a From or To value. */
export function tagOf(address: NameAddr): string | undefined {
  const tag = address.params.get("tag");
  return tag === true ? undefined : tag;
}
