/** Readers of single fields of a frame: each gives the typed value or `undefined`. */
import type { Reachability, SipFlow } from "#protocol/capsule";
import type { CallEvent, NumberedEvent } from "#protocol/call-messages";
import type { GatewayLoad, PublishedRoute, ResumedCall, RouteRemovalReason } from "#protocol/control-frames";
import { parseCallToken, parseEndpointId, parseLegId, parseSipDomain } from "#protocol/ids";

export type Fields = Readonly<Record<string, unknown>>;

/** More calls than one gateway can hold are no honest hello. */
const RESUMED_CALLS_LIMIT = 20_000;

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

export function text(value: unknown, longest = 1_024): string | undefined {
  return typeof value === "string" && value.length > 0 && value.length <= longest ? value : undefined;
}

/** A count or sequence number: a safe integer that is not negative. */
export function natural(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function amount(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

export function resumedCalls(value: unknown): readonly ResumedCall[] | undefined {
  if (!Array.isArray(value) || value.length > RESUMED_CALLS_LIMIT) return undefined;
  const calls: ResumedCall[] = [];
  for (const entry of value) {
    const fields = fieldsOf(entry);
    const call = parseCallToken(fields?.["call"]);
    const appliedCommand = natural(fields?.["appliedCommand"]);
    if (call === undefined || appliedCommand === undefined) return undefined;
    calls.push({ call, appliedCommand });
  }
  return calls;
}

/** A gateway sends again what was not acknowledged, but not more than this at a time. */
const EVENTS_LIMIT = 100;

export function numberedEvents(value: unknown): readonly NumberedEvent[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > EVENTS_LIMIT) return undefined;
  const events: NumberedEvent[] = [];
  for (const entry of value) {
    const fields = fieldsOf(entry);
    const seq = natural(fields?.["seq"]);
    const epoch = natural(fields?.["epoch"]);
    const event = fields?.["event"];
    // The envelope only: an enrolled gateway vouches for the rest, and a later release may say more.
    if (seq === undefined || epoch === undefined || !isCallEvent(event)) return undefined;
    events.push({ seq, epoch, event });
  }
  return events;
}

function isCallEvent(value: unknown): value is CallEvent {
  const fields = fieldsOf(value);
  return fields !== undefined && text(fields["kind"], 64) !== undefined && parseLegId(fields["leg"]) !== undefined;
}

export function gatewayLoad(value: unknown): GatewayLoad | undefined {
  const fields = fieldsOf(value);
  const legs = natural(fields?.["legs"]);
  const bindings = natural(fields?.["bindings"]);
  const cpu = amount(fields?.["cpu"]);
  return legs === undefined || bindings === undefined || cpu === undefined ? undefined : { legs, bindings, cpu };
}

/** Counters that are no numbers are left out rather than refused: they are for people. */
export function counters(value: unknown): Readonly<Record<string, number>> {
  const numbers: Record<string, number> = {};
  for (const [name, count] of Object.entries(fieldsOf(value) ?? {}).slice(0, 500)) {
    const number = amount(count);
    if (number !== undefined && name.length <= 100) numbers[name] = number;
  }
  return numbers;
}

function sipFlow(value: unknown): SipFlow | undefined {
  const fields = fieldsOf(value);
  const transport = fields?.["transport"];
  const host = text(fields?.["host"], 253);
  const port = natural(fields?.["port"]);
  if (transport !== "udp" && transport !== "tcp" && transport !== "tls") return undefined;
  return host === undefined || port === undefined || port > 65_535 ? undefined : { transport, host, port };
}

function reachability(value: unknown): Reachability | undefined {
  return value === "open-udp" || value === "connection" || value === "bridge" ? value : undefined;
}

export function publishedRoute(value: unknown): PublishedRoute | undefined {
  const fields = fieldsOf(value);
  const sipDomain = parseSipDomain(fields?.["sipDomain"]);
  const endpoint = parseEndpointId(fields?.["endpoint"]);
  const device = text(fields?.["device"], 256);
  const contact = text(fields?.["contact"]);
  const flow = sipFlow(fields?.["flow"]);
  const reach = reachability(fields?.["reachability"]);
  const expiresAtMs = natural(fields?.["expiresAtMs"]);
  if (sipDomain === undefined || endpoint === undefined || device === undefined || contact === undefined)
    return undefined;
  if (flow === undefined || reach === undefined || expiresAtMs === undefined) return undefined;
  return {
    sipDomain,
    endpoint,
    device,
    contact,
    flow,
    reachability: reach,
    expiresAtMs,
    ...optionalRouteFields(fields),
  };
}

function optionalRouteFields(
  fields: Fields | undefined,
): Pick<PublishedRoute, "userAgent" | "sipInstance" | "refreshSeconds"> {
  const userAgent = text(fields?.["userAgent"], 256);
  const sipInstance = text(fields?.["sipInstance"], 256);
  const refreshSeconds = natural(fields?.["refreshSeconds"]);
  return {
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(sipInstance === undefined ? {} : { sipInstance }),
    ...(refreshSeconds === undefined ? {} : { refreshSeconds }),
  };
}

const REMOVAL_REASONS: readonly RouteRemovalReason[] = [
  "expired",
  "unregistered",
  "flow-failed",
  "replaced",
  "gateway-shutdown",
];

export function removalReason(value: unknown): RouteRemovalReason | undefined {
  return REMOVAL_REASONS.find((reason) => reason === value);
}
