/** REFER of a phone, and the NOTIFYs that tell it how its transfer goes (RFC 3515, RFC 4488). The Call object decides. */
import { REFER_FIELD_LIMIT } from "#protocol/call-messages";
import type { CallCommand } from "#protocol/call-messages";
import { createDialogRequest } from "#sip/dialog/dialog-request";
import { createResponse } from "#sip/message/build";
import { header } from "#sip/message/headers";
import { cseqOf } from "#sip/message/typed-headers";
import type { ServerTransaction } from "../sip-transport/sip-stack.ts";
import { contactOf, publish, sendRequest, startTimer } from "./call-context.ts";
import type { CallContext } from "./call-context.ts";
import { ALLOW } from "./capabilities.ts";
import type { HeaderPairs } from "./capabilities.ts";
import type { PhoneLeg } from "./leg.ts";

/** For the Call object to have stored the REFER: well below Timer F, after which the phone would not listen. */
export const REFER_LIMIT_MS = 4_000;
const SIPFRAG_TYPE = "message/sipfrag;version=2.0";

/** REFER within the leg's dialog. What is accepted must outlive this gateway, so 202 waits until it is stored. */
export function receiveRefer(context: CallContext, leg: PhoneLeg, transaction: ServerTransaction): void {
  const { request } = transaction;
  const cseq = cseqOf(request)?.number ?? 0;
  const referTo = header(request, "refer-to");
  const referredBy = header(request, "referred-by");
  // Exactly one (RFC 3515 section 2.4.1); the parser refuses two.
  if (referTo === undefined) return refuse(context, transaction, { status: 400, code: "refer-to-missing" });
  if (referTo.length > REFER_FIELD_LIMIT || (referredBy?.length ?? 0) > REFER_FIELD_LIMIT)
    return refuse(context, transaction, { status: 400, code: "field-too-long" });
  if (leg.pendingRefer !== undefined) return refuse(context, transaction, { status: 491, code: "another-pending" });
  leg.pendingRefer = { cseq, transaction };
  publish(context, leg, {
    kind: "refer-received",
    leg: leg.leg,
    cseq,
    referTo,
    ...(referredBy === undefined ? {} : { referredBy }),
    subscribes: header(request, "refer-sub")?.trim().toLowerCase().startsWith("false") !== true,
  });
  startTimer(context, leg, "refer", REFER_LIMIT_MS, () => {
    leg.pendingRefer = undefined;
    publish(context, leg, { kind: "refer-given-up", leg: leg.leg, cseq });
    refuse(context, transaction, { status: 503, code: "not-stored-in-time", headers: [["Retry-After", "5"]] });
  });
}

/** `answer-refer`. */
export function answerRefer(
  context: CallContext,
  leg: PhoneLeg,
  { cseq, status, reason, headers }: Extract<CallCommand, { kind: "answer-refer" }>,
): void {
  const pending = leg.pendingRefer;
  if (pending?.cseq !== cseq) return context.count("calls.refer-answered-late");
  leg.pendingRefer = undefined;
  leg.clearTimer("refer");
  // The subscription shares the dialog and its targets (RFC 6665 section 4.1.2.1).
  const contact: HeaderPairs = status < 300 ? [["Contact", contactOf(context, leg)]] : [];
  pending.transaction.respond(
    createResponse(pending.transaction.request, status, { reason, headers: [...contact, ALLOW, ...headers] }),
  );
}

/** `notify-leg`. Whether the phone takes it changes nothing: the call goes where the Call object says. */
export function notifyLeg(
  context: CallContext,
  leg: PhoneLeg,
  { event, subscriptionState, body }: Extract<CallCommand, { kind: "notify-leg" }>,
): void {
  if (leg.ending) return;
  const { request, dialog } = createDialogRequest(leg.dialog, "NOTIFY", {
    contact: contactOf(context, leg),
    headers: [["Event", event], ["Subscription-State", subscriptionState], ALLOW],
    body,
    contentType: SIPFRAG_TYPE,
  });
  leg.dialog = dialog;
  const failed = (): void => context.count("calls.notify-failed");
  sendRequest(context, leg, request, {
    onResponse: (response) => {
      if (response.status >= 300) failed();
    },
    onTimeout: failed,
    onTransportError: failed,
  });
}

function refuse(
  context: CallContext,
  transaction: ServerTransaction,
  { status, code, headers = [] }: { readonly status: number; readonly code: string; readonly headers?: HeaderPairs },
): void {
  context.count(`refer.refused.${code}`);
  transaction.respond(createResponse(transaction.request, status, { headers: [...headers, ALLOW] }));
}
