/** What the one who asked for a transfer hears of it: NOTIFY of the implicit subscription (RFC 3515 section 2.4, RFC 4488). */
import { notifyBrowser } from "./browser-signalling.ts";
import type { CallDraft } from "./call-draft.ts";
import type { CallTransfer } from "./call-state.ts";

/** A target rings no longer than that. */
const SUBSCRIPTION_SECONDS = 90;

/** The transfer's progress as the status line of a response. A final one ends the subscription. */
export function notifyTransfer(draft: CallDraft, transfer: CallTransfer, status: number, reason: string): void {
  const leg = draft.leg(transfer.by);
  if (!transfer.subscribes || leg === undefined || leg.stage === "ended") return;
  const notification = {
    // The REFER's CSeq number tells it from others in the same dialog (section 2.4.6).
    event: `refer;id=${transfer.cseq}`,
    subscriptionState: status < 200 ? `active;expires=${SUBSCRIPTION_SECONDS}` : "terminated;reason=noresource",
    body: `SIP/2.0 ${status} ${reason}\r\n`,
  };
  if (leg.kind === "phone") draft.command(leg, { kind: "notify-leg", leg: leg.leg, ...notification });
  else notifyBrowser(draft, leg, notification);
}
