/** SIP messages to octets. */
import { isToken } from "./characters.ts";
import { conventionalHeaderName } from "./header-names.ts";
import type { SipMessage } from "./sip-message.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/** Throws `TypeError` when a part holds a line end or is no token where one is due: that is a bug of ours, never a peer's. */
export function serializeSipMessage(message: SipMessage): Uint8Array {
  const { body } = message;
  const head = serializeHead(message);
  // One allocation and no second copy when the head is ASCII, as it nearly always is: an octet for each character.
  const octets = new Uint8Array(head.length + body.length);
  const { read, written } = encoder.encodeInto(head, octets);
  if (read !== head.length || written !== head.length) return concatenate(encoder.encode(head), body);
  octets.set(body, head.length);
  return octets;
}

function concatenate(head: Uint8Array, body: Uint8Array): Uint8Array {
  const octets = new Uint8Array(head.length + body.length);
  octets.set(head);
  octets.set(body, head.length);
  return octets;
}

/** The same as text, for WebSocket text frames (RFC 7118 section 5.2). Only for bodies that are UTF-8. */
export function sipMessageText(message: SipMessage): string {
  return serializeHead(message) + (message.body.length === 0 ? "" : decoder.decode(message.body));
}

function serializeHead(message: SipMessage): string {
  let head = startLine(message);
  for (const field of message.headers) {
    const name = conventionalHeaderName(field.name);
    if (name === "Content-Length") continue;
    assertLineSafe(field.value, name);
    if (name === field.name && !isToken(name)) throw new TypeError("a header name must be a token");
    head += `\r\n${name}: ${field.value}`;
  }
  return `${head}\r\nContent-Length: ${message.body.length}\r\n\r\n`;
}

function startLine(message: SipMessage): string {
  if (message.kind === "request") {
    if (!isToken(message.method)) throw new TypeError("a method must be a token");
    if (message.requestUri.includes(" ") || message.requestUri === "")
      throw new TypeError("a request-URI has no spaces and is not empty");
    assertLineSafe(message.requestUri, "request-URI");
    return `${message.method} ${message.requestUri} SIP/2.0`;
  }
  if (!(Number.isInteger(message.status) && message.status >= 100 && message.status <= 699))
    throw new TypeError("a status is 100 to 699");
  assertLineSafe(message.reason, "reason phrase");
  return `SIP/2.0 ${message.status} ${message.reason}`;
}

/** A line end in a value would let whoever supplied it write header fields, or a second message on a stream. */
function assertLineSafe(value: string, where: string): void {
  if (value.includes("\n") || value.includes("\r")) throw new TypeError(`line end in ${where}`);
}
