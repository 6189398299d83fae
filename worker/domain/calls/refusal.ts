/** What a caller who is not connected hears. */
import type { CallStatus } from "./call-object-api.ts";

export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds?: number;
}

/** A refusal as the call's final status in Twilio's words. */
export function statusOfRefusal(status: number): CallStatus {
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
