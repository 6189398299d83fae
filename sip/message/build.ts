/** New messages: requests from parts, responses from the request that they answer. */
import { canonicalHeaderName } from "./header-names.ts";
import { header } from "./headers.ts";
import { parseNameAddr, tagOf } from "./name-addr.ts";
import { reasonPhrase } from "./reason-phrases.ts";
import type { HeaderField, SipRequest, SipResponse } from "./sip-message.ts";

export { reasonPhrase } from "./reason-phrases.ts";

type HeaderPairs = readonly (readonly [name: string, value: string])[];

export interface CreateResponseOptions {
  readonly reason?: string;
  /** Added to To when the request has no tag there; leave it out for 100 only (RFC 3261 section 8.2.6.2). */
  readonly toTag?: string;
  /** Put after the copied fields, in this order. */
  readonly headers?: HeaderPairs;
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
}

export interface CreateRequestOptions {
  readonly method: string;
  readonly requestUri: string;
  readonly headers: HeaderPairs;
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
}

const encoder = new TextEncoder();
const NO_OCTETS = new Uint8Array(0);

/** Their 101 to 2xx responses create a dialog and so repeat the Record-Route of the request (section 12.1.1). */
const DIALOG_FORMING: ReadonlySet<string> = new Set(["INVITE", "SUBSCRIBE", "REFER"]);

/** A response by RFC 3261 section 8.2.6: Via, From, To, Call-ID and CSeq of the request, in this order, then what is given. */
export function createResponse(request: SipRequest, status: number, options: CreateResponseOptions = {}): SipResponse {
  const headers = request.headers.filter(({ name }) => name === "via");
  for (const name of ["from", "to", "call-id", "cseq"]) {
    const value = header(request, name);
    if (value === undefined) throw new TypeError(`a request without ${name} cannot be answered`);
    headers.push({ name, value: name === "to" ? withTag(value, options.toTag) : value });
  }
  if (status > 100 && status < 300 && DIALOG_FORMING.has(request.method))
    headers.push(...request.headers.filter(({ name }) => name === "record-route"));
  // Only a 100 repeats it as it is; later responses would have to add their delay (section 8.2.6.1).
  const timestamp = status === 100 ? header(request, "timestamp") : undefined;
  if (timestamp !== undefined) headers.push({ name: "timestamp", value: timestamp });
  appendGiven(headers, options.headers ?? [], options.contentType);
  return {
    kind: "response",
    status,
    reason: options.reason ?? reasonPhrase(status),
    headers,
    body: toOctets(options.body),
  };
}

/** A request with the header fields in the order given. Via is added by the transport. */
export function createRequest(options: CreateRequestOptions): SipRequest {
  const headers: HeaderField[] = [];
  appendGiven(headers, options.headers, options.contentType);
  return {
    kind: "request",
    method: options.method,
    requestUri: options.requestUri,
    headers,
    body: toOctets(options.body),
  };
}

function appendGiven(headers: HeaderField[], given: HeaderPairs, contentType: string | undefined): void {
  for (const [name, value] of given) headers.push({ name: canonicalHeaderName(name), value });
  if (contentType !== undefined) headers.push({ name: "content-type", value: contentType });
}

function toOctets(body: string | Uint8Array | undefined): Uint8Array {
  if (body === undefined) return NO_OCTETS;
  return typeof body === "string" ? encoder.encode(body) : body;
}

/** A tag of the request stays. A To that cannot be parsed is echoed as it came, in the answer that says so. */
function withTag(to: string, tag: string | undefined): string {
  if (tag === undefined) return to;
  const address = parseNameAddr(to);
  return address === undefined || tagOf(address) !== undefined ? to : `${to};tag=${tag}`;
}
