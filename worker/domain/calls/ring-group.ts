/**
 * Endpoints that ring together: each is located, its devices ring as legs, and the first answer is the group's. What comes of
 * it is kept as the group's news until `settle.ts` tells whoever rang.
 */
import type { EndpointId } from "#protocol/ids";
import type { CodecName } from "#protocol/media";
import type { EndpointRoute } from "../location/endpoint-route.ts";
import { nextCandidate } from "../routing/select-route.ts";
import type { CallDraft } from "./call-draft.ts";
import type { CallLeg } from "./call-state.ts";
import { explained } from "./codec-refusal.ts";
import { endCall, hangUp, markEnded } from "./hang-up.ts";
import { bestRefusal, statusOfRefusal } from "./refusal.ts";
import type { RingFailure, RingGroup, RingNews, RingPurpose, RingTarget } from "./ring-group-state.ts";
import { ringRoute } from "./ring-route.ts";

/** How long a device rings unless whoever rings it says otherwise. */
export const RING_LIMIT_MS = 60_000;
/** Legs that one call may ring over its whole life: each is kept in its document. */
const LEG_LIMIT = 100;
const RETRY_SECONDS = 5;

export interface RingRequest {
  readonly purpose: RingPurpose;
  /** One at least. */
  readonly targets: readonly EndpointId[];
  /** For an only target. */
  readonly otherwise?: EndpointId | undefined;
  /** What the devices may answer with; what the caller can do when left out. */
  readonly codecs?: readonly CodecName[];
  /** Counted by the call itself when given. */
  readonly ringLimitMs?: number;
  readonly callerId?: string;
  readonly referredBy?: string;
}

/** Begins to ring; its outcome comes to `settle.ts` under its purpose, never before this input is over. */
export function ringGroup(draft: CallDraft, request: RingRequest): RingGroup {
  const { state, context } = draft;
  const group: RingGroup = {
    id: state.groups.length + 1,
    purpose: request.purpose,
    targets: [...new Set(request.targets)].map((identity) => ({
      identity,
      located: false,
      ...(request.otherwise === undefined ? {} : { otherwise: request.otherwise }),
    })),
    codecs: request.codecs ?? codecsOfCaller(draft),
    ringUntilMs: context.nowMs + (request.ringLimitMs ?? RING_LIMIT_MS),
    ...(request.ringLimitMs === undefined ? {} : { timed: true }),
    ...(request.callerId === undefined ? {} : { callerId: request.callerId }),
    ...(request.referredBy === undefined ? {} : { referredBy: request.referredBy }),
  };
  // Decisions are large, and the last one is what people ask about.
  for (const target of state.groups.flatMap(({ targets }) => targets)) target.routing = undefined;
  state.groups.push(group);
  for (const { identity } of group.targets) draft.effects.push({ kind: "locate", group: group.id, endpoint: identity });
  return group;
}

/** Nothing is transcoded: who has been answered has its codec for good. */
function codecsOfCaller({ caller, state }: CallDraft): readonly CodecName[] {
  return caller?.codec === undefined ? state.codecs : [caller.codec];
}

/** The group that a callee's leg rings for. */
export function groupOf(draft: CallDraft, leg: CallLeg): RingGroup | undefined {
  return draft.state.groups.find(({ id }) => id === leg.group);
}

export function legsOf(draft: CallDraft, group: RingGroup): readonly CallLeg[] {
  return draft.state.legs.filter((leg) => leg.group === group.id);
}

/** The target of a group that still waits to be located. */
export function waitingTarget(group: RingGroup | undefined, endpoint: EndpointId): RingTarget | undefined {
  if (group === undefined || isOver(group)) return undefined;
  return group.targets.find(({ identity, located }) => identity === endpoint && !located);
}

function isOver(group: RingGroup): boolean {
  return group.winner !== undefined || group.endedAtMs !== undefined;
}

/** Nobody has the name: `true` when it may be another one's, who is looked for now. */
export function lookElsewhere(draft: CallDraft, group: RingGroup, target: RingTarget): boolean {
  const { otherwise } = target;
  if (otherwise === undefined || group.targets.some(({ identity }) => identity === otherwise)) return false;
  target.located = true;
  group.targets.push({ identity: otherwise, located: false });
  draft.effects.push({ kind: "locate", group: group.id, endpoint: otherwise });
  return true;
}

