/** From unknown data to a `RegionConfig`, or to every mistake that it contains. */
import { parseGatewayId, parseRegionName } from "../protocol/ids.ts";
import { findConflicts } from "./conflicts.ts";
import type { Draft } from "./conflicts.ts";
import { host, listOf, nameBy, note, numberIn, port, readFields, truth } from "./field-reader.ts";
import type { FieldTable, Problems, Reader } from "./field-reader.ts";
import { LOCATION_HINTS } from "./schema.ts";
import type {
  GatewayEntry,
  LocationHint,
  MeasuredRoundTrip,
  RegionConfig,
  RegionConfigProblem,
  RegionEntry,
  SipPorts,
} from "./schema.ts";

export type RegionConfigOutcome =
  | { readonly ok: true; readonly config: RegionConfig }
  | { readonly ok: false; readonly problems: readonly RegionConfigProblem[] };

const regionName = nameBy(parseRegionName);

const locationHint: Reader<LocationHint> = (value, path, problems) =>
  LOCATION_HINTS.find((hint) => hint === value) ??
  note(problems, path, "location-hint-unknown", `one of ${LOCATION_HINTS.join(", ")}`);

const rtpPorts: Reader<readonly [number, number]> = (value, path, problems) => {
  if (!Array.isArray(value) || value.length !== 2)
    return note(problems, path, "type-wrong", "expected [first port, last port]");
  const first = port(value[0], `${path}[0]`, problems);
  const last = port(value[1], `${path}[1]`, problems);
  if (first === undefined || last === undefined) return undefined;
  // RTP and RTCP take a pair of ports (RFC 3550 section 11), so one port is no range.
  return first < last ? [first, last] : note(problems, path, "range-reversed", `${first} is not below ${last}`);
};

const roundTrip: Reader<MeasuredRoundTrip> = (value, path, problems) => {
  if (!Array.isArray(value) || value.length !== 3)
    return note(problems, path, "type-wrong", "expected [region, region, milliseconds]");
  const a = regionName(value[0], `${path}[0]`, problems);
  const b = regionName(value[1], `${path}[1]`, problems);
  const ms = numberIn(0.01, 5_000)(value[2], `${path}[2]`, problems);
  return a === undefined || b === undefined || ms === undefined ? undefined : [a, b, ms];
};

const SIP_FIELDS: FieldTable<SipPorts> = { udp: { read: port }, tcp: { read: port }, tls: { read: port } };

const sipPorts: Reader<SipPorts> = (value, path, problems) => {
  const { udp, tcp, tls } = readFields(SIP_FIELDS, value, path, problems) ?? {};
  return udp === undefined || tcp === undefined || tls === undefined ? undefined : { udp, tcp, tls };
};

const REGION_FIELDS: FieldTable<RegionEntry> = {
  name: { read: regionName },
  latitude: { read: numberIn(-90, 90) },
  longitude: { read: numberIn(-180, 180) },
  locationHint: { read: locationHint },
};

const GATEWAY_FIELDS: FieldTable<GatewayEntry> = {
  id: { read: nameBy(parseGatewayId) },
  region: { read: regionName },
  host: { read: host },
  sip: { read: sipPorts },
  trunkPort: { read: port },
  rtpPorts: { read: rtpPorts },
  metricsPort: { read: port },
  channels: { read: numberIn(1, 64, { integer: true }) },
  mediaHosts: { read: listOf(host, { atLeast: 1 }), optional: true },
};

/** An entry with its place in the file, kept even when half of it is unreadable: what is readable is still checked against the rest. */
function indexed<T extends object>(table: FieldTable<T>): Reader<Partial<T>> {
  return (value, path, problems) => readFields(table, value, path, problems) ?? {};
}

const CONFIG_FIELDS: FieldTable<Draft> = {
  central: { read: regionName },
  defaultRegion: { read: regionName },
  regions: { read: listOf(indexed(REGION_FIELDS), { atLeast: 1 }) },
  roundTripMs: { read: listOf(roundTripOrHole, { atLeast: 0 }) },
  gateways: { read: listOf(indexed(GATEWAY_FIELDS), { atLeast: 1 }) },
  allowDevelopmentRegionQuery: { read: truth, optional: true },
};

function roundTripOrHole(value: unknown, path: string, problems: Problems): MeasuredRoundTrip | null {
  return roundTrip(value, path, problems) ?? null;
}

/** The tables' keys, for the test that holds the JSON Schema against them. */
export const REGION_CONFIG_KEYS = {
  config: Object.keys(CONFIG_FIELDS),
  region: Object.keys(REGION_FIELDS),
  gateway: Object.keys(GATEWAY_FIELDS),
} as const;

/** Reports every mistake at once: a region file is edited by hand, and a start that fails six times is six edits. */
export function parseRegionConfig(value: unknown): RegionConfigOutcome {
  const problems: Problems = [];
  const draft = readFields(CONFIG_FIELDS, value, "", problems);
  if (draft !== undefined) problems.push(...findConflicts(draft));
  const config = draft === undefined ? undefined : complete(draft);
  if (problems.length > 0) return { ok: false, problems };
  if (config === undefined) throw new Error("a region file without problems must be complete");
  return { ok: true, config };
}

function complete(draft: Partial<Draft>): RegionConfig | undefined {
  const { central, defaultRegion, allowDevelopmentRegionQuery } = draft;
  const regions = draft.regions?.filter(isRegion);
  const gateways = draft.gateways?.filter(isGateway);
  const roundTripMs = draft.roundTripMs?.filter((entry) => entry !== null);
  if (
    central === undefined ||
    defaultRegion === undefined ||
    regions === undefined ||
    gateways === undefined ||
    roundTripMs === undefined
  )
    return undefined;
  return {
    central,
    defaultRegion,
    regions,
    roundTripMs,
    gateways,
    ...(allowDevelopmentRegionQuery === undefined ? {} : { allowDevelopmentRegionQuery }),
  };
}

function isRegion(entry: Partial<RegionEntry>): entry is RegionEntry {
  return hasRequired(REGION_FIELDS, entry);
}

function isGateway(entry: Partial<GatewayEntry>): entry is GatewayEntry {
  return hasRequired(GATEWAY_FIELDS, entry);
}

function hasRequired<T extends object>(table: FieldTable<T>, entry: Partial<T>): boolean {
  for (const key in table) if (table[key].optional !== true && entry[key] === undefined) return false;
  return true;
}
