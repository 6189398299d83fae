/** The routing decision without the addresses that it was made from. */
import type { RankedCandidate, RoutingDecision } from "../routing/routing-decision.ts";
import { hideAddresses } from "./hide-addresses.ts";
import type { LadderCandidate, LadderRouting } from "./ladder.ts";

const DECIDED_BY: Readonly<Record<RoutingDecision["decidedBy"], string>> = {
  "gateway-health": "its gateway is in better health than that of the next",
  lease: "its gateway vouches for the connection, which nobody does for the next",
  "fewest-crossings": "it crosses fewer borders between regions than the next",
  "round-trip": "its round trip is shorter than that of the next",
  distance: "it is nearer than the next",
  preference: "its device asked to be preferred",
  history: "it was answered more reliably of late than the next",
  "fewest-legs": "its gateway carries less than that of the next",
  "latest-registration": "it signed in later than the next, all else being equal",
  name: "all else being equal, the name decides",
  "only-candidate": "it is the only one",
  "no-candidate": "none can be reached",
};

export function routingWords(decision: RoutingDecision, to: string): LadderRouting {
  const devices = [...new Set(decision.candidates.map(({ device }) => device))];
  const nameOf = ({ device, routeId }: RankedCandidate): string => {
    const kind = decision.inputs.routes.find((route) => route.routeId === routeId)?.kind ?? "device";
    return devices.length > 1 ? `${to}'s ${kind} (${devices.indexOf(device) + 1})` : `${to}'s ${kind}`;
  };
  const candidates = decision.candidates.map((candidate): LadderCandidate => {
    const { gateway, through, path, crossings, rttMs, distanceKm, verdict, behindBy } = candidate;
    return {
      device: nameOf(candidate),
      ...(gateway === undefined ? {} : { gateway }),
      ...(through === undefined ? {} : { through }),
      region: path.calleeRegion,
      crossings,
      rttMs,
      distanceKm,
      verdict,
      ...(behindBy === undefined ? {} : { behindBy }),
      reason: hideAddresses(candidate.reason.replaceAll(/\broute \S+ of\b/g, "a better way to")),
    };
  });
  return {
    to,
    policy: decision.policy,
    decidedBy: decision.decidedBy,
    sentence: sentenceOf(decision, candidates, to),
    candidates,
  };
}

function sentenceOf(decision: RoutingDecision, candidates: readonly LadderCandidate[], to: string): string {
  const chosen = candidates.filter(({ verdict }) => verdict === "chosen");
  const [best] = chosen;
  if (best === undefined) return `No way led to ${to}.`;
  const way = best.gateway === undefined ? best.device : `${best.device} through ${best.gateway}`;
  const others =
    chosen.length === 1 ? "" : `, and ${chosen.length - 1} more ${chosen.length === 2 ? "device" : "devices"} at once`;
  return `Rang ${way}${others}. It came first because ${DECIDED_BY[decision.decidedBy]}.`;
}