/** A target's routes are known: rank them, and ring the best of each device. */
export function ringTarget(
  draft: CallDraft,
  group: RingGroup,
  target: RingTarget,
  found: {
    readonly known: boolean;
    readonly routes: readonly EndpointRoute[];
    readonly ring?: "all" | "nearest" | undefined;
  },
): void {
  const { known, routes, ring } = found;
  if (!known) return failTarget(draft, group, target, UNKNOWN);
  if (routes.length === 0) return failTarget(draft, group, target, NOT_REGISTERED);
  const { transfer } = draft.state;
  const stays = transfer?.group === group.id ? draft.leg(transfer.stays) : undefined;
  const decision = draft.context.rank({
    callerRegion: stays?.region ?? draft.state.region,
    callerGateway: (stays ?? draft.caller)?.holder,
    routes,
    ...(ring === undefined ? {} : { ring }),
  });
  target.located = true;
  target.routing = decision;
  if (decision.candidates.every(({ verdict }) => verdict === "expired"))
    return failTarget(draft, group, target, NOT_REGISTERED);
  const chosen = decision.candidates.filter((candidate) => candidate.verdict === "chosen");
  for (const candidate of chosen) {
    const route = routes.find((entry) => entry.routeId === candidate.routeId);
    if (route === undefined || candidate.gateway === undefined) continue;
    if (draft.callees.length >= LEG_LIMIT) return failTarget(draft, group, target, TOO_MANY_LEGS);
    ringRoute(draft, group, target.identity, route, candidate.gateway);
  }
  draft.log("call.routed", { detail: `${chosen.length} of ${decision.candidates.length} routes ring` });
  if (!legsOf(draft, group).some((leg) => leg.identity === target.identity && leg.stage !== "ended"))
    failTarget(draft, group, target, NO_GATEWAY);
}

const UNKNOWN: RingFailure = { status: 404, reason: "Not Found", cause: "endpoint-unknown" };
const NOT_REGISTERED: RingFailure = {
  status: 480,
  reason: "Temporarily Unavailable",
  cause: "endpoint-not-registered",
};
const NO_GATEWAY: RingFailure = {
  status: 503,
  reason: "Service Unavailable",
  retryAfterSeconds: RETRY_SECONDS,
  cause: "no-gateway",
};
const TOO_MANY_LEGS: RingFailure = { status: 503, reason: "Service Unavailable", cause: "too-many-legs" };

/** None of the target's devices will ring. */
export function failTarget(draft: CallDraft, group: RingGroup, target: RingTarget, failure: RingFailure): void {
  target.located = true;
  target.failure = failure;
  failWhenAllFailed(draft, group);
}

/** After a failure in which the device had no say: the next way to it. `false` when there is none. */
export function ringNextRoute(draft: CallDraft, group: RingGroup, failed: CallLeg): boolean {
  const target = group.targets.find(({ identity }) => identity === failed.identity);
  const decision = target?.routing;
  if (
    target === undefined ||
    decision === undefined ||
    failed.routeId === undefined ||
    draft.callees.length >= LEG_LIMIT
  )
    return false;
  const tried = legsOf(draft, group).flatMap((leg) => (leg.routeId === undefined ? [] : [leg.routeId]));
  const next = nextCandidate(decision, failed.routeId, tried);
  const route = decision.inputs.routes.find((entry) => entry.routeId === next?.routeId);
  if (next?.gateway === undefined || route === undefined) return false;
  ringRoute(draft, group, target.identity, route, next.gateway);
  return true;
}

/** When nobody is left to wait for, the best of their answers is the group's (RFC 3261 section 16.7). */
export function failWhenAllFailed(draft: CallDraft, group: RingGroup): void {
  if (isOver(group) || group.targets.some(({ located }) => !located)) return;
  const legs = legsOf(draft, group);
  if (legs.some(({ stage }) => stage !== "ended")) return;
  const refused = legs.flatMap(({ failure }) =>
    failure === undefined ? [] : [{ ...failure, cause: "callee-refused" }],
  );
  const { cause, ...refusal } = bestRefusal([
    ...refused,
    ...group.targets.flatMap(({ failure }) => (failure === undefined ? [] : [failure])),
  ]) ?? { ...NOT_REGISTERED, cause: "callee-refused" };
  endGroup(draft, group, {
    outcome: statusOfRefusal(refusal.status),
    cause,
    refusal: explained(draft, group, refusal),
  });
}

/** Who still rings or talks is let go, and whoever rang is told. */
export function endGroup(
  draft: CallDraft,
  group: RingGroup,
  end: Omit<Extract<RingNews, { kind: "ended" }>, "kind">,
): void {
  if (group.endedAtMs !== undefined) return;
  group.endedAtMs = draft.context.nowMs;
  group.news = { kind: "ended", ...end };
  for (const leg of legsOf(draft, group)) hangUp(draft, leg);
}

/** A leg has ended and its peer knows. What that means is up to its side: the call is over with its caller. */
export function legIsGone(
  draft: CallDraft,
  leg: CallLeg,
  end: { readonly outcome: "completed" | "failed"; readonly cause: string },
): void {
  const unanswered = leg.stage === "calling" || leg.stage === "ringing";
  if (leg.stage !== "ended") markEnded(draft, leg);
  const { transfer } = draft.state;
  // Its part is done: what becomes of the transfer does not need it.
  if (transfer?.by === leg.leg) return draft.log("transfer.transferor-left", { leg: leg.leg });
  if (leg === draft.caller || transfer?.stays === leg.leg) return endCall(draft, end.outcome, end.cause);
  const group = groupOf(draft, leg);
  if (group === undefined) return;
  if (group.winner === leg.leg) return endGroup(draft, group, end);
  if (unanswered) leg.failure ??= { status: 503, reason: "Service Unavailable" };
  // One that lost the race ends alone; one that was still to answer fails.
  failWhenAllFailed(draft, group);
}
