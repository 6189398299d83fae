/**
 * Two calls that are one talk (docs/design/transfer.md): after an attended transfer (RFC 5589 section 7) one party is left in
 * each, and their media goes from one call's leg to the other's. Each call tells the other where its leg is, and that it ended.
 */
import type { AccountSid, CallSid, CallToken, SipDomain } from "#protocol/ids";
import { parseCallTag } from "#protocol/ids";
import type { CodecName } from "#protocol/media";
import { parseReplaces } from "#sip/dialog/replaces";
import { reasonPhrase } from "#sip/message/build";
import type { CallDraft } from "./call-draft.ts";
import type { PartnerInput } from "./call-input.ts";
import type { CallLeg, CallLink, CallTransfer, LinkEnd } from "./call-state.ts";
import { endCall, hangUp } from "./hang-up.ts";
import { joinMedia } from "./join.ts";
import { legOfDialog } from "./replace.ts";
import { sameAccount } from "./start-call.ts";
import { leaveTransfer, passOn, transferFails } from "./transfer.ts";

/** The end of a call that its partner could not be told for so long is not told any more. */
const TELL_LIMIT_MS = 600_000;

/** One call asks the other: whom the dialog's owner talks with there shall talk with our leg. */
export interface LinkRequest {
  /** Whom it is for, and who asks. */
  readonly token: CallToken;
  readonly from: CallToken;
  readonly fromSid: CallSid;
  readonly account: AccountSid;
  readonly sipDomain: SipDomain;
  /** Who transfers: the dialog must be of the same identity. */
  readonly identity: string;
  readonly replaces: string;
  /** Who talks with our leg from then on, on our side. */
  readonly party: string;
  readonly codec: CodecName;
  /** 16 hex digits; names the link and its media. */
  readonly stream: string;
  readonly end: LinkEnd;
}

export type LinkAnswer =
  | { readonly ok: true; readonly sid: CallSid; readonly party: string; readonly end: LinkEnd }
  | { readonly ok: false; readonly status: number };

/** The call that a Replaces value names; none is foreign. */
export function callOfReplaces(value: string): CallToken | undefined {
  const replaces = parseReplaces(value);
  return replaces === undefined ? undefined : (parseCallTag(replaces.toTag) ?? parseCallTag(replaces.fromTag))?.call;
}

export function applyPartnerInput(draft: CallDraft, input: PartnerInput): void {
  switch (input.kind) {
    case "link-asked":
      return acceptLink(draft, input.request);
    case "link-answered":
      return linkAnswered(draft, input);
    case "partner-changed":
      return partnerChanged(draft, input.stream, input.end);
    case "partner-told":
      return partnerTold(draft, input.version);
    case "partner-gone":
      return partnerGone(draft);
  }
}

/** The other call is asked; the transfer stands in the state until it has answered. */
export function askForLink(draft: CallDraft, transfer: CallTransfer): void {
  const [by, stays] = [draft.leg(transfer.by), draft.leg(transfer.stays)];
  const { linking } = transfer;
  if (linking === undefined || by === undefined || stays?.codec === undefined) return;
  const { token, sid, account, sipDomain } = draft.state;
  draft.effects.push({
    kind: "ask-link",
    request: {
      token: linking.token,
      from: token,
      fromSid: sid,
      account,
      sipDomain,
      identity: by.identity,
      replaces: linking.replaces,
      party: stays.identity,
      codec: stays.codec,
      stream: linking.stream,
      end: endOf(stays, 1),
    },
  });
}

function endOf({ leg, holder }: CallLeg, version: number): LinkEnd {
  return { version, leg, ...(holder === undefined ? {} : { gateway: holder }) };
}

/** The other side of `askForLink`. Asked again, it says the same. */
function acceptLink(draft: CallDraft, request: LinkRequest): void {
  const { state } = draft;
  if (state.link?.stream === request.stream && !draft.ended) return;
  const replaces = parseReplaces(request.replaces);
  const old = replaces === undefined ? undefined : legOfDialog(state, replaces);
  const stays = old === undefined ? undefined : draft.peerOf(old);
  const status = linkProblem(draft, request, old, stays);
  if (status !== undefined || old === undefined || stays === undefined) {
    draft.log("link.refused", { leg: old?.leg, detail: String(status ?? 481) });
    draft.effects.push({ kind: "link-refused", status: status ?? 481 });
    draft.effects.push({ kind: "count", name: `call.link-refused.${status ?? 481}` });
    return;
  }
  passOn(draft, stays);
  const { from: token, fromSid: sid, party: identity, stream, end: there } = request;
  openLink(draft, { token, sid, identity, stream, there }, stays);
  hangUp(draft, old);
  joinMedia(draft);
  draft.record();
}

