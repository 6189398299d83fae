/** What the instruction machine remembers, hears and asks for. All of it is JSON. */
import type { CallStatus } from "../calls/call-object-api.ts";
import type { Refusal } from "../calls/refusal.ts";
import type { DialInstruction, DialPlan, HttpMethod, Instruction } from "./instruction.ts";
import type { TwimlProblem } from "./twiml-problem.ts";

/** What has to happen before the next verb. */
export type InstructionWait =
  | { readonly for: "media" }
  | { readonly for: "pause" }
  /** Only the caller ends it. */
  | { readonly for: "echo" }
  | { readonly for: "dial"; readonly dial: DialInstruction }
  | { readonly for: "document"; readonly url: string }
  /** The document has nothing more to say: inputs change nothing. */
  | { readonly for: "nothing" };

export interface InstructionState {
  /** Where the present document came from: what its relative URLs start from. Absent for built-in ones. */
  readonly documentUrl?: string;
  /** The verbs that were not begun. */
  readonly remaining: readonly Instruction[];
  readonly wait: InstructionWait;
  /** The caller's leg has its 200, or will have it by an action that was given out. */
  readonly answered: boolean;
  /** The caller hung up in a Dial whose action still has to be told. */
  readonly callerGone: boolean;
  /** Documents so far, the first one included. */
  readonly documents: number;
  /** What a caller who is still ringing at the end is told: how the last Dial failed. */
  readonly refusal?: Refusal & { readonly callStatus: CallStatus };
  /** Twilio's code of what broke the call; the hang-up that ends it says so. */
  readonly failure?: number;
}

export type DialOutcome = "completed" | "answered" | "busy" | "no-answer" | "failed" | "canceled";

/** It happened. Each is an answer to one action; what the state does not wait for changes nothing. */
export type InstructionInput =
  | {
      readonly kind: "dial-ended";
      /** `completed` and `answered` both mean that somebody was connected. */
      readonly outcome: DialOutcome;
      readonly durationSeconds?: number;
      readonly dialCallSid?: string;
      /** The best of the callees' answers, for a caller who hears no more verbs (RFC 3261 section 16.7). */
      readonly refusal?: Refusal;
    }
  /** A `play`, `play-digits` or `say` is over, or could not be carried out. */
  | { readonly kind: "media-ended" }
  | { readonly kind: "pause-ended" }
  /** The text that a `fetch` brought; `url` when redirects led to another one. */
  | { readonly kind: "document"; readonly text: string; readonly url?: string }
  /** Nothing came of a `fetch`, the fallback URL included, if there is one. */
  | { readonly kind: "document-failed"; readonly code: number }
  | { readonly kind: "caller-gone" };

/** Do it, in this order. The last one, unless it ends the call, is answered by an input. */
export type InstructionAction =
  /** 200 to the caller. What follows waits until the leg can carry media. */
  | { readonly kind: "answer" }
  /**
   * Answered by `dial-ended`, also after the caller hung up. With `answerOnBridge`, a caller who has not been answered
   * goes on ringing and is answered by the owner together with the first callee.
   */
  | ({ readonly kind: "dial" } & DialPlan)
  /** Answered by `media-ended`, as the next two. `loop` is a number of times, 1,000 for an endless one. */
  | { readonly kind: "play"; readonly url: string; readonly loop: number }
  /** Touch tones; each `w` is half a second of silence, each `W` a whole one. */
  | { readonly kind: "play-digits"; readonly digits: string; readonly loop: number }
  | {
      readonly kind: "say";
      readonly text: string;
      readonly voice?: string;
      readonly language?: string;
      readonly loop: number;
    }
  /** Answered by `pause-ended`. Before any `answer` the caller rings meanwhile. */
  | { readonly kind: "pause"; readonly seconds: number }
  | { readonly kind: "echo" }
  /** Answered by `document` or `document-failed`, unless `last`: then the call is over and nobody waits. */
  | {
      readonly kind: "fetch";
      readonly url: string;
      readonly method: HttpMethod;
      /** Beside those that every request about a call has. */
      readonly parameters: Readonly<Record<string, string>>;
      readonly last: boolean;
    }
  /** For the account's log: what is wrong in a document that was fetched, errors first, at most 100. */
  | { readonly kind: "report"; readonly url: string; readonly problems: readonly TwimlProblem[] }
  /** A final refusal for a caller who was never answered, and the call's status in Twilio's words. */
  | ({ readonly kind: "reject"; readonly callStatus: CallStatus; readonly failure?: number } & Refusal)
  | { readonly kind: "hangup"; readonly failure?: number };

export interface InstructionStep {
  readonly state: InstructionState;
  readonly actions: readonly InstructionAction[];
}
