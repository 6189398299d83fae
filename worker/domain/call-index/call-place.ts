/** A place in an account's list of calls, over regions and days. */
import { parseCallSid } from "#protocol/ids";
import type { AccountSid } from "#protocol/ids";
import { parseCallSidParts } from "../call-sid.ts";
import type { CallSummary } from "../calls/call-object-api.ts";
import type { CallCursor, CallFilter } from "./call-index-api.ts";

/** Calls are ordered by the day that their SID names, newest first, then by creation. */
export interface CallPlace extends CallCursor {
  readonly day: number;
}

export interface CallPageQuery {
  readonly account: AccountSid;
  readonly direction: "older" | "newer";
  readonly place?: CallPlace;
  readonly limit: number;
  readonly filter: CallFilter;
}

export function placeOf(call: CallSummary): CallPlace {
  return { day: parseCallSidParts(call.sid).day, createdAtMs: call.createdAtMs, sid: call.sid };
}

/** A place as it travels in a page token, and back. */
export function encodePlace({ createdAtMs, sid }: CallPlace): string {
  return `${createdAtMs.toString(16).padStart(12, "0")}${sid.slice(2)}`;
}

export function decodePlace(text: string): CallPlace | undefined {
  const sid = parseCallSid(`CA${text.slice(12)}`);
  if (sid === undefined || !/^[0-9a-f]{12}$/.test(text.slice(0, 12))) return undefined;
  return { day: parseCallSidParts(sid).day, createdAtMs: Number.parseInt(text.slice(0, 12), 16), sid };
}
