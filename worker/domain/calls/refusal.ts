/** What a caller who is not connected hears. */
import type { CallStatus } from "./call-object-api.ts";

export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds?: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** A refusal as the call's final status in Twilio's words. */
export function statusOfRefusal(status: number): Extract<CallStatus, "busy" | "no-answer" | "canceled" | "failed"> {
  switch (status) {
    case 486:
    case 600:
    case 603:
      return "busy";
    case 408:
    case 480:
      return "no-answer";
    case 487:
      return "canceled";
    default:
      return "failed";
  }
}

/** RFC 3261 section 16.7 step 6: a 6xx if there is one, else the lowest class; inside it, what says most about the person. */
export function bestRefusal<Entry extends Refusal>(refusals: readonly Entry[]): Entry | undefined {
  const rank = (status: number): number => (status >= 600 ? 0 : status < 500 ? (status === 408 ? 2 : 1) : 3);
  return refusals.toSorted((a, b) => rank(a.status) - rank(b.status) || a.status - b.status)[0];
}
