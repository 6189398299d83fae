/** What a message must have before anything above looks at it (RFC 3261 sections 8.1.1, 8.2.2, 16.3 and 18.1.2). */
import { isToken, parseDecimal, printable, Scanner, splitList } from "./characters.ts";
import type { ProblemSeed } from "./head-scanner.ts";
import { headerSpec, MANDATORY_BITS } from "./header-names.ts";
import { header } from "./headers.ts";
import type { SipLimits } from "./limits.ts";
import { parseNameAddr } from "./name-addr.ts";
import type { HeaderField, SipMessage, SipRequest, SipResponse } from "./sip-message.ts";
import { parseSipUri, uriSchemeOf } from "./sip-uri.ts";
import { contactsOf, MAX_MAX_FORWARDS, parseCseq } from "./typed-headers.ts";
import { scanVia } from "./via.ts";

/** The first thing wrong with a request whose start line is sound. `seen` are the `onceBit`s of its header fields. */
export function checkRequest(request: SipRequest, seen: number, limits: SipLimits): ProblemSeed | undefined {
  return (
    checkMandatory(request, seen, limits) ??
    checkCseq(request, request.method) ??
    checkAddress(request, "from") ??
    checkAddress(request, "to") ??
    checkMaxForwards(request) ??
    (contactsOf(request) === undefined ? invalid("contact") : undefined) ??
    checkRequestUri(request.requestUri)
  );
}

/** Less than for a request: a response that cannot be matched is dropped anyway, and one that can should end its transaction. */
export function checkResponse(response: SipResponse, seen: number, limits: SipLimits): ProblemSeed | undefined {
  return (
    checkMandatory(response, seen, limits) ??
    checkCseq(response, undefined) ??
    checkAddress(response, "from") ??
    checkAddress(response, "to")
  );
}

/** The value itself stays out of the detail: it may be an address, and details are logged. */
function invalid(name: string): ProblemSeed {
  return { code: `${name}-invalid`, status: 400, detail: `${headerSpec(name)?.conventional ?? name} is malformed` };
}

function checkMandatory(message: SipMessage, seen: number, limits: SipLimits): ProblemSeed | undefined {
  let vias = 0;
  for (const { name, value } of message.headers) {
    if (name === "via") vias += value.includes(",") ? splitList(value).length : 1;
  }
  if ((seen & MANDATORY_BITS) !== MANDATORY_BITS || vias === 0) {
    const missing = ["via", "from", "to", "call-id", "cseq"].filter((name) => header(message, name) === undefined);
    return { code: "header-missing", status: 400, detail: `missing: ${missing.join(", ")}` };
  }
  if (vias > limits.maxVias)
    return { code: "too-many-vias", status: 513, detail: `more than ${limits.maxVias} Via values` };
  const topVia = header(message, "via") ?? "";
  if (scanVia(new Scanner(topVia))?.protocol !== "SIP/2.0") return invalid("via");
  const callId = header(message, "call-id") ?? "";
  return isCallId(callId) ? undefined : invalid("call-id");
}

/** Visible ASCII; the grammar's `word` has almost all of it. */
function isCallId(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 32 || code >= 127) return false;
  }
  return text !== "";
}

function checkCseq(message: SipMessage, method: string | undefined): ProblemSeed | undefined {
  const value = header(message, "cseq") ?? "";
  const cseq = parseCseq(value);
  if (cseq === undefined) return invalid("cseq");
  if (method === undefined || cseq.method === method) return undefined;
  return { code: "cseq-mismatch", status: 400, detail: `${printable(method)} with CSeq ${printable(value)}` };
}

function checkAddress(message: SipMessage, name: "from" | "to"): ProblemSeed | undefined {
  const value = header(message, name) ?? "";
  return parseNameAddr(value) === undefined ? invalid(name) : undefined;
}

function checkMaxForwards(request: SipRequest): ProblemSeed | undefined {
  const value = header(request, "max-forwards");
  // Peers of RFC 2543 send none.
  return value === undefined || parseDecimal(value, MAX_MAX_FORWARDS) !== undefined
    ? undefined
    : invalid("max-forwards");
}

/**
 * Header fields in a request-URI are forbidden (section 19.1.1): taken over they would be injected (RFC 4475 section 3.1.2.11).
 *
 * DEVIATION (docs/compliance.md#3261-8.2.2.1): a foreign scheme is refused here already, before anybody asks for credentials.
 */
function checkRequestUri(requestUri: string): ProblemSeed | undefined {
  const uri = parseSipUri(requestUri);
  if (uri !== undefined && uri.headers.size === 0) return undefined;
  const scheme = uriSchemeOf(requestUri);
  if (scheme === undefined || scheme === "sip" || scheme === "sips" || scheme === "tel") {
    return { code: "request-uri-invalid", status: 400, detail: "request-URI is malformed" };
  }
  return { code: "uri-scheme-unsupported", status: 416, detail: `request-URI has scheme ${printable(scheme)}` };
}

/**
 * A request good enough to be answered: what a response copies (section 8.2.6.2) is there, and the top Via says where it goes.
 * The body is left out.
 */
export function respondableRequest(
  method: string,
  requestUri: string,
  headers: readonly HeaderField[],
): SipRequest | undefined {
  if (!isToken(method) || method === "ACK") return undefined;
  const request: SipRequest = { kind: "request", method, requestUri, headers, body: new Uint8Array(0) };
  for (const name of ["from", "to", "call-id", "cseq"]) {
    if ((header(request, name) ?? "") === "") return undefined;
  }
  const topVia = header(request, "via") ?? "";
  if (scanVia(new Scanner(topVia)) !== undefined) return request;
  const sentBy = salvageVia(topVia);
  if (sentBy === undefined) return undefined;
  return { ...request, headers: [{ name: "via", value: sentBy }, ...headers.filter(({ name }) => name !== "via")] };
}

/** A Via with broken parameters still says where its response goes. */
function salvageVia(value: string): string | undefined {
  const end = value.search(/[;,]/);
  if (end === -1) return undefined;
  const sentBy = value.slice(0, end);
  return scanVia(new Scanner(sentBy)) === undefined ? undefined : sentBy;
}
