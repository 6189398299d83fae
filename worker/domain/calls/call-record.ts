/** A call as the API shows it. */
import type { CallLegRecord, CallPending, CallRecord, CallStatus, CallSummary } from "./call-object-api.ts";
import type { CallLeg, CallState } from "./call-state.ts";
import { statusOfRefusal } from "./refusal.ts";

export function describeCall(state: CallState, alarmAtMs?: number): CallRecord {
  return {
    sid: state.sid,
    account: state.account,
    region: state.region,
    status: state.status,
    from: state.from,
    to: state.to,
    epoch: state.epoch,
    createdAtMs: state.createdAtMs,
    answeredAtMs: state.answeredAtMs,
    endedAtMs: state.endedAtMs,
    endCause: state.endCause,
    ...(state.link === undefined ? {} : { linkedTo: state.link.sid }),
    legs: state.legs.map((leg) => describeLeg(state, leg)),
    routing: state.groups.at(-1)?.targets.find(({ routing }) => routing !== undefined)?.routing,
    pending: describePending(state, alarmAtMs),
    log: state.log,
    summaries: summarizeCall(state),
  };
}

function describePending({ legs }: CallState, alarmAtMs: number | undefined): CallPending {
  return {
    requests: legs.filter((leg) => leg.kind === "browser" && leg.pending !== undefined).length,
    ...(alarmAtMs === undefined ? {} : { alarmAtMs }),
  };
}

function describeLeg(state: CallState, leg: CallLeg): CallLegRecord {
  const gateway = state.parties.find((party) => party.gateway === leg.holder);
  return {
    leg: leg.leg,
    sid: leg.sid,
    identity: leg.identity,
    kind: leg.kind,
    state: leg.adoption === undefined ? leg.stage : "moving",
    transport: leg.kind === "phone" ? leg.transport : "ws",
    device: leg.device,
    gateway: leg.holder,
    region: gateway?.region ?? leg.region,
    epoch: leg.epoch,
    codec: leg.codec,
    statistics: leg.statistics,
  };
}

/** Twilio's view: the caller's leg is the parent, each dialled device a child. */
export function summarizeCall(state: CallState): readonly CallSummary[] {
  const from = `client:${state.from}`;
  const updatedAtMs = state.endedAtMs ?? state.answeredAtMs ?? state.createdAtMs;
  const parent: CallSummary = {
    sid: state.sid,
    account: state.account,
    to: isNumber(state) ? state.to : `client:${state.to}`,
    from,
    status: state.status,
    direction: "inbound",
    createdAtMs: state.createdAtMs,
    updatedAtMs,
    answeredAtMs: state.answeredAtMs,
    endedAtMs: state.endedAtMs,
  };
  // A device that was rung again by another gateway is one call to it: the last leg says how it went.
  const children = state.legs
    .filter((leg, index) => leg.side === "callee" && !state.legs.slice(index + 1).some(({ sid }) => sid === leg.sid))
    .map((leg): CallSummary => {
      const last = lastInPlaceOf(state, leg);
      return {
        sid: leg.sid,
        parentSid: state.sid,
        account: state.account,
        to: `client:${leg.identity}`,
        from,
        status: childStatus(last),
        direction: "outbound-dial",
        createdAtMs: leg.invitedAtMs ?? state.createdAtMs,
        updatedAtMs: last.endedAtMs ?? last.answeredAtMs ?? leg.invitedAtMs ?? state.createdAtMs,
        answeredAtMs: leg.answeredAtMs,
        endedAtMs: last.endedAtMs,
      };
    });
  return [parent, ...children];
}

/** Who changes the device goes on with the same call. */
function lastInPlaceOf(state: CallState, leg: CallLeg): CallLeg {
  let last = leg;
  // Each leg comes after the one whose place it takes; one that was never answered took none.
  for (const next of state.legs) if (next.replaces === last.leg && next.answeredAtMs !== undefined) last = next;
  return last;
}

function isNumber({ instructions, forwarding }: CallState): boolean {
  return instructions !== undefined && forwarding === undefined;
}

function childStatus(leg: CallLeg): CallStatus {
  if (leg.stage === "calling") return "queued";
  if (leg.stage === "ringing") return "ringing";
  if (leg.stage !== "ended") return "in-progress";
  if (leg.failure !== undefined) return statusOfRefusal(leg.failure.status);
  return leg.answeredAtMs === undefined ? "canceled" : "completed";
}
