/** Messages for the tests of this folder. */
import { readFileSync } from "node:fs";
import type { SipMessage, SipRequest } from "../../../../sip/message/sip-message.ts";
import { parseSipMessage, type SipParseProblem } from "../../../../sip/message/parser.ts";

export const MANDATORY: readonly string[] = [
  "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKabc",
  "Max-Forwards: 70",
  "From: <sip:alice@example.com>;tag=a1",
  "To: <sip:bob@example.net>",
  "Call-ID: c1@192.0.2.1",
  "CSeq: 7 OPTIONS",
];

/** A request that differs from a sound one in one line: `replace` has `"CSeq: x"` in place of the CSeq line, and so on. */
export function requestText(
  changes: {
    start?: string;
    replace?: readonly string[];
    add?: readonly string[];
    without?: string;
    body?: string;
  } = {},
): string {
  let lines = MANDATORY.filter((line) => changes.without === undefined || !line.startsWith(`${changes.without}:`));
  for (const line of changes.replace ?? []) {
    const name = line.slice(0, line.indexOf(":") + 1);
    lines = lines.map((other) => (other.startsWith(name) ? line : other));
  }
  return [
    changes.start ?? "OPTIONS sip:bob@example.net SIP/2.0",
    ...lines,
    ...(changes.add ?? []),
    "",
    changes.body ?? "",
  ].join("\r\n");
}

export function mustParse(input: Uint8Array | string): SipMessage {
  const outcome = parseSipMessage(input);
  if (!outcome.ok) throw new Error(`${outcome.problem.code}: ${outcome.problem.detail}`);
  return outcome.message;
}

export function mustParseRequest(input: Uint8Array | string): SipRequest {
  const message = mustParse(input);
  if (message.kind !== "request") throw new Error("a response");
  return message;
}

export function mustFail(input: Uint8Array | string): SipParseProblem {
  const outcome = parseSipMessage(input);
  if (outcome.ok) throw new Error("parsed");
  return outcome.problem;
}

export function tortureMessage(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../../fixtures/rfc4475/${name}.dat`, import.meta.url)));
}
