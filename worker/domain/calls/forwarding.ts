/** Where a call to somebody with settings, or to a number with an application, goes: decided once it is located. */
import type { EndpointId } from "#protocol/ids";
import type { CalleePlan, EndpointSettings, NumberSettings } from "../accounts/callee-plan.ts";
import { DEFAULT_SETTINGS, FORWARD_CONDITIONS, RING_TIMEOUT_SECONDS } from "../accounts/callee-plan.ts";
import { calleeDocument, FORWARDING_URL, forwardTarget, NOBODY_ELSE } from "../instructions/forwarding-documents.ts";
import { startInstructions } from "../instructions/instruction-machine.ts";
import type { InstructionAction, InstructionInput, InstructionStep } from "../instructions/instruction-state.ts";
import { parseTwiml } from "../instructions/parse-twiml.ts";
import { parseDialledAddress } from "../location/dialled-address.ts";
import type { CallDraft } from "./call-draft.ts";
import type { CallInput } from "./call-input.ts";
import { endCall } from "./hang-up.ts";
import type { Refusal } from "./refusal.ts";
import type { RingFailure, RingGroup, RingNews, RingTarget } from "./ring-group-state.ts";
import { failTarget, lookElsewhere, ringTarget } from "./ring-group.ts";

type Located = Extract<CallInput, { kind: "located" }>;

/** Endpoints that one call may pass through. */
const CHAIN_LIMIT = 5;
const DO_NOT_DISTURB: RingFailure = { status: 486, reason: "Busy Here", cause: "do-not-disturb" };
const FORWARDED: RingFailure = { status: 480, reason: "Temporarily Unavailable", cause: "forwarded" };
const NOT_TOGETHER: RingFailure = { status: 404, reason: "Not Found", cause: "number-has-application" };
const LOOP: Refusal = { status: 482, reason: "Loop Detected" };
const TOO_LONG: Refusal = { status: 483, reason: "Too Many Hops" };

/** A target was found: its devices ring, unless its account has other plans. */
export function targetLocated(draft: CallDraft, group: RingGroup, target: RingTarget, found: Located): void {
  const { settings, number }: CalleePlan = found.plan ?? {};
  if (number !== undefined) return numberReached(draft, group, target, number);
  if (!found.known && lookElsewhere(draft, group, target)) return;
  if (settings === undefined || !found.known) return ringTarget(draft, group, target, found);
  const alone = isAlone(group, target);
  const follows = alone && isFollowing(draft, group);
  if (follows) followSettings(draft, group, target.identity, settings);
  if (follows && settings.forward.always !== undefined) return failTarget(draft, group, target, FORWARDED);
  if (settings.doNotDisturb) return failTarget(draft, group, target, DO_NOT_DISTURB);
  if (alone && settings.ringTimeoutSeconds !== RING_TIMEOUT_SECONDS.fallback) {
    group.ringUntilMs = Math.min(group.ringUntilMs, draft.context.nowMs + settings.ringTimeoutSeconds * 1_000);
    group.timed = true;
  }
  ringTarget(draft, group, target, { ...found, ring: settings.ring });
}

/** Settings forward plain calls, and what they forwarded already; an application and who transfers decide themselves. */
function isFollowing({ state }: CallDraft, { purpose }: RingGroup): boolean {
  return purpose.kind === "call" || (purpose.kind === "dial" && state.forwarding !== undefined);
}

/** A plain call becomes one that follows the callee's document; what it rings already is the document's first Dial. */
function followSettings(draft: CallDraft, group: RingGroup, identity: EndpointId, settings: EndpointSettings): void {
  const { state } = draft;
  if (
    state.forwarding === undefined &&
    FORWARD_CONDITIONS.every((condition) => settings.forward[condition] === undefined)
  )
    return;
  state.forwarding = { chain: [identity], ...state.forwarding, settings };
  if (group.purpose.kind !== "call") return;
  const step = startOwnDocument(calleeDocument(identity));
  const dial = step.actions.find((action) => action.kind === "dial");
  if (dial === undefined) return;
  state.instructions = step.state;
  group.purpose = { kind: "dial", timeLimitSeconds: dial.timeLimitSeconds };
}

