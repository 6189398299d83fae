/** A Dial of the caller's document: whom it rings, what the caller hears meanwhile, and what the document is told of its end. */
import type { EndpointId } from "#protocol/ids";
import type { MediaSource } from "#protocol/media";
import { MEDIA_SOURCES } from "#protocol/media";
import { parseSipUri } from "#sip/message/sip-uri";
import type { DialTarget } from "../instructions/instruction.ts";
import type { InstructionAction, InstructionInput } from "../instructions/instruction-state.ts";
import { endpointOfNumber, parseDialledAddress } from "../location/dialled-address.ts";
import { endpointOfNationalNumber } from "../location/national-number.ts";
import type { CallDraft } from "./call-draft.ts";
import { joinMedia } from "./join.ts";
import type { RingGroup, RingNews } from "./ring-group-state.ts";
import { legsOf, ringGroup } from "./ring-group.ts";

export type DialAction = Extract<InstructionAction, { kind: "dial" }>;
export type DialEnded = Extract<InstructionInput, { kind: "dial-ended" }>;
type RingEnd = Extract<RingNews, { kind: "ended" }>;

/** Rings everybody whom the Dial names and who is of this account; what it was when there is nobody to ring. */
export function ringForDial(draft: CallDraft, dial: DialAction): DialEnded | undefined {
  const targets = dial.targets.flatMap((target) => endpointOf(draft, target) ?? []);
  if (targets.length === 0) {
    draft.log("dial.ended", { detail: "failed: nobody to ring" });
    return { kind: "dial-ended", outcome: "failed", refusal: { status: 404, reason: "Not Found" } };
  }
  const { timeLimitSeconds, timeoutSeconds, callerId, hangupOnStar } = dial;
  const [only, ...others] = dial.targets;
  const otherwise = only?.kind === "number" && others.length === 0 ? nationalNumber(draft, only.number) : undefined;
  ringGroup(draft, {
    purpose: { kind: "dial", timeLimitSeconds, ...(hangupOnStar ? { hangupOnStar } : {}) },
    targets,
    otherwise,
    ringLimitMs: timeoutSeconds * 1_000,
    ...(callerId === undefined ? {} : { callerId }),
  });
  if (draft.state.answeredAtMs !== undefined) playRingback(draft, dial.ringTone);
  return undefined;
}

/** What a number means in the country of the caller's region. */
export function nationalNumber({ state, context }: CallDraft, number: string): EndpointId | undefined {
  return endpointOfNationalNumber(number, context.toneCountry(state.region));
}

/** Only what is in the account's own domain is rung until there are trunks to elsewhere. */
function endpointOf(draft: CallDraft, target: DialTarget): EndpointId | undefined {
  const refused = (code: string): undefined => {
    draft.log("dial.target-refused", { detail: code });
  };
  switch (target.kind) {
    case "client":
      return target.identity;
    case "number":
      return endpointOfNumber(target.number) ?? refused("number-not-dialable");
    case "sip": {
      const uri = parseSipUri(target.uri);
      if (uri?.host !== draft.state.sipDomain) return refused("domain-unknown");
      return parseDialledAddress(uri.user ?? "")?.endpoint ?? refused("endpoint-unknown");
    }
    case "conference":
      return refused("conference-not-alone");
  }
}

/** A caller who has been answered hears no 180: its gateway plays what 180 sounds like in the country. */
function playRingback(draft: CallDraft, country: string | undefined): void {
  const wanted = `ringback-${country ?? ""}`;
  const source: MediaSource =
    MEDIA_SOURCES.find((one) => one === wanted) ?? `ringback-${draft.context.toneCountry(draft.state.region)}`;
  draft.state.callerMedia = { kind: "player", source, loop: true, anchorMs: draft.context.nowMs };
  joinMedia(draft);
}

/** The callee is gone or was never reached: the caller hears nothing until the document goes on. */
export function afterDial(draft: CallDraft, group: RingGroup, { outcome, refusal, cause }: RingEnd): DialEnded {
  const { state, context } = draft;
  draft.log("dial.ended", { detail: `${outcome}: ${cause}` });
  state.winner = undefined;
  state.callerMedia = { kind: "none" };
  if (state.answeredAtMs !== undefined) joinMedia(draft);
  const legs = legsOf(draft, group);
  const leg = legs.find((one) => one.leg === group.winner) ?? legs[0];
  const answeredAtMs = group.winner === undefined ? undefined : leg?.answeredAtMs;
  return {
    kind: "dial-ended",
    // Who was connected and then lost was connected all the same.
    outcome: answeredAtMs === undefined ? outcome : "completed",
    ...(answeredAtMs === undefined
      ? {}
      : { durationSeconds: Math.round(((leg?.endedAtMs ?? context.nowMs) - answeredAtMs) / 1_000) }),
    ...(leg === undefined ? {} : { dialCallSid: leg.sid }),
    ...(refusal === undefined ? {} : { refusal }),
  };
}
