/** The birth of a dialog on either side (RFC 3261 section 12.1). */
import { headerValues } from "../message/headers.ts";
import { serializeNameAddr, tagOf, type NameAddr } from "../message/name-addr.ts";
import type { SipMessage, SipRequest, SipResponse } from "../message/sip-message.ts";
import { callIdOf, contactsOf, cseqOf, fromOf, toOf } from "../message/typed-headers.ts";
import type { DialogState } from "./dialog-state.ts";

/**
 * The dialog that our answer with `localTag` creates (section 12.1.1). `undefined` when the INVITE lacks what a dialog
 * needs: one Contact, From, To, Call-ID and CSeq. A From without tag is accepted (RFC 2543).
 */
export function dialogFromInvite(request: SipRequest, localTag: string, localSdpId: number): DialogState | undefined {
  const [from, to, callId, cseq, remoteTarget] = [
    fromOf(request),
    toOf(request),
    callIdOf(request),
    cseqOf(request),
    contactUri(request),
  ];
  if (
    from === undefined ||
    to === undefined ||
    callId === undefined ||
    cseq === undefined ||
    remoteTarget === undefined
  )
    return undefined;
  return {
    callId,
    localTag,
    ...remoteTagOf(from),
    localUri: withoutTag(to),
    remoteUri: withoutTag(from),
    remoteTarget,
    routeSet: headerValues(request, "record-route"),
    localCseq: -1,
    remoteCseq: cseq.number,
    remoteAllow: allowedMethods(request) ?? [],
    localSdpVersion: 0,
    localSdpId,
  };
}

/** What a caller knows of the dialog before the first tagged response. */
export interface DialogSeed {
  readonly callId: string;
  readonly localTag: string;
  readonly localUri: string;
  readonly remoteUri: string;
  /** CSeq number of the INVITE. */
  readonly localCseq: number;
  readonly localSdpId: number;
  /** `o=` version of the SDP that the INVITE carried; 0 when absent. */
  readonly localSdpVersion?: number;
  /** Request-URI of the INVITE: where in-dialog requests go when the response names no Contact, as some 180 do. */
  readonly remoteTarget?: string;
}

/**
 * The dialog that a response to our INVITE creates (section 12.1.2): early with 101 to 199, confirmed with 2xx.
 * `undefined` for other responses, for another call's, and for a provisional one without a tag; a 2xx may lack it (RFC 2543).
 */
export function dialogFromResponse(seed: DialogSeed, response: SipResponse): DialogState | undefined {
  const to = toOf(response);
  const from = fromOf(response);
  if (response.status <= 100 || response.status >= 300 || to === undefined || from === undefined) return undefined;
  if (callIdOf(response) !== seed.callId || tagOf(from) !== seed.localTag) return undefined;
  if (tagOf(to) === undefined && response.status < 200) return undefined;
  const remoteTarget = contactUri(response) ?? seed.remoteTarget;
  if (remoteTarget === undefined) return undefined;
  return {
    callId: seed.callId,
    localTag: seed.localTag,
    ...remoteTagOf(to),
    localUri: seed.localUri,
    remoteUri: seed.remoteUri,
    remoteTarget,
    routeSet: headerValues(response, "record-route").toReversed(),
    localCseq: seed.localCseq,
    remoteCseq: -1,
    remoteAllow: allowedMethods(response) ?? [],
    localSdpVersion: seed.localSdpVersion ?? 0,
    localSdpId: seed.localSdpId,
  };
}

/** The peer's Contact when there is exactly one (section 8.1.1.8). */
export function contactUri(message: SipMessage): string | undefined {
  const contacts = contactsOf(message);
  return contacts === undefined || contacts === "*" || contacts.length !== 1 ? undefined : contacts[0]?.uri;
}

/** Methods of Allow in upper case; `undefined` when there is none, which says nothing (section 20.5). */
export function allowedMethods(message: SipMessage): readonly string[] | undefined {
  const methods = headerValues(message, "allow");
  return methods.length === 0 ? undefined : methods.map((method) => method.toUpperCase());
}

function remoteTagOf(address: NameAddr): { readonly remoteTag?: string } {
  const remoteTag = tagOf(address);
  return remoteTag === undefined ? {} : { remoteTag };
}

function withoutTag(address: NameAddr): string {
  const params = new Map([...address.params].filter(([name]) => name !== "tag"));
  return serializeNameAddr({ ...address, params });
}
