/** Which transaction a message belongs to: RFC 3261 sections 17.1.3 and 17.2.3. */
import { header } from "../message/headers.ts";
import { tagOf } from "../message/name-addr.ts";
import type { SipRequest, SipResponse } from "../message/sip-message.ts";
import { cseqOf, fromOf, topVia } from "../message/typed-headers.ts";
import { serializeVia } from "../message/via.ts";
import type { Via } from "../message/via.ts";

/** What every branch made by RFC 3261 begins with; without it the sender follows RFC 2543 and its branch is not unique. */
export const MAGIC_COOKIE = "z9hG4bK";

export function clientTransactionKey(viaBranch: string, method: string): string {
  return `${method} ${viaBranch}`;
}

/** The key of the client transaction that a response answers, if its Via and CSeq name one. */
export function responseTransactionKey(response: SipResponse): string | undefined {
  const viaBranch = topVia(response)?.branch;
  const method = cseqOf(response)?.method;
  return viaBranch === undefined || method === undefined ? undefined : clientTransactionKey(viaBranch, method);
}

/**
 * The key of the server transaction of a request; `via` is its top Via as received, `source` where it came from. With
 * `method` "INVITE" an ACK to a failure or a CANCEL finds the INVITE that it belongs to.
 *
 * DEVIATION (docs/compliance.md#3261-17.2.3): besides branch, sent-by and method, the key holds Call-ID, CSeq number and
 * the source's host and transport, which repeats, ACK and CANCEL share with their request. Phones behind different NATs
 * show the same private sent-by, and some count their branches up from 1: neither may end in another's transaction.
 */
export function serverTransactionKey(
  request: SipRequest,
  via: Via,
  source: { readonly transport: string; readonly host: string },
  method: string = request.method,
): string {
  const callId = header(request, "call-id") ?? "";
  const common = `${method} ${source.transport} ${source.host} ${callId} ${cseqOf(request)?.number ?? ""}`;
  if (via.branch !== undefined && hasMagicCookie(via.branch)) {
    return `${common} ${via.host.toLowerCase()}:${via.port ?? ""} ${via.branch}`;
  }
  // RFC 2543: an ACK's To has the tag of our response, which the INVITE's has not, so To stays out of the key.
  const from = fromOf(request);
  const fromTag = from === undefined ? undefined : tagOf(from);
  return `${common} ${request.requestUri} ${fromTag ?? ""} ${serializeVia(via)}`;
}

function hasMagicCookie(viaBranch: string): boolean {
  return viaBranch.startsWith(MAGIC_COOKIE) && viaBranch.length > MAGIC_COOKIE.length;
}
