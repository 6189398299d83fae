/** Suspicion and proof (docs/design/control-channel.md): whom to ask, and what their answers mean. */
import { roundTripMs } from "#region-config";
import type { GatewayEntry, RegionConfig, RegionGeography } from "#region-config";
import type { TrunkPeer } from "#protocol/control-frames";
import type { GatewayId } from "#protocol/ids";
import type { GatewayStatus } from "../routing/gateway-status.ts";
import type { SuspicionReason } from "./region-object-api.ts";

/** Two neighbours probe: one more than enough, so that a neighbour with a fault of its own proves nothing alone. */
const PROBERS = 2;

/** Gateways by round trip from one of them, nearest first, without it. */
function byNearness<G extends Pick<GatewayEntry, "region"> & { readonly name: GatewayId }>(
  geography: RegionGeography,
  from: Pick<GatewayEntry, "region">,
  others: readonly G[],
): readonly G[] {
  return others.toSorted(
    (a, b) =>
      roundTripMs(geography, from.region, a.region) - roundTripMs(geography, from.region, b.region) ||
      (a.name < b.name ? -1 : 1),
  );
}

/** The trunks that a gateway keeps an eye on: its two nearest other gateways. */
export function neighboursOf(config: RegionConfig, gateway: GatewayId): readonly TrunkPeer[] {
  const self = config.gateways.find((entry) => entry.id === gateway);
  if (self === undefined) return [];
  const others = config.gateways.filter((entry) => entry.id !== gateway).map((entry) => ({ ...entry, name: entry.id }));
  return byNearness(config, self, others)
    .slice(0, PROBERS)
    .map(({ id, host, trunkPort }) => ({ gateway: id, host, port: trunkPort }));
}

/** Gateways that can be asked about a suspect: connected ones, nearest first. */
export function chooseProbers(
  geography: RegionGeography,
  suspect: GatewayStatus,
  fleet: readonly GatewayStatus[],
): readonly GatewayStatus[] {
  const able = fleet.filter(
    ({ gateway, state }) => gateway !== suspect.gateway && (state === "up" || state === "draining"),
  );
  return byNearness(
    geography,
    suspect,
    able.map((status) => ({ ...status, name: status.gateway })),
  );
}

/** How many more of the probers have to be asked, when these answers have come: two that answer, or one that says "alive". */
export function answersMissing(answers: readonly (boolean | undefined)[]): number {
  if (answers.includes(true)) return 0;
  return Math.max(0, PROBERS - answers.filter((answer) => answer !== undefined).length);
}

/** One answer is proof of life, none at all from those who could ask proof of death; `unasked` when nobody could. */
export function judgeProbes(answers: readonly (boolean | undefined)[]): "alive" | "dead" | "unasked" {
  if (answers.includes(true)) return "alive";
  return answers.includes(false) ? "dead" : "unasked";
}

/**
 * The end of a proof. A channel that opened again meanwhile beats silence of the trunk only when its closing was
 * all that was suspicious: a frozen process keeps its sockets open.
 */
export function concludeSuspicion(input: {
  readonly probes: "alive" | "dead" | "unasked";
  readonly reason: SuspicionReason;
  /** A good hello or a heartbeat of the same instance since the suspicion began. */
  readonly heardAgain: boolean;
}): "alive" | "grace" | "dead" {
  if (input.heardAgain && (input.reason !== "trunk-silent" || input.probes !== "dead")) return "alive";
  if (input.probes === "alive") return input.reason === "trunk-silent" ? "alive" : "grace";
  // Nobody can be asked about the trunk, and the channel never closed: that is no evidence.
  if (input.probes === "unasked" && input.reason === "trunk-silent") return "alive";
  return "dead";
}
