/** SIP messages for tests, written as text and read by the real parser. */
import { parseSipMessage } from "../../../../sip/message/parser.ts";
import type { SipMessage, SipRequest, SipResponse } from "../../../../sip/message/sip-message.ts";
import { header } from "../../../../sip/message/headers.ts";

export const PHONE_SDP = sdp({ host: "192.0.2.7", port: 4000 });

export function sdp(options: {
  readonly host: string;
  readonly port: number;
  readonly formats?: string;
  readonly direction?: string;
}): string {
  const { host, port, formats = "0 8 101", direction = "sendrecv" } = options;
  return `v=0\r\no=- 7 7 IN IP4 ${host}\r\ns=-\r\nc=IN IP4 ${host}\r\nt=0 0\r\nm=audio ${String(port)} RTP/AVP ${formats}\r\na=rtpmap:101 telephone-event/8000\r\na=${direction}\r\n`;
}

function parse(text: string): SipMessage {
  const outcome = parseSipMessage(new TextEncoder().encode(text));
  if (!outcome.ok) throw new Error(`a test's message is malformed: ${JSON.stringify(outcome.problem)}\n${text}`);
  return outcome.message;
}

export interface RequestParts {
  readonly method: string;
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly contact?: string | null;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly maxForwards?: number;
  readonly branch?: string;
}

let branches = 0;

export function request(parts: RequestParts): SipRequest {
  const {
    method,
    uri = "sip:demo.test",
    from = "<sip:alice@demo.test>;tag=phone",
    to = "<sip:alice@demo.test>",
    callId = "call-1@phone",
    cseq = 1,
  } = parts;
  const { contact = "<sip:alice@192.0.2.7:5060>", headers = [], body = "", maxForwards = 70 } = parts;
  branches += 1;
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 192.0.2.7:5060;branch=${parts.branch ?? `z9hG4bKtest${String(branches)}`};rport`,
    `Max-Forwards: ${String(maxForwards)}`,
    `From: ${from}`,
    `To: ${to}`,
    `Call-ID: ${callId}`,
    `CSeq: ${String(cseq)} ${method}`,
    ...(contact === null ? [] : [`Contact: ${contact}`]),
    ...headers,
    ...(body === "" || headers.some((line) => /^content-type:/i.test(line)) ? [] : ["Content-Type: application/sdp"]),
    `Content-Length: ${String(new TextEncoder().encode(body).length)}`,
    "",
    body,
  ];
  const message = parse(lines.join("\r\n"));
  if (message.kind !== "request") throw new Error("not a request");
  return message;
}

/** What a phone answers to a request of ours. */
export function answerTo(
  sent: SipRequest,
  status: number,
  parts: {
    readonly toTag?: string;
    readonly contact?: string;
    readonly body?: string;
    readonly headers?: readonly string[];
  } = {},
): SipResponse {
  const { toTag, contact, body = "", headers = [] } = parts;
  const to = header(sent, "to") ?? "";
  const lines = [
    `SIP/2.0 ${String(status)} Test`,
    "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKours",
    `From: ${header(sent, "from") ?? ""}`,
    `To: ${toTag === undefined || to.includes(";tag=") ? to : `${to};tag=${toTag}`}`,
    `Call-ID: ${header(sent, "call-id") ?? ""}`,
    `CSeq: ${header(sent, "cseq") ?? ""}`,
    ...(contact === undefined ? [] : [`Contact: ${contact}`]),
    ...headers,
    ...(body === "" ? [] : ["Content-Type: application/sdp"]),
    `Content-Length: ${String(new TextEncoder().encode(body).length)}`,
    "",
    body,
  ];
  const message = parse(lines.join("\r\n"));
  if (message.kind !== "response") throw new Error("not a response");
  return message;
}
