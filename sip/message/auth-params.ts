/** `Authorization`, `WWW-Authenticate` and their Proxy forms (RFC 3261 section 25.1, RFC 8760). */
import { COMMA, EQUALS, Scanner } from "./characters.ts";

export interface AuthParams {
  /** As written; compare without case. */
  readonly scheme: string;
  /** Names in lower case, quoted values unquoted. */
  readonly params: ReadonlyMap<string, string>;
  /** The opaque credentials of schemes such as Bearer, which have no parameters. */
  readonly token68?: string;
}

/** undefined when it is malformed or a parameter comes twice: two readers could pick different ones. */
export function parseAuthParams(text: string): AuthParams | undefined {
  const scanner = new Scanner(text);
  scanner.skipSpace();
  const scheme = scanner.token();
  const schemeEnd = scanner.pos;
  scanner.skipSpace();
  if (scheme === "" || (scanner.pos === schemeEnd && !scanner.atEnd())) return undefined;
  const params = scanAuthParams(new Scanner(text, scanner.pos));
  if (params !== undefined) return { scheme, params };
  // Digest has parameters always; `realm=` would pass for base64.
  if (scheme.toLowerCase() === "digest") return undefined;
  const token68 = text.slice(scanner.pos).trim();
  return isToken68(token68) ? { scheme, params: new Map(), token68 } : undefined;
}

function scanAuthParams(scanner: Scanner): ReadonlyMap<string, string> | undefined {
  const params = new Map<string, string>();
  if (scanner.atEnd()) return params;
  do {
    scanner.skipSpace();
    const name = scanner.token().toLowerCase();
    scanner.skipSpace();
    if (name === "" || params.has(name) || !scanner.eat(EQUALS)) return undefined;
    scanner.skipSpace();
    const value = scanner.quotedString() ?? scanner.plainValue();
    // An empty quoted string is a value, nothing at all is not.
    if (value === "" && scanner.text.charAt(scanner.pos - 1) !== '"') return undefined;
    params.set(name, value);
    scanner.skipSpace();
  } while (scanner.eat(COMMA));
  return scanner.atEnd() ? params : undefined;
}

/** RFC 7235 section 2.1: base64 or base64url with its padding at the end. */
function isToken68(text: string): boolean {
  return text.length > 0 && /^[A-Za-z0-9\-._~+/]+=*$/.test(text);
}
