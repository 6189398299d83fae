/** Call forwarding as documents: what a callee's settings say, in the words of the interpreter that every call can run. */
import type { EndpointSettings, ForwardCondition } from "../accounts/callee-plan.ts";

/** Asked like any application how a Dial's end goes on; the call answers it itself. */
export const FORWARDING_URL = "nearside:forwarding";

/** Rings the callee itself. The caller rings on until somebody answers. */
export function calleeDocument(target: string): string {
  const noun = /^\+?\d+$/.test(target) ? "Number" : "Client";
  return `<Response><Dial answerOnBridge="true" timeout="60" action="${FORWARDING_URL}"><${noun}>${target}</${noun}></Dial></Response>`;
}

/** Nobody else is to be called: a caller who still rings hears how the last Dial ended. */
export const NOBODY_ELSE = "<Response/>";

export interface DialEnd {
  readonly outcome: string;
  readonly cause: string;
  readonly status?: number;
}

/** Whom the settings name for this end of a call to the callee; `undefined` when it is left at that. */
export function forwardTarget({ forward }: EndpointSettings, end: DialEnd): string | undefined {
  if (forward.always !== undefined) return forward.always;
  for (const condition of conditionsOf(end)) {
    if (forward[condition] !== undefined) return forward[condition];
  }
  return undefined;
}

/** A phone that is gone and one that nobody picks up look alike until its registration has run out. */
function conditionsOf({ outcome, cause, status }: DialEnd): readonly ForwardCondition[] {
  if (outcome === "completed" || outcome === "canceled") return [];
  if (outcome === "busy") return ["busy"];
  if (cause === "no-answer" || status === 408) return ["noAnswer", "unreachable"];
  return ["unreachable"];
}
