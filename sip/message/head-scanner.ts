/** The head of a message, taken apart into its start line and header fields: framing only, no meaning. */
import { COLON, CR, HT, skipToken, LF, printable, SP } from "./characters.ts";
import { headerSpecAt } from "./header-names.ts";
import type { SipLimits } from "./limits.ts";
import type { HeaderField } from "./sip-message.ts";

/** What is wrong, without the request that it is wrong with. */
export interface ProblemSeed {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
}

export interface ScannedHead {
  readonly startLine: string;
  readonly headers: readonly HeaderField[];
  /** The `onceBit`s of the header fields that came. */
  readonly seen: number;
  /** The first problem; the fields up to it, and after it where possible, are there nevertheless. */
  readonly problem?: ProblemSeed;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LATIN1 = new TextDecoder("windows-1252");

/**
 * Where the empty line starts (its preceding CRLF counts as part of it), -1 when there is none before `end`.
 * Looks at every fourth octet while it is neither CR nor LF: no CRLFCRLF fits between.
 */
export function findHeadEnd(octets: Uint8Array, start: number, end: number): number {
  for (let at = start + 3; at < end;) {
    const octet = octets[at];
    if (octet === LF) {
      if (octets[at - 1] === CR && octets[at - 2] === LF && octets[at - 3] === CR) return at - 3;
      at += 2;
    } else if (octet === CR) at += 1;
    else at += 4;
  }
  return -1;
}

/**
 * Header octets as text.
 *
 * DEVIATION (docs/compliance.md#3261-7.3.1): old phones write names in Latin-1; that is read as such instead of refusing the call.
 */
export function decodeHead(octets: Uint8Array): string {
  try {
    return UTF8.decode(octets);
  } catch {
    return LATIN1.decode(octets);
  }
}

/** `text` ends with the CRLF of the last line. */
export function scanHead(text: string, limits: SipLimits): ScannedHead {
  const headers: HeaderField[] = [];
  let problem: ProblemSeed | undefined;
  let seen = 0;
  const startLineEnd = lineEnd(text, 0);
  if (startLineEnd === -1) return { startLine: "", headers, seen, problem: LINE_END_PROBLEM };

  let pos = startLineEnd + 2;
  while (pos < text.length) {
    const end = fieldEnd(text, pos);
    if (end === -1) {
      problem = LINE_END_PROBLEM;
      break;
    }
    const nameEnd = skipToken(text, pos);
    const colon = skipSpace(text, nameEnd);
    if (nameEnd === pos || text.charCodeAt(colon) !== COLON) {
      problem ??= {
        code: "header-syntax-invalid",
        status: 400,
        detail: `line ${headers.length + 2} is not a header field`,
      };
    } else if (end - pos > limits.maxHeaderLength) {
      problem ??= {
        code: "header-too-long",
        status: 513,
        detail: `${printable(text.slice(pos, nameEnd))} is longer than ${limits.maxHeaderLength} characters`,
      };
    } else if (headers.length === limits.maxHeaders) {
      problem ??= { code: "too-many-headers", status: 513, detail: `more than ${limits.maxHeaders} header fields` };
      break;
    } else {
      const spec = headerSpecAt(text, pos, nameEnd);
      const value = fieldValue(text, colon + 1, end);
      if (spec === undefined) headers.push({ name: text.slice(pos, nameEnd), value });
      else {
        if ((seen & spec.onceBit) !== 0)
          problem ??= { code: "header-repeated", status: 400, detail: `${spec.conventional} comes more than once` };
        seen |= spec.onceBit;
        headers.push({ name: spec.name, value });
      }
    }
    pos = end + 2;
  }
  return { startLine: text.slice(0, startLineEnd), headers, seen, problem };
}

/**
 * The one Content-Length of a head, by the same rules as `scanHead`, for a reader that must know where the message ends
 * before it parses it. undefined when there is none.
 */
export function scanContentLength(text: string): string | ProblemSeed | undefined {
  let value: string | undefined;
  let pos = lineEnd(text, 0);
  while (pos !== -1 && pos + 2 < text.length) {
    const start = pos + 2;
    pos = fieldEnd(text, start);
    const initial = text.charCodeAt(start) | 32;
    if (pos === -1 || (initial !== LOWER_C && initial !== LOWER_L)) continue;
    const nameEnd = skipToken(text, start);
    const colon = skipSpace(text, nameEnd);
    if (text.charCodeAt(colon) !== COLON || headerSpecAt(text, start, nameEnd)?.name !== "content-length") continue;
    if (value !== undefined)
      return { code: "header-repeated", status: 400, detail: "Content-Length comes more than once" };
    value = fieldValue(text, colon + 1, pos);
  }
  return pos === -1 ? LINE_END_PROBLEM : value;
}

const LOWER_C = 99;
const LOWER_L = 108;

const LINE_END_PROBLEM: ProblemSeed = { code: "line-end-invalid", status: 400, detail: "CR or LF alone in the head" };

/** Where the CRLF of the line at `start` is; -1 when a CR or LF stands alone before it. */
function lineEnd(text: string, start: number): number {
  const cr = text.indexOf("\r", start);
  return cr !== -1 && text.indexOf("\n", start) === cr + 1 ? cr : -1;
}

/** The same for a header field with its continuation lines. */
function fieldEnd(text: string, start: number): number {
  let end = lineEnd(text, start);
  while (end !== -1 && isSpace(text.charCodeAt(end + 2))) end = lineEnd(text, end + 2);
  return end;
}

function isSpace(code: number): boolean {
  return code === SP || code === HT;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Trimmed and unfolded: a line end with the white space around it is one space (RFC 3261 section 7.3.1). */
function fieldValue(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isLws(text.charCodeAt(from))) from++;
  while (to > from && isLws(text.charCodeAt(to - 1))) to--;
  const fold = text.indexOf("\r", from);
  const value = text.slice(from, to);
  return fold === -1 || fold >= to ? value : unfold(value);
}

function isLws(code: number): boolean {
  return code === SP || code === HT || code === CR || code === LF;
}

function unfold(value: string): string {
  const lines = value.split("\r\n");
  let result = lines[0] ?? "";
  for (const line of lines.slice(1)) {
    const continued = line.trim();
    // A fold of nothing but white space adds nothing.
    if (continued !== "") result = `${result.trimEnd()} ${continued}`;
  }
  return result;
}
