/** What other parts may ask of a call index: the calls of one account, region and day. */
import type { CallSid, CallToken } from "#protocol/ids";
import type { CallStatus, CallSummary } from "../calls/call-object-api.ts";

export interface CallIndexEntry {
  /** The caller's leg, which names the call. */
  readonly sid: CallSid;
  readonly token: CallToken;
  /** The caller's leg and each dialled device. */
  readonly summaries: readonly CallSummary[];
}

/** Instants are inclusive from, exclusive until, in Unix milliseconds. A call starts when it is answered, or created. */
export interface CallFilter {
  readonly status?: CallStatus;
  readonly to?: string;
  readonly from?: string;
  readonly parentSid?: CallSid;
  readonly startFromMs?: number;
  readonly startUntilMs?: number;
  readonly endFromMs?: number;
  readonly endUntilMs?: number;
}

/** A place in the order newest first: by creation, then by SID. */
export interface CallCursor {
  readonly createdAtMs: number;
  readonly sid: CallSid;
}

export interface CallIndexQuery {
  /** `older`: from the cursor, or the newest, backwards. `newer`: the ones right before the cursor, or the oldest. */
  readonly direction: "older" | "newer";
  readonly cursor?: CallCursor;
  readonly limit: number;
  readonly filter?: CallFilter;
}

/** One Call resource as the index heard of it last; one that has not ended is asked of its Call object (`adapters/call-list.ts`). */
export interface IndexedCall {
  readonly token: CallToken;
  readonly summary: CallSummary;
}

export interface CallIndexObjectApi {
  /** Inserts or replaces the call's one row. */
  record(entry: CallIndexEntry): Promise<void>;
  /** Nearest to the cursor first: newest first for `older`, oldest first for `newer`. Calls that have not ended may not match. */
  list(query: CallIndexQuery): Promise<readonly IndexedCall[]>;
  /** By the SID of the call or of one of its children. */
  find(sid: CallSid): Promise<IndexedCall | undefined>;
}

const RUNNING: readonly CallStatus[] = ["queued", "ringing", "in-progress"];

/** Whether a call that has not ended can match. */
export function mayBeRunning({ status, endFromMs, endUntilMs }: CallFilter): boolean {
  return endFromMs === undefined && endUntilMs === undefined && (status === undefined || RUNNING.includes(status));
}

/** Exactly what a filter means, for a call whose present state is known. */
export function matchesFilter(call: CallSummary, filter: CallFilter): boolean {
  const startedAtMs = call.answeredAtMs ?? call.createdAtMs;
  const { endedAtMs } = call;
  return (
    (filter.status === undefined || call.status === filter.status) &&
    (filter.startFromMs === undefined || startedAtMs >= filter.startFromMs) &&
    (filter.startUntilMs === undefined || startedAtMs < filter.startUntilMs) &&
    (filter.endFromMs === undefined || (endedAtMs !== undefined && endedAtMs >= filter.endFromMs)) &&
    (filter.endUntilMs === undefined || (endedAtMs !== undefined && endedAtMs < filter.endUntilMs))
  );
}
