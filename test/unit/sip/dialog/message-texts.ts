import { parseSipMessage } from "../../../../sip/message/parser.ts";
import type { SipRequest, SipResponse } from "../../../../sip/message/sip-message.ts";

export const INVITE_LINES: readonly string[] = [
  "INVITE sip:bob@demo.example SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKtop;rport",
  "Via: SIP/2.0/UDP 192.0.2.6;branch=z9hG4bKbelow",
  "Record-Route: <sip:p2.example;lr>, <sip:p1.example;lr>",
  "Record-Route: <sip:p0.example;lr>",
  "Max-Forwards: 70",
  'From: "Alice A." <sip:alice@demo.example>;tag=alicetag',
  "To: <sip:bob@demo.example>",
  "Call-ID: call-1@192.0.2.7",
  "CSeq: 314 INVITE",
  "Contact: <sip:alice@192.0.2.7:5060;transport=udp>",
  "Allow: INVITE, ACK, bye",
  "Allow: UPDATE",
];

export function sipRequest(lines: readonly string[]): SipRequest {
  const outcome = parseSipMessage(`${lines.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`);
  if (!outcome.ok || outcome.message.kind !== "request") throw new Error(`not a request: ${JSON.stringify(outcome)}`);
  return outcome.message;
}

export function sipResponse(lines: readonly string[]): SipResponse {
  const outcome = parseSipMessage(`${lines.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`);
  if (!outcome.ok || outcome.message.kind !== "response") throw new Error(`not a response: ${JSON.stringify(outcome)}`);
  return outcome.message;
}

/** The INVITE with one line replaced, or taken out. */
export function inviteWith(name: string, ...replacement: readonly string[]): SipRequest {
  return sipRequest(INVITE_LINES.flatMap((line) => (line.startsWith(`${name}:`) ? replacement : [line])));
}

export function answerTo(status: string, ...lines: readonly string[]): SipResponse {
  return sipResponse([
    `SIP/2.0 ${status}`,
    "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKtop",
    'From: "Alice A." <sip:alice@demo.example>;tag=alicetag',
    "Call-ID: call-1@192.0.2.7",
    "CSeq: 314 INVITE",
    ...lines,
  ]);
}
