/**
 * What an adopter can still do with an INVITE that another gateway received or sent, when only the capsule is left
 * (decision 5 of docs/architecture.md): answer it along its Vias, or cancel it.
 */
import { createRequest, createResponse, type CreateResponseOptions } from "../message/build.ts";
import { header, headerValues } from "../message/headers.ts";
import type { SipRequest, SipResponse } from "../message/sip-message.ts";
import { callIdOf, cseqOf } from "../message/typed-headers.ts";

/** `PhoneLegCapsule.invite`: the header fields of an INVITE that later messages repeat. */
export interface InviteRemains {
  /** From the top. */
  readonly vias: readonly string[];
  readonly from: string;
  /** As in the request, without our tag. */
  readonly to: string;
  readonly callId: string;
  readonly cseq: number;
  readonly recordRoutes: readonly string[];
  readonly requestUri: string;
}

export interface CapsuleResponseOptions extends Omit<CreateResponseOptions, "headers"> {
  /** Ours; the same in all responses but 100 (RFC 3261 section 8.2.6.2). */
  readonly toTag: string;
  readonly contact?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** A response to an INVITE that an earlier owner received. It goes to the flow in the capsule, by the topmost Via. */
export function createResponseFromCapsule(
  invite: InviteRemains,
  status: number,
  options: CapsuleResponseOptions,
): SipResponse {
  const { contact, headers = [], ...rest } = options;
  const contactHeader = contact === undefined ? [] : [["Contact", contact] as const];
  return createResponse(requestFrom(invite), status, { ...rest, headers: [...contactHeader, ...headers] });
}

/** As much of the INVITE as its responses repeat. */
function requestFrom(invite: InviteRemains): SipRequest {
  return createRequest({
    method: "INVITE",
    requestUri: invite.requestUri,
    headers: [
      ...invite.vias.map((via) => ["Via", via] as const),
      ...invite.recordRoutes.map((route) => ["Record-Route", route] as const),
      ["From", invite.from],
      ["To", invite.to],
      ["Call-ID", invite.callId],
      ["CSeq", `${invite.cseq} INVITE`],
    ],
  });
}

/** CANCEL for an INVITE that an earlier owner sent (section 9.1). The sender puts the old branch into the Via. */
export function createCancelFromCapsule(
  invite: InviteRemains,
  headers: readonly (readonly [name: string, value: string])[] = [],
): SipRequest {
  return createRequest({
    method: "CANCEL",
    requestUri: invite.requestUri,
    headers: [
      ["Max-Forwards", "70"],
      ["From", invite.from],
      ["To", invite.to],
      ["Call-ID", invite.callId],
      ["CSeq", `${invite.cseq} CANCEL`],
      ...headers,
    ],
  });
}

/** What a capsule keeps of an INVITE that we received. `undefined` when it cannot be answered anyway. */
export function inviteRemains(request: SipRequest): InviteRemains | undefined {
  const [from, to, callId, cseq] = [header(request, "from"), header(request, "to"), callIdOf(request), cseqOf(request)];
  if (from === undefined || to === undefined || callId === undefined || cseq === undefined) return undefined;
  const [vias, recordRoutes] = [headerValues(request, "via"), headerValues(request, "record-route")];
  return { vias, from, to, callId, cseq: cseq.number, recordRoutes, requestUri: request.requestUri };
}
