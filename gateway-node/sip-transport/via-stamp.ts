/** The top Via of what comes in and goes out: RFC 3261 sections 18.1.1 and 18.2.1, RFC 3581. */
import type { SipFlow } from "#protocol/capsule";
import { splitList } from "#sip/message/characters";
import type { HeaderField, SipRequest } from "#sip/message/sip-message";
import { serializeVia } from "#sip/message/via";
import type { Via } from "#sip/message/via";
import { sentByHost } from "./ip-address.ts";

/** Writes down where a request really came from, for the proxies and phones that its responses pass. */
export function stampSource(request: SipRequest, via: Via, host: string, port: number): SipRequest {
  // `received` is ours to write: a value that the peer sent would name somebody else.
  const received = via.rport !== undefined || via.host !== host ? host : undefined;
  if (received === undefined && via.received === undefined) return request;
  const stamped = serializeVia({ ...via, received, rport: via.rport === undefined ? undefined : port });
  const index = request.headers.findIndex((field) => field.name === "via");
  const field = request.headers[index];
  if (field === undefined) return request;
  const others = field.value.includes(",") ? splitList(field.value).slice(1) : [];
  return { ...request, headers: request.headers.with(index, { name: "via", value: [stamped, ...others].join(", ") }) };
}

/** Puts our own Via on top. `rport` asks the peer to answer to where the request came from, through any NAT. */
export function withOwnVia(
  request: SipRequest,
  transport: SipFlow["transport"],
  host: string,
  port: number,
  viaBranch: string,
): SipRequest {
  const value = `SIP/2.0/${transport.toUpperCase()} ${sentByHost(host)}:${port};branch=${viaBranch};rport`;
  const via: HeaderField = { name: "via", value };
  return { ...request, headers: [via, ...request.headers] };
}
