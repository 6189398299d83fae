/** `host` of the grammar (RFC 3261 section 25.1, IPv6 as in RFC 5954). */
import { ALPHANUMERIC, characterTable, isDigitCode, LEFT_BRACKET, parseDecimal, skipMembers } from "./characters.ts";

/** Underscore is no DNS host name character but frequent in private networks. */
const HOST_NAME = characterTable(`${ALPHANUMERIC}-._`);

export const MAX_PORT = 65_535;

export interface HostSpan {
  /** As written, IPv6 without its brackets. */
  readonly host: string;
  /** Where the text goes on. */
  readonly end: number;
}

/** Reads a host at `start`; undefined when what stands there is not one. */
export function scanHost(text: string, start: number): HostSpan | undefined {
  if (text.charCodeAt(start) === LEFT_BRACKET) {
    const close = text.indexOf("]", start);
    if (close === -1) return undefined;
    const host = text.slice(start + 1, close);
    return parseIpv6(host) === undefined ? undefined : { host, end: close + 1 };
  }
  const end = skipMembers(text, start, HOST_NAME);
  const host = text.slice(start, end);
  return isHostName(host) ? { host, end } : undefined;
}

/**
 * A name whose last label starts with a digit must be a dotted quad: `127.1` and `0x7f.1` would reach an address that
 * no check of ours has seen.
 */
function isHostName(host: string): boolean {
  if (host === "" || host.length > 255 || host.startsWith(".") || host.includes("..")) return false;
  const labelsEnd = host.endsWith(".") ? host.length - 1 : host.length;
  const lastDot = host.lastIndexOf(".", labelsEnd - 1);
  if (!isDigitCode(host.charCodeAt(lastDot + 1))) return true;
  // A single label such as a container id may well start with a digit, only a number alone may not stand for an address.
  return lastDot === -1 ? !isNumber(host) : isIpv4(host);
}

function isNumber(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    if (!isDigitCode(text.charCodeAt(at))) return /^0x/i.test(text);
  }
  return true;
}

function isIpv4(text: string): boolean {
  let octets = 0;
  let start = 0;
  for (;;) {
    const dot = text.indexOf(".", start);
    const octet = dot === -1 ? text.slice(start) : text.slice(start, dot);
    if (octet.length > 3 || (octet.length > 1 && octet.startsWith("0")) || parseDecimal(octet, 255) === undefined)
      return false;
    octets++;
    if (dot === -1) return octets === 4;
    start = dot + 1;
  }
}

/** The eight groups of an IPv6 address, without zone. */
function parseIpv6(text: string): readonly number[] | undefined {
  if (text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1) return missing === 0 ? head : undefined;
  return missing < 1 ? undefined : [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

function parseGroups(text: string, mayEndInIpv4: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (mayEndInIpv4 && index === parts.length - 1 && part.includes(".")) {
      if (!isIpv4(part)) return undefined;
      const [a, b, c, d] = part.split(".").map(Number);
      groups.push((a ?? 0) * 256 + (b ?? 0), (c ?? 0) * 256 + (d ?? 0));
    } else {
      if (!/^[0-9a-f]{1,4}$/i.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** Case does not matter for names, nor the way of writing for IPv6 addresses (RFC 5954 section 4.2). */
export function hostEquals(a: string, b: string): boolean {
  if (a.toLowerCase() === b.toLowerCase()) return true;
  if (!a.includes(":") || !b.includes(":")) return false;
  const left = parseIpv6(a);
  return left !== undefined && left.join() === parseIpv6(b)?.join();
}

/** `host [":" port]` as it is written in URIs and Via. */
export function hostPort(host: string, port: number | undefined): string {
  const written = host.includes(":") ? `[${host}]` : host;
  return port === undefined ? written : `${written}:${port}`;
}