/** Runs one of the platform's own documents. */
export function startOwnDocument(text: string): InstructionStep {
  const parsed = parseTwiml(text);
  if (!parsed.ok) throw new TypeError(`a document of our own is wrong: ${parsed.code}`);
  return startInstructions(parsed.document);
}

/** Notes how a Dial of the settings' document ended. `true` when the call is over by that. */
export function forwardingEnded(draft: CallDraft, end: Extract<RingNews, { kind: "ended" }>, talked: boolean): boolean {
  const { forwarding } = draft.state;
  if (forwarding === undefined) return false;
  forwarding.ended = {
    outcome: end.outcome,
    cause: end.cause,
    ...(end.refusal === undefined ? {} : { status: end.refusal.status }),
  };
  if (talked) endCall(draft, end.outcome, end.cause, end.refusal);
  return talked;
}

/** The settings are asked how the call goes on, as an application would be. */
export function askSettings(
  draft: CallDraft,
  { url, last }: Extract<InstructionAction, { kind: "fetch" }>,
): InstructionInput | undefined {
  const { forwarding } = draft.state;
  if (last) return undefined;
  if (url !== FORWARDING_URL || forwarding === undefined) return { kind: "document-failed", code: 11100 };
  const { ended } = forwarding;
  const target = ended === undefined ? undefined : forwardTarget(forwarding.settings, ended);
  const next = target === undefined ? undefined : parseDialledAddress(target);
  if (ended === undefined || target === undefined || next === undefined) return { kind: "document", text: NOBODY_ELSE };
  const loops = forwarding.chain.includes(next.endpoint);
  if (loops || forwarding.chain.length >= CHAIN_LIMIT) {
    endCall(draft, "failed", loops ? "forwarding-loop" : "forwarding-too-long", loops ? LOOP : TOO_LONG);
    return undefined;
  }
  // Whoever comes next has no word in it until its own settings are known.
  draft.state.forwarding = { settings: DEFAULT_SETTINGS, chain: [...forwarding.chain, next.endpoint] };
  draft.log("call.forwarded", { detail: `${forwarding.chain.at(-1) ?? ""} to ${target}: ${ended.cause}` });
  return { kind: "document", text: calleeDocument(target) };
}

/** Whoever was looked for in vain before it does not count. */
function isAlone(group: RingGroup, target: RingTarget): boolean {
  return group.targets.every((one) => one === target || one.otherwise === target.identity);
}

/** The number's application takes the call over, whoever dialled it; it cannot ring beside others. */
function numberReached(draft: CallDraft, group: RingGroup, target: RingTarget, number: NumberSettings): void {
  const { state } = draft;
  const takesOver = isAlone(group, target) && (group.purpose.kind === "call" || group.purpose.kind === "dial");
  if (!takesOver) return failTarget(draft, group, target, NOT_TOGETHER);
  const { voiceUrl, voiceMethod, voiceFallbackUrl, voiceFallbackMethod } = number;
  target.located = true;
  group.endedAtMs = draft.context.nowMs;
  const forwardedFrom = state.forwarding?.chain[0];
  state.forwarding = undefined;
  state.application = {
    number: number.number,
    ...(forwardedFrom === undefined ? {} : { forwardedFrom }),
    ...(voiceFallbackUrl === undefined
      ? {}
      : { fallback: { url: voiceFallbackUrl, method: voiceFallbackMethod ?? "POST" } }),
  };
  const at = { line: 1, column: 1 };
  // Numbers that dial each other find the same end as documents that do.
  const step = startInstructions(
    { verbs: [{ kind: "redirect", at, url: voiceUrl, method: voiceMethod }] },
    { after: state.instructions },
  );
  state.instructions = step.state;
  state.actions = step.actions;
  draft.record();
  draft.log("number.called", { detail: number.number });
}
