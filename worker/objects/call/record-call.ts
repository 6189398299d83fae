import { regionLinkOf } from "../../adapters/object-region-link.ts";
import { count } from "../../counters.ts";
import { summarizeCall } from "../../domain/calls/call-record.ts";
import type { CallState } from "../../domain/calls/call-state.ts";
import type { Env } from "../../env.ts";
import { faultCode, log } from "../../log.ts";

/** Pauses before a call is told to its list again. */
const RECORD_PAUSES_MS = [250, 1_000, 4_000] as const;

/** The list takes what it gets: the last word about a call is the truth, however often it is said. */
export async function recordCall(env: Env, stateNow: () => CallState | undefined): Promise<void> {
  for (const pauseMs of [...RECORD_PAUSES_MS, undefined]) {
    const state = stateNow();
    if (state === undefined) return;
    try {
      await regionLinkOf(env).recordCall(state.account, {
        sid: state.sid,
        token: state.token,
        summaries: summarizeCall(state),
      });
      return;
    } catch (error) {
      log({ event: "fault", where: "call.record", code: faultCode(error) });
      if (pauseMs === undefined) count("call.not-recorded");
      else await scheduler.wait(pauseMs);
    }
  }
}
