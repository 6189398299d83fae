/** REFER within one of the call's dialogs: may it transfer, and whom to (RFC 3515 section 2.4.2). */
import { reasonPhrase } from "#sip/message/build";
import { documentForNumber } from "../instructions/built-in-documents.ts";
import { parseDialledAddress } from "../location/dialled-address.ts";
import type { CallDraft } from "./call-draft.ts";
import { askForLink, callOfReplaces } from "./call-link.ts";
import type { CallLeg, CallTransfer } from "./call-state.ts";
import { notifyTransfer } from "./refer-notify.ts";
import { readReferTo } from "./refer-target.ts";
import type { ReferTarget } from "./refer-target.ts";
import { isLocalHost } from "./start-call.ts";
import { abandonTransfer, ringTransferTarget, transferToNumber } from "./transfer.ts";

export interface Refer {
  readonly cseq: number;
  readonly referTo: string | undefined;
  readonly referredBy?: string | undefined;
  readonly subscribes: boolean;
}

export interface ReferAnswer {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

type Refused = Extract<ReferTarget, { kind: "refused" }>;
type Accepted = Exclude<ReferTarget, Refused>;

/** `answer` goes out before any NOTIFY. */
export function receiveRefer(
  draft: CallDraft,
  leg: CallLeg,
  refer: Refer,
  answer: (answer: ReferAnswer) => void,
): void {
  const target = readReferTo(refer.referTo);
  const problem = target.kind === "refused" ? target : problemOf(draft, leg, target);
  if (target.kind === "refused" || problem !== undefined) {
    const { status, code } = problem ?? NOBODY;
    draft.log("transfer.refused", { leg: leg.leg, detail: code });
    draft.effects.push({ kind: "count", name: `call.refer-refused.${code}` });
    return answer({ status, reason: reasonPhrase(status), headers: [] });
  }
  // Who does not subscribe is told that this was understood (RFC 4488 section 4).
  answer({ status: 202, reason: "Accepted", headers: refer.subscribes ? [] : [["Refer-Sub", "false"]] });
  const { cseq, subscribes, referredBy } = refer;
  const stays = draft.peerOf(leg)?.leg;
  beginTransfer(draft, leg, target, {
    by: leg.leg,
    ...(stays === undefined ? {} : { stays }),
    cseq,
    subscribes,
    ...(referredBy === undefined ? {} : { referredBy }),
  });
}

const NOBODY: Refused = { kind: "refused", status: 403, code: "nobody-to-transfer" };

function problemOf(draft: CallDraft, leg: CallLeg, target: Accepted): Refused | undefined {
  const peer = draft.peerOf(leg);
  const linked = peer === undefined && leg === draft.caller && draft.state.link !== undefined;
  if (isUnderWay(draft)) return refused(491, "transfer-under-way");
  if (!linked && (peer?.codec === undefined || peer.stage === "ended")) return NOBODY;
  if (target.kind === "dialog") {
    const call = callOfReplaces(target.replaces);
    if (call === undefined || call === draft.state.token) return refused(403, "foreign-dialog");
    // One call has one partner.
    return linked ? refused(403, "linked-already") : undefined;
  }
  if (!isLocalHost(draft, target.host)) return refused(403, "foreign-domain");
  if (documentForNumber(target.user) !== undefined) return linked ? refused(403, "linked-already") : undefined;
  return parseDialledAddress(target.user) === undefined ? refused(404, "endpoint-unknown") : undefined;
}

function refused(status: number, code: string): Refused {
  return { kind: "refused", status, code };
}

/** One whose search for the target was lost with its object does not stand in the way for ever. */
function isUnderWay(draft: CallDraft): boolean {
  const { transfer, groups } = draft.state;
  const group = groups.find(({ id }) => id === transfer?.group);
  if (transfer === undefined) return false;
  if (transfer.linking !== undefined || group === undefined || group.ringUntilMs >= draft.context.nowMs) return true;
  abandonTransfer(draft, transfer);
  return false;
}

/** The target is whom the transferor talks with in another call. */
function beginAttended(draft: CallDraft, replaces: string, about: Omit<CallTransfer, "to">): void {
  const token = callOfReplaces(replaces);
  if (token === undefined) return;
  const linking = { token, replaces, stream: draft.context.randomHex(8) };
  const transfer: CallTransfer = { ...about, to: "another call", linking };
  draft.state.transfer = transfer;
  draft.log("transfer.requested", { leg: about.by, detail: `${about.stays ?? ""} to another call` });
  notifyTransfer(draft, transfer, 100, reasonPhrase(100));
  askForLink(draft, transfer);
}

function beginTransfer(draft: CallDraft, by: CallLeg, target: Accepted, about: Omit<CallTransfer, "to">): void {
  if (target.kind === "dialog") return beginAttended(draft, target.replaces, about);
  const document = documentForNumber(target.user);
  const dialled = parseDialledAddress(target.user);
  const transfer: CallTransfer = { ...about, to: dialled?.number ?? dialled?.endpoint ?? target.user };
  draft.state.transfer = transfer;
  // Both sides of a link have the same codec.
  const stays = draft.peerOf(by) ?? { identity: draft.state.link?.identity ?? "", codec: by.codec };
  draft.log("transfer.requested", { leg: by.leg, detail: `${stays.identity} to ${transfer.to}` });
  notifyTransfer(draft, transfer, 100, reasonPhrase(100));
  if (document !== undefined) transferToNumber(draft, transfer, document);
  else if (dialled !== undefined) ringTransferTarget(draft, transfer, stays, dialled.endpoint);
}
