/**
 * Blind transfer (RFC 5589 section 6): one of two who talk has the other connected with somebody else. Until the target
 * answers nothing is decided, and the two talk on when it does not.
 */
import type { EndpointId } from "#protocol/ids";
import type { CodecName } from "#protocol/media";
import { reasonPhrase } from "#sip/message/build";
import type { CallDraft } from "./call-draft.ts";
import type { CallLeg, CallTransfer } from "./call-state.ts";
import { hangUp } from "./hang-up.ts";
import { finishInstructions, startDocument } from "./instructions.ts";
import { joinMedia } from "./join.ts";
import { notifyTransfer } from "./refer-notify.ts";
import type { Refusal } from "./refusal.ts";
import type { RingGroup } from "./ring-group-state.ts";
import { endGroup, groupOf, legIsGone, ringGroup } from "./ring-group.ts";

const GIVEN_UP: Refusal = { status: 487, reason: reasonPhrase(487) };

/** Who stays, here or in the linked call. */
export interface Party {
  readonly identity: string;
  readonly codec?: CodecName;
}

/** Rings the target for the one who stays, and in that one's name. */
export function ringTransferTarget(draft: CallDraft, transfer: CallTransfer, stays: Party, target: EndpointId): void {
  const group = ringGroup(draft, {
    purpose: { kind: "transfer" },
    targets: [target],
    // Nothing is transcoded: the target must take what the one who stays has.
    ...(stays.codec === undefined ? {} : { codecs: [stays.codec] }),
    ...(stays.identity === draft.state.from ? {} : { callerId: `client:${stays.identity}` }),
    ...(transfer.referredBy === undefined ? {} : { referredBy: transfer.referredBy }),
  });
  transfer.group = group.id;
}

/** A number has nobody to ring: its document runs for the one who stays. */
export function transferToNumber(draft: CallDraft, transfer: CallTransfer, document: string): void {
  const { by, stays } = transfer;
  const leg = draft.leg(stays);
  if (leg !== undefined) passOn(draft, leg);
  draft.state.winner = undefined;
  leaveTransfer(draft, transfer);
  finishInstructions(draft);
  draft.log("transfer.completed", { leg: stays, detail: `${by} put it through to ${transfer.to}` });
  startDocument(draft, document);
}

/** The target talks with who stays; the transferor is told and leaves. */
export function targetAnswers(draft: CallDraft, group: RingGroup, target: CallLeg): void {
  const { transfer } = draft.state;
  if (transfer?.group !== group.id) return hangUp(draft, target);
  const stays = draft.leg(transfer.stays);
  // Who stays in the linked call talks with whom this call is carried out for.
  passOn(draft, stays ?? target, group);
  draft.state.winner = stays === undefined ? undefined : target.leg;
  leaveTransfer(draft, transfer);
  draft.log("transfer.completed", { leg: transfer.stays, detail: `talks with ${target.leg}` });
  joinMedia(draft);
}

/** Whatever waits for the end of the talk waits for that of the new one; it is the call itself once its caller has left. */
export function passOn(draft: CallDraft, stays: CallLeg, group?: RingGroup): void {
  const { state, winner, caller } = draft;
  const before = winner === undefined ? undefined : groupOf(draft, winner);
  const callerStays = caller === stays;
  if (before !== undefined) before.endedAtMs = draft.context.nowMs;
  // Who was heard before the answer may be the one who stays, and must not be joined with itself.
  delete state.early;
  if (group !== undefined) {
    group.purpose = callerStays && before !== undefined ? before.purpose : { kind: "call" };
    if (callerStays) group.talkUntilMs = before?.talkUntilMs;
  }
  if (callerStays) return;
  finishInstructions(draft);
  state.instructions = undefined;
  state.main = stays.leg;
}

/** It worked: the transferor hears so and is let go. */
export function leaveTransfer(draft: CallDraft, transfer: CallTransfer): void {
  draft.state.transfer = undefined;
  // Another pair of legs, another stream between gateways (protocol/media.ts).
  draft.state.trunkStream = draft.context.randomHex(8);
  notifyTransfer(draft, transfer, 200, reasonPhrase(200));
  const by = draft.leg(transfer.by);
  if (by !== undefined) hangUp(draft, by);
  draft.record();
}

/** The two go on as before; if the transferor has left already, its end means now what it means at any other time. */
export function transferFails(draft: CallDraft, refusal: Refusal = GIVEN_UP): void {
  const { transfer } = draft.state;
  if (transfer === undefined) return;
  draft.state.transfer = undefined;
  draft.log("transfer.failed", { leg: transfer.stays, detail: `${refusal.status} ${refusal.reason}` });
  notifyTransfer(draft, transfer, refusal.status, refusal.reason);
  const by = draft.leg(transfer.by);
  if (by?.stage === "ended") return legIsGone(draft, by, { outcome: "completed", cause: "transfer-failed" });
  joinMedia(draft);
  draft.record();
}

/** What rings for it stops; `transferFails` comes of that. */
export function abandonTransfer(draft: CallDraft, transfer: CallTransfer): void {
  const group = draft.state.groups.find(({ id }) => id === transfer.group);
  if (group === undefined) return transferFails(draft);
  endGroup(draft, group, { outcome: "canceled", cause: "transfer-abandoned", refusal: GIVEN_UP });
}