function linkProblem(
  draft: CallDraft,
  request: LinkRequest,
  old: CallLeg | undefined,
  stays: CallLeg | undefined,
): number | undefined {
  const { state } = draft;
  if (draft.ended || old === undefined || !sameAccount(state, request)) return 481;
  if (old.identity !== request.identity) return 403;
  // DEVIATION (docs/compliance.md#5589-7.6): a target that still rings is not connected.
  if (stays?.codec === undefined || stays.stage === "ended") return 481;
  if (state.transfer !== undefined) return 491;
  return stays.codec === request.codec ? undefined : 488;
}

function openLink(draft: CallDraft, link: Omit<CallLink, "here" | "told">, stays: CallLeg): void {
  draft.state.winner = undefined;
  draft.state.callerMedia = undefined;
  draft.state.link = { ...link, here: endOf(stays, 1), told: 1 };
  draft.log("link.opened", { leg: stays.leg, gateway: stays.holder, detail: link.sid });
}

/** Answer to `ask-link`. */
function linkAnswered(
  draft: CallDraft,
  { stream, token, answer }: Extract<PartnerInput, { kind: "link-answered" }>,
): void {
  const { transfer } = draft.state;
  const stays = transfer === undefined ? undefined : draft.leg(transfer.stays);
  const awaited = !draft.ended && transfer?.linking?.stream === stream;
  if (!awaited || stays === undefined) {
    // Nobody is left here to talk to.
    if (answer.ok) draft.effects.push({ kind: "drop-link", token, stream });
    return;
  }
  if (!answer.ok) return transferFails(draft, { status: answer.status, reason: reasonPhrase(answer.status) });
  passOn(draft, stays);
  openLink(draft, { token, sid: answer.sid, identity: answer.party, stream, there: answer.end }, stays);
  leaveTransfer(draft, transfer);
  joinMedia(draft);
}

/** The other call's leg is elsewhere now, or that call is over. */
function partnerChanged(draft: CallDraft, stream: string, end: LinkEnd): void {
  const { link } = draft.state;
  if (link?.stream !== stream || end.version <= link.there.version) return;
  draft.state.link = { ...link, there: end };
  if (end.ended === true) return endCall(draft, "completed", "partner-ended");
  draft.log("link.moved", { leg: end.leg, gateway: end.gateway });
  joinMedia(draft);
}

/** What the partner should know goes out when it has changed; after each input. */
export function tellPartner(draft: CallDraft): void {
  const { link } = draft.state;
  const leg = draft.caller;
  if (link === undefined || link.here.ended === true) return;
  // A leg that no gateway carries is nowhere yet.
  if (!draft.ended && (leg?.holder === undefined || (leg.leg === link.here.leg && leg.holder === link.here.gateway)))
    return;
  const version = link.here.version + 1;
  const here: LinkEnd =
    draft.ended || leg === undefined ? { version, leg: link.here.leg, ended: true } : endOf(leg, version);
  draft.state.link = { ...link, here };
  draft.effects.push({ kind: "tell-partner" });
}

function partnerTold(draft: CallDraft, version: number): void {
  const { link } = draft.state;
  if (link !== undefined && version > link.told) draft.state.link = { ...link, told: version };
}

/** The partner does not know of this link: there is nobody to talk to. */
function partnerGone(draft: CallDraft): void {
  const { link } = draft.state;
  if (link === undefined) return;
  draft.state.link = { ...link, told: link.here.version };
  endCall(draft, "completed", "partner-gone");
}

/** Something is on its way to another call and nobody has said that it came. */
export function owesPartner({ link, transfer }: CallDraft["state"]): boolean {
  return transfer?.linking !== undefined || (link !== undefined && link.told < link.here.version);
}

/** Time to say it again. */
export function remindPartner(draft: CallDraft): void {
  const { transfer, link, endedAtMs } = draft.state;
  if (transfer?.linking !== undefined) return askForLink(draft, transfer);
  if (!owesPartner(draft.state) || link === undefined) return;
  const tooLate = endedAtMs !== undefined && draft.context.nowMs - endedAtMs > TELL_LIMIT_MS;
  if (tooLate) draft.state.link = { ...link, told: link.here.version };
  else draft.effects.push({ kind: "tell-partner" });
}
