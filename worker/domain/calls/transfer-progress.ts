/** A transfer while its target rings: what the two who talked hear meanwhile. */
import { reasonPhrase } from "#sip/message/build";
import type { CallDraft } from "./call-draft.ts";
import type { CallTransfer } from "./call-state.ts";
import { joinMedia } from "./join.ts";
import { notifyTransfer } from "./refer-notify.ts";

/** Who stays hears ringback from now on, the transferor nobody. */
export function targetRings(draft: CallDraft, transfer: CallTransfer): void {
  const stays = draft.leg(transfer.stays);
  if (transfer.waiting !== undefined || stays === undefined) return;
  const source = `ringback-${draft.context.toneCountry(stays.region)}` as const;
  transfer.waiting = { kind: "player", source, loop: true, anchorMs: draft.context.nowMs };
  notifyTransfer(draft, transfer, 180, reasonPhrase(180));
  joinMedia(draft);
}
