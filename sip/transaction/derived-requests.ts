/** Requests that the transaction layer itself derives from an INVITE: the ACK to a failure response, and CANCEL. */
import type { HeaderField, SipRequest, SipResponse } from "../message/sip-message.ts";

const NO_BODY = new Uint8Array(0);

/** The ACK to a 3xx to 6xx response (RFC 3261 section 17.1.1.3): it belongs to the INVITE's transaction, so it has the same Via. */
export function createFailureAck(invite: SipRequest, response: SipResponse): SipRequest {
  return derive("ACK", invite, fieldOf(response.headers, "to") ?? fieldOf(invite.headers, "to"), []);
}

/** The CANCEL of an INVITE (section 9.1): same Via branch, so that the peer finds the transaction; To as in the INVITE. */
export function createCancel(invite: SipRequest, extra: readonly HeaderField[]): SipRequest {
  return derive("CANCEL", invite, fieldOf(invite.headers, "to"), extra);
}

function derive(
  method: string,
  invite: SipRequest,
  to: HeaderField | undefined,
  extra: readonly HeaderField[],
): SipRequest {
  const headers: HeaderField[] = [];
  push(headers, fieldOf(invite.headers, "via"));
  for (const field of invite.headers) if (field.name === "route") headers.push(field);
  headers.push({ name: "max-forwards", value: "70" });
  push(headers, fieldOf(invite.headers, "from"));
  push(headers, to);
  push(headers, fieldOf(invite.headers, "call-id"));
  const cseq = fieldOf(invite.headers, "cseq");
  if (cseq !== undefined) headers.push({ name: "cseq", value: `${Number.parseInt(cseq.value, 10)} ${method}` });
  headers.push(...extra);
  return { kind: "request", method, requestUri: invite.requestUri, headers, body: NO_BODY };
}

function fieldOf(headers: readonly HeaderField[], name: string): HeaderField | undefined {
  return headers.find((field) => field.name === name);
}

function push(headers: HeaderField[], field: HeaderField | undefined): void {
  if (field !== undefined) headers.push(field);
}
