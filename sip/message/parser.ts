/** Octets to SIP messages. Whatever a peer sends is answered with a value; nothing here throws. */
import { CR, isToken, LF, parseDecimal, printable } from "./characters.ts";
import { decodeHead, findHeadEnd, scanHead, type ProblemSeed, type ScannedHead } from "./head-scanner.ts";
import { SIP_LIMITS, type SipLimits } from "./limits.ts";
import { checkRequest, checkResponse, respondableRequest } from "./message-checks.ts";
import type { HeaderField, SipMessage, SipRequest } from "./sip-message.ts";

export interface SipParseProblem {
  /** Stable, kebab-case. */
  readonly code: string;
  /** The response that is due when the input is a request that can be answered. */
  readonly status: number;
  /** For people; printable ASCII. */
  readonly detail: string;
  /** What could be understood, when that is enough for `createResponse`. Never set for ACK, which has no response. */
  readonly respondable?: SipRequest;
}

export type SipParseOutcome =
  | { readonly ok: true; readonly message: SipMessage }
  | { readonly ok: false; readonly problem: SipParseProblem };

const encoder = new TextEncoder();
const NO_OCTETS = new Uint8Array(0);

/**
 * Parses one datagram, one WebSocket message or one message cut out of a stream. The body is a view on the input.
 * Octets beyond Content-Length are ignored, a Content-Length beyond the input is an error (RFC 3261 section 18.3).
 */
export function parseSipMessage(input: Uint8Array | string, limits: SipLimits = SIP_LIMITS): SipParseOutcome {
  const octets = typeof input === "string" ? encoder.encode(input) : input;
  const tooLong = octets.length > limits.maxMessageBytes;
  const end = tooLong ? limits.maxMessageBytes : octets.length;
  let start = 0;
  // Keep-alives may stand before the start line (section 7.5).
  while (octets[start] === CR && octets[start + 1] === LF) start += 2;
  if (start >= end) return { ok: false, problem: { code: "message-empty", status: 400, detail: "no start line" } };

  const headEnd = findHeadEnd(octets, start, end);
  if (headEnd === -1) return failWithoutEnd(octets.subarray(start, end), tooLong, limits);
  const head = scanHead(decodeHead(octets.subarray(start, headEnd + 2)), limits);
  if (tooLong)
    return fail(head, { code: "message-too-long", status: 413, detail: `more than ${limits.maxMessageBytes} octets` });
  return assemble(head, octets, headEnd + 4, limits);
}

/** No empty line: the lines that are complete may still tell whom to answer. */
function failWithoutEnd(octets: Uint8Array, tooLong: boolean, limits: SipLimits): SipParseOutcome {
  const seed = tooLong
    ? { code: "message-too-long", status: 513, detail: `no end of the head within ${limits.maxMessageBytes} octets` }
    : { code: "head-unterminated", status: 400, detail: "no empty line after the header fields" };
  const text = decodeHead(octets);
  return fail(scanHead(text.slice(0, text.lastIndexOf("\r\n") + 2), limits), seed);
}

function assemble(head: ScannedHead, octets: Uint8Array, bodyStart: number, limits: SipLimits): SipParseOutcome {
  const { headers, seen } = head;
  const start = parseStartLine(head.startLine);
  if (start.problem !== undefined) return fail(head, start.problem);
  const cut = cutBody(headers, octets, bodyStart);
  const body = cut instanceof Uint8Array ? cut : NO_OCTETS;
  let message: SipMessage;
  let problem = head.problem;
  if (start.kind === "request") {
    message = { kind: "request", method: start.method, requestUri: start.requestUri, headers, body };
    problem ??= checkRequest(message, seen, limits);
  } else {
    message = { kind: "response", status: start.status, reason: start.reason, headers, body };
    problem ??= checkResponse(message, seen, limits);
  }
  if (problem !== undefined) return fail(head, problem);
  return cut instanceof Uint8Array ? { ok: true, message } : fail(head, cut);
}

function cutBody(headers: readonly HeaderField[], octets: Uint8Array, start: number): Uint8Array | ProblemSeed {
  const contentLength = headers.find(({ name }) => name === "content-length")?.value;
  const available = octets.length - start;
  let length = available;
  if (contentLength !== undefined) {
    const declared = parseDecimal(contentLength, Number.POSITIVE_INFINITY);
    if (declared === undefined)
      return { code: "content-length-invalid", status: 400, detail: `Content-Length is ${printable(contentLength)}` };
    if (declared > available)
      return {
        code: "content-length-mismatch",
        status: 400,
        detail: `Content-Length is beyond the ${available} octets that came`,
      };
    length = declared;
  }
  // Not subarray(): of a Node Buffer that is a Buffer again.
  return length === 0 ? NO_OCTETS : new Uint8Array(octets.buffer, octets.byteOffset + start, length);
}

type StartLine =
  | { readonly kind: "request"; readonly method: string; readonly requestUri: string; readonly problem?: ProblemSeed }
  | { readonly kind: "response"; readonly status: number; readonly reason: string; readonly problem?: ProblemSeed };

function parseStartLine(line: string): StartLine {
  // "/" is in no method, so this cannot be a request line.
  if (line.length > 4 && line.charAt(3) === "/" && line.slice(0, 4).toUpperCase() === "SIP/")
    return parseStatusLine(line);
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  const method = line.slice(0, Math.max(first, 0));
  const requestUri = line.slice(first + 1, Math.max(last, first + 1));
  const version = line.slice(last + 1);
  if (!isToken(method) || requestUri === "" || requestUri.includes(" "))
    return { kind: "request", method, requestUri, problem: START_LINE_PROBLEM };
  if (version === "SIP/2.0" || version.toUpperCase() === "SIP/2.0") return { kind: "request", method, requestUri };
  const isOtherVersion = /^SIP\/\d+\.\d+$/i.test(version);
  const problem = isOtherVersion
    ? { code: "version-unsupported", status: 505, detail: `version is ${printable(version)}` }
    : START_LINE_PROBLEM;
  return { kind: "request", method, requestUri, problem };
}

const START_LINE_PROBLEM: ProblemSeed = {
  code: "start-line-invalid",
  status: 400,
  detail: "neither a request line nor a status line",
};

/** `SIP/2.0 200 OK`; the space before an empty reason may be missing. */
function parseStatusLine(line: string): StartLine {
  const status = parseDecimal(line.slice(8, 11), 699);
  const isWhole = line.charAt(7) === " " && (line.length === 11 || line.charAt(11) === " ");
  const reason = line.slice(12);
  if (line.slice(0, 7).toUpperCase() !== "SIP/2.0") {
    return {
      kind: "response",
      status: 0,
      reason,
      problem: { code: "version-unsupported", status: 505, detail: `version is ${printable(line.slice(0, 7))}` },
    };
  }
  if (status === undefined || status < 100 || !isWhole)
    return { kind: "response", status: 0, reason, problem: START_LINE_PROBLEM };
  return { kind: "response", status, reason };
}

function fail(head: ScannedHead, seed: ProblemSeed): SipParseOutcome {
  const start = parseStartLine(head.startLine);
  const respondable =
    start.kind === "request" ? respondableRequest(start.method, start.requestUri, head.headers) : undefined;
  return { ok: false, problem: respondable === undefined ? seed : { ...seed, respondable } };
}
