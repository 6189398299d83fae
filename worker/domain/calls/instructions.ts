/** A call's document, carried out: the instruction machine says what, this does it, in that order. */
import { MEDIA_SOURCES } from "#protocol/media";
import type { MediaJoin, MediaSource } from "#protocol/media";
import { advanceInstructions } from "../instructions/instruction-machine.ts";
import type { InstructionAction, InstructionInput, InstructionStep } from "../instructions/instruction-state.ts";
import { answerCaller, ringCaller } from "./answer.ts";
import { requestDocument } from "./application.ts";
import type { CallDraft } from "./call-draft.ts";
import { enterRoom } from "./call-room.ts";
import { afterDial, ringForDial } from "./dial.ts";
import type { DialAction } from "./dial.ts";
import { askSettings, startOwnDocument } from "./forwarding.ts";
import { endCall } from "./hang-up.ts";
import { joinMedia } from "./join.ts";
import type { Refusal } from "./refusal.ts";

/** Beside what an application serves, a document may play what gateways make themselves. */
const OWN_SOURCE = "nearside:";
/** What the instruction machine says for endless. */
const ENDLESS = 1_000;
/** Problems of one document that the call's own log shows. */
const REPORTED = 10;
const BUSY: Refusal = { status: 486, reason: "Busy Here" };
const NO_GATEWAY: Refusal = { status: 503, reason: "Service Unavailable", retryAfterSeconds: 5 };

/** Runs one of the platform's own documents. */
export function startDocument(draft: CallDraft, text: string): void {
  draft.record();
  take(draft, startOwnDocument(text));
}

/** What the document waited for has happened. */
export function advance(draft: CallDraft, input: InstructionInput): void {
  const { instructions } = draft.state;
  if (instructions !== undefined) take(draft, advanceInstructions(instructions, input));
}

function take(draft: CallDraft, { state, actions }: InstructionStep): void {
  draft.state.instructions = state;
  if (actions.length > 0) draft.state.actions = [...(draft.state.actions ?? []), ...actions];
}

/** Carries out, in order, whatever the caller can hear by now. */
export function followInstructions(draft: CallDraft): void {
  while (!draft.ended && !isAnswering(draft)) {
    const [action, ...rest] = draft.state.actions ?? [];
    if (action === undefined) return;
    draft.state.actions = rest.length === 0 ? undefined : rest;
    carryOut(draft, action);
  }
}

/** The call is over: the action of a Dial is told even so. */
export function finishInstructions(draft: CallDraft): void {
  const { instructions } = draft.state;
  takeActions(draft);
  if (instructions === undefined || instructions.wait.for === "nothing") return;
  advance(draft, { kind: "caller-gone" });
  const group = draft.state.groups.findLast(({ purpose }) => purpose.kind === "dial");
  if (draft.state.instructions?.wait.for === "dial" && group?.purpose.kind === "dial")
    advance(draft, afterDial(draft, group, { kind: "ended", outcome: "canceled", cause: "caller-gone" }));
  const fetch = takeActions(draft).find((action) => action.kind === "fetch");
  if (fetch !== undefined) fetchDocument(draft, fetch);
}

function takeActions({ state }: CallDraft): readonly InstructionAction[] {
  const actions = state.actions ?? [];
  state.actions = undefined;
  return actions;
}

/** A browser's 200 needs its gateway's SDP first, and what follows the answer needs the 200. */
function isAnswering(draft: CallDraft): boolean {
  return draft.state.answeredAtMs === undefined && draft.caller?.codec !== undefined;
}

function carryOut(draft: CallDraft, action: InstructionAction): void {
  switch (action.kind) {
    case "answer":
      // A full room is a busy line: who cannot come in is not answered.
      if (roomOf(draft.state.actions?.[0]) !== undefined) return;
      // Who was transferred to a number has been answered.
      if (draft.state.answeredAtMs !== undefined) return;
      return answerCaller(draft, draft.state.codecs[0] ?? "PCMU");
    case "echo":
      return letCallerHear(draft, { kind: "echo" });
    case "play":
      return play(draft, action);
    case "hangup":
      return action.failure === undefined
        ? endCall(draft, "completed", "hangup")
        : endCall(draft, "failed", "instruction-failed");
    case "reject":
      return reject(draft, action);
    case "report":
      return report(draft, action);
    case "dial":
      return dial(draft, action);
    case "pause":
      ringCaller(draft);
      draft.state.pauseUntilMs = draft.context.nowMs + action.seconds * 1_000;
      return;
    case "fetch":
      return fetchDocument(draft, action);
    case "say":
    case "play-digits":
      return skip(draft, action.kind);
  }
}

/** The name of the room that a Dial leads to. */
function roomOf(action: InstructionAction | undefined): string | undefined {
  const target = action?.kind === "dial" ? action.targets[0] : undefined;
  return target?.kind === "conference" ? target.name : undefined;
}

function dial(draft: CallDraft, action: DialAction): void {
  const room = roomOf(action);
  if (room === undefined) {
    const ended = ringForDial(draft, action);
    return ended === undefined ? undefined : advance(draft, ended);
  }
  if (!enterRoom(draft, room)) endCall(draft, "failed", "no-gateway", NO_GATEWAY);
}

/** The room has no place left. */
export function roomFull(draft: CallDraft): void {
  if (draft.ended) return;
  draft.state.room = undefined;
  draft.log("room.full", { leg: draft.caller?.leg });
  if (draft.caller?.codec === undefined) return endCall(draft, "busy", "room-full", BUSY);
  advance(draft, { kind: "dial-ended", outcome: "busy", refusal: BUSY });
}

function play(draft: CallDraft, { url, loop }: Extract<InstructionAction, { kind: "play" }>): void {
  const source = ownSource(url);
  // Gateways do not tell the end of what they play yet, so only what has none can be waited for.
  if (source === undefined || loop < ENDLESS) return skip(draft, "play");
  letCallerHear(draft, { kind: "player", source, loop: true, anchorMs: draft.context.nowMs });
}

function ownSource(url: string): MediaSource | undefined {
  return MEDIA_SOURCES.find((source) => url === `${OWN_SOURCE}${source}`);
}

function letCallerHear(draft: CallDraft, join: MediaJoin): void {
  draft.state.callerMedia = join;
  joinMedia(draft);
}

function reject(
  draft: CallDraft,
  { callStatus, status, reason }: Extract<InstructionAction, { kind: "reject" }>,
): void {
  endCall(draft, callStatus, draft.state.forwarding?.ended?.cause ?? "rejected", { status, reason });
}

function report(draft: CallDraft, { url, problems }: Extract<InstructionAction, { kind: "report" }>): void {
  for (const { code, line, column, message } of problems.slice(0, REPORTED))
    draft.log("document.problem", { detail: `${code} at ${line}:${column}: ${message}` });
  draft.log("document.problems", { detail: `${problems.length} in ${url.replace(/[?#].*$/, "")}` });
}

function fetchDocument(draft: CallDraft, action: Extract<InstructionAction, { kind: "fetch" }>): void {
  if (!action.url.startsWith(OWN_SOURCE)) return requestDocument(draft, action);
  const answer = askSettings(draft, action);
  if (answer !== undefined) advance(draft, answer);
}

/** What this release cannot carry out is left out, and the call says so. */
function skip(draft: CallDraft, what: "say" | "play" | "play-digits"): void {
  draft.log("instruction.skipped", { leg: draft.caller?.leg, detail: `${what}-unsupported` });
  advance(draft, { kind: "media-ended" });
}
