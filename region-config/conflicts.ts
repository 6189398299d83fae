/** Mistakes that only show when entries are held against each other. Works on half-readable files as far as they go. */
import type { GatewayId, RegionName } from "../protocol/ids.ts";
import type { GatewayEntry, MeasuredRoundTrip, RegionConfig, RegionConfigProblem, RegionEntry } from "./schema.ts";

/** A file as far as it could be read. Lists keep their length, so that an index names the same entry as in the file. */
export interface Draft extends Pick<RegionConfig, "central" | "defaultRegion" | "allowDevelopmentRegionQuery"> {
  readonly regions: readonly Partial<RegionEntry>[];
  readonly roundTripMs: readonly (MeasuredRoundTrip | null)[];
  readonly gateways: readonly Partial<GatewayEntry>[];
}

export function findConflicts(draft: Partial<Draft>): readonly RegionConfigProblem[] {
  return [
    ...regionConflicts(draft),
    ...roundTripConflicts(draft),
    ...gatewayConflicts(draft),
    ...portConflicts(draft.gateways ?? []),
  ];
}

function regionUnknown(
  known: ReadonlySet<string>,
  name: RegionName | undefined,
  path: string,
): readonly RegionConfigProblem[] {
  if (name === undefined || known.has(name)) return [];
  return [{ path, code: "region-unknown", detail: `no region is named "${name}"` }];
}

function knownRegions(draft: Partial<Draft>): ReadonlySet<string> {
  return new Set((draft.regions ?? []).flatMap((region) => (region.name === undefined ? [] : [region.name])));
}

function regionConflicts(draft: Partial<Draft>): readonly RegionConfigProblem[] {
  const known = knownRegions(draft);
  return [
    ...repeated(draft.regions ?? [], (region) => region.name, "regions", "name", "region-duplicate"),
    ...regionUnknown(known, draft.central, "central"),
    ...regionUnknown(known, draft.defaultRegion, "defaultRegion"),
  ];
}

function repeated<T>(
  entries: readonly T[],
  nameOf: (entry: T) => RegionName | GatewayId | undefined,
  list: string,
  field: string,
  code: "region-duplicate" | "gateway-duplicate",
): readonly RegionConfigProblem[] {
  const first = new Map<string, number>();
  return entries.flatMap((entry, index): RegionConfigProblem[] => {
    const name = nameOf(entry);
    if (name === undefined) return [];
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, index);
      return [];
    }
    return [{ path: `${list}[${index}].${field}`, code, detail: `"${name}" is ${list}[${before}] already` }];
  });
}

function roundTripConflicts(draft: Partial<Draft>): readonly RegionConfigProblem[] {
  const known = knownRegions(draft);
  const seen = new Map<string, { readonly index: number; readonly ms: number }>();
  return (draft.roundTripMs ?? []).flatMap((entry, index): readonly RegionConfigProblem[] => {
    if (entry === null) return [];
    const [a, b, ms] = entry;
    const path = `roundTripMs[${index}]`;
    const problems = [...regionUnknown(known, a, `${path}[0]`), ...regionUnknown(known, b, `${path}[1]`)];
    if (a === b) return [...problems, { path, code: "round-trip-same-region", detail: `"${a}" stands on both sides` }];
    const pair = [a, b].sort().join(" ");
    const before = seen.get(pair);
    if (before === undefined) {
      seen.set(pair, { index, ms });
      return problems;
    }
    const code = before.ms === ms ? "round-trip-duplicate" : "round-trip-asymmetric";
    return [
      ...problems,
      {
        path,
        code,
        detail: `roundTripMs[${before.index}] gives ${before.ms} ms for the same two regions; each pair stands once, for both directions`,
      },
    ];
  });
}

function gatewayConflicts(draft: Partial<Draft>): readonly RegionConfigProblem[] {
  const known = knownRegions(draft);
  const gateways = draft.gateways ?? [];
  return [
    ...repeated(gateways, (gateway) => gateway.id, "gateways", "id", "gateway-duplicate"),
    ...gateways.flatMap((gateway, index) => regionUnknown(known, gateway.region, `gateways[${index}].region`)),
  ];
}

interface PortUse {
  readonly path: string;
  readonly host: string;
  readonly protocol: "udp" | "tcp";
  readonly first: number;
  readonly last: number;
  readonly isRtp: boolean;
}

/** Sockets that one gateway binds; UDP and TCP are separate spaces. */
function portUses(gateway: Partial<GatewayEntry>, index: number): readonly PortUse[] {
  const { host, sip, trunkPort, rtpPorts, metricsPort } = gateway;
  if (host === undefined) return [];
  const single = (field: string, protocol: "udp" | "tcp", port: number | undefined): readonly PortUse[] =>
    port === undefined
      ? []
      : [{ path: `gateways[${index}].${field}`, host, protocol, first: port, last: port, isRtp: false }];
  return [
    ...single("sip.udp", "udp", sip?.udp),
    ...single("sip.tcp", "tcp", sip?.tcp),
    ...single("sip.tls", "tcp", sip?.tls),
    ...single("trunkPort", "udp", trunkPort),
    ...single("metricsPort", "tcp", metricsPort),
    ...(rtpPorts === undefined
      ? []
      : [
          {
            path: `gateways[${index}].rtpPorts`,
            host,
            protocol: "udp" as const,
            first: rtpPorts[0],
            last: rtpPorts[1],
            isRtp: true,
          },
        ]),
  ];
}

const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

function collide(a: PortUse, b: PortUse): boolean {
  const sameHost = a.host.toLowerCase() === b.host.toLowerCase() || WILDCARDS.has(a.host) || WILDCARDS.has(b.host);
  return sameHost && a.protocol === b.protocol && a.first <= b.last && b.first <= a.last;
}

function portConflicts(gateways: readonly Partial<GatewayEntry>[]): readonly RegionConfigProblem[] {
  const uses = gateways.flatMap(portUses);
  return uses.flatMap((use, index): RegionConfigProblem[] => {
    const other = uses.slice(0, index).find((before) => collide(before, use));
    if (other === undefined) return [];
    const code =
      use.isRtp && other.isRtp
        ? "rtp-ranges-overlap"
        : use.isRtp || other.isRtp
          ? "port-inside-rtp-range"
          : "port-duplicate";
    return [
      {
        path: use.path,
        code,
        detail: `${use.protocol} ${span(use)} on ${use.host} collides with ${other.path} (${span(other)})`,
      },
    ];
  });
}

function span(use: PortUse): string {
  return use.first === use.last ? `${use.first}` : `${use.first}-${use.last}`;
}
