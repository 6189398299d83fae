/** Requests and responses within a dialog (RFC 3261 sections 12.2 and 13.2.2.4). */
import { createRequest } from "../message/build.ts";
import { parseNameAddr, serializeNameAddr } from "../message/name-addr.ts";
import type { SipMessage, SipRequest, SipResponse } from "../message/sip-message.ts";
import { cseqOf } from "../message/typed-headers.ts";
import { allowedMethods, contactUri } from "./create-dialog.ts";
import type { DialogState } from "./dialog-state.ts";
import { enterEpoch } from "./epoch.ts";
import { requestTarget } from "./route-set.ts";

export interface DialogRequestOptions {
  /** Our Contact as a header value, `<sip:token@host:port>`; written where the method allows one. */
  readonly contact: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  readonly contentType?: string;
  /** Enters this epoch first (`enterEpoch`). */
  readonly epoch?: number;
}

/** Methods whose requests carry no Contact (RFC 3261 table 2, RFC 3262, 3428, 6086). */
const WITHOUT_CONTACT: ReadonlySet<string> = new Set(["BYE", "PRACK", "MESSAGE", "INFO"]);
/** Methods whose Contact moves the peer's target (RFC 3261 section 12.2, RFC 3311 section 5). */
const TARGET_REFRESHING: ReadonlySet<string> = new Set(["INVITE", "UPDATE"]);

/** The next request of a dialog, without Via, and the dialog after it (section 12.2.1.1). ACK and CANCEL have their own functions. */
export function createDialogRequest(
  dialog: DialogState,
  method: string,
  options: DialogRequestOptions,
): { readonly request: SipRequest; readonly dialog: DialogState } {
  const entered = options.epoch === undefined ? dialog : enterEpoch(dialog, options.epoch);
  // A first request starts at 1: 0 is legal, but some phones take it for none.
  const next = { ...entered, localCseq: Math.max(entered.localCseq, 0) + 1 };
  return { request: buildRequest(next, { method, cseq: next.localCseq }, options), dialog: next };
}

/** ACK to a 2xx: a request of its own with the INVITE's CSeq number (section 13.2.2.4). */
export function createAck(
  dialog: DialogState,
  inviteCseq: number,
  options: Partial<DialogRequestOptions> = {},
): SipRequest {
  return buildRequest(dialog, { method: "ACK", cseq: inviteCseq }, options);
}

function buildRequest(
  dialog: DialogState,
  { method, cseq }: { readonly method: string; readonly cseq: number },
  options: Partial<DialogRequestOptions>,
): SipRequest {
  const { requestUri, routes } = requestTarget(dialog);
  return createRequest({
    method,
    requestUri,
    headers: [
      ...routes.map((route) => ["Route", route] as const),
      ["Max-Forwards", "70"],
      ["From", withTag(dialog.localUri, dialog.localTag)],
      ["To", withTag(dialog.remoteUri, dialog.remoteTag)],
      ["Call-ID", dialog.callId],
      ["CSeq", `${cseq} ${method}`],
      ...(options.contact === undefined || WITHOUT_CONTACT.has(method) ? [] : [["Contact", options.contact] as const]),
      ...(options.headers ?? []),
    ],
    ...(options.body === undefined ? {} : { body: options.body }),
    ...(options.contentType === undefined ? {} : { contentType: options.contentType }),
  });
}

/** A From or To value. The stored URI may stand bare; brackets keep its parameters apart from the tag (section 20.10). */
function withTag(uri: string, tag: string | undefined): string {
  const address = parseNameAddr(uri);
  if (address === undefined) return tag === undefined ? `<${uri}>` : `<${uri}>;tag=${tag}`;
  const params = new Map([...address.params].filter(([name]) => name !== "tag"));
  if (tag !== undefined) params.set("tag", tag);
  return serializeNameAddr({ ...address, params });
}

export type DialogRequestOutcome =
  | { readonly ok: true; readonly dialog: DialogState }
  /** `cseq-repeated`: the same request through another gateway; its stored response, if there is one, is the better answer. */
  | { readonly ok: false; readonly status: 500; readonly code: "cseq-invalid" | "cseq-lower" | "cseq-repeated" };

/** The dialog after the peer's request (section 12.2.2). ACK repeats the INVITE's number and changes nothing. */
export function acceptDialogRequest(dialog: DialogState, request: SipRequest): DialogRequestOutcome {
  const cseq = cseqOf(request);
  if (cseq === undefined || cseq.method !== request.method) return { ok: false, status: 500, code: "cseq-invalid" };
  if (request.method === "ACK" || request.method === "CANCEL") return { ok: true, dialog };
  if (cseq.number < dialog.remoteCseq) return { ok: false, status: 500, code: "cseq-lower" };
  if (cseq.number === dialog.remoteCseq) return { ok: false, status: 500, code: "cseq-repeated" };
  const accepted = { ...dialog, remoteCseq: cseq.number };
  return { ok: true, dialog: TARGET_REFRESHING.has(request.method) ? refreshed(accepted, request) : accepted };
}

/** The dialog after a response to our request: a 2xx to INVITE or UPDATE moves the target (section 12.2.1.2); the route set never changes. */
export function refreshTarget(dialog: DialogState, response: SipResponse): DialogState {
  const isSuccess = response.status >= 200 && response.status < 300;
  return isSuccess && TARGET_REFRESHING.has(cseqOf(response)?.method ?? "") ? refreshed(dialog, response) : dialog;
}

function refreshed(dialog: DialogState, message: SipMessage): DialogState {
  return {
    ...dialog,
    remoteTarget: contactUri(message) ?? dialog.remoteTarget,
    remoteAllow: allowedMethods(message) ?? dialog.remoteAllow,
  };
}
