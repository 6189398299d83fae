/** Header field names: how they are known inside (lower case, long form) and how they are written on the wire. */

export interface HeaderSpec {
  /** Canonical name: lower case, long form. */
  readonly name: string;
  /** The capitalisation of the RFC that defines it. */
  readonly conventional: string;
  /** `#`-rule header: values may share one field, separated by commas. */
  readonly isList: boolean;
  /** A bit of its own for header fields that may come once only, 0 for the others. */
  readonly onceBit: number;
}

/** Compact forms: RFC 3261 section 20, 3515, 3841, 3892, 4028, 4474, 6665. */
const COMPACT: Readonly<Record<string, string>> = {
  a: "Accept-Contact",
  b: "Referred-By",
  c: "Content-Type",
  d: "Request-Disposition",
  e: "Content-Encoding",
  f: "From",
  i: "Call-ID",
  j: "Reject-Contact",
  k: "Supported",
  l: "Content-Length",
  m: "Contact",
  n: "Identity-Info",
  o: "Event",
  r: "Refer-To",
  s: "Subject",
  t: "To",
  u: "Allow-Events",
  v: "Via",
  x: "Session-Expires",
  y: "Identity",
};

/** Two components that pick different ones of two such fields disagree about the message, so two are an error. */
const ONCE = [
  "From",
  "To",
  "Call-ID",
  "CSeq",
  "Content-Length",
  "Content-Type",
  "Max-Forwards",
  "Expires",
  "Min-Expires",
  "Session-Expires",
  "Min-SE",
  "Event",
  "Refer-To",
  "Referred-By",
  "Replaces",
  "Target-Dialog",
  "RAck",
  "RSeq",
  "Subscription-State",
  "Content-Disposition",
  "SIP-ETag",
  "SIP-If-Match",
  "Date",
];

const LISTS = [
  "Accept",
  "Accept-Contact",
  "Accept-Encoding",
  "Accept-Language",
  "Accept-Resource-Priority",
  "Alert-Info",
  "Allow",
  "Allow-Events",
  "Call-Info",
  "Contact",
  "Content-Encoding",
  "Content-Language",
  "Diversion",
  "Error-Info",
  "Feature-Caps",
  "Geolocation",
  "History-Info",
  "In-Reply-To",
  "P-Asserted-Identity",
  "P-Associated-URI",
  "P-Preferred-Identity",
  "Path",
  "Proxy-Require",
  "Reason",
  "Record-Route",
  "Recv-Info",
  "Reject-Contact",
  "Request-Disposition",
  "Require",
  "Resource-Priority",
  "Route",
  "Security-Client",
  "Security-Server",
  "Security-Verify",
  "Service-Route",
  "Supported",
  "Unsupported",
  "User-to-User",
  "Via",
  "Warning",
];

/** Known for their spelling only. The first four hold commas within one value. */
const OTHERS = [
  "Authorization",
  "Proxy-Authenticate",
  "Proxy-Authorization",
  "WWW-Authenticate",
  "Authentication-Info",
  "Flow-Timer",
  "Geolocation-Error",
  "Geolocation-Routing",
  "Identity",
  "Identity-Info",
  "Info-Package",
  "Join",
  "MIME-Version",
  "Organization",
  "P-Access-Network-Info",
  "P-Called-Party-ID",
  "P-Charging-Vector",
  "P-Early-Media",
  "P-Visited-Network-ID",
  "Priority",
  "Privacy",
  "Proxy-Authentication-Info",
  "Refer-Sub",
  "Reply-To",
  "Remote-Party-ID",
  "Retry-After",
  "Server",
  "Session-ID",
  "Subject",
  "Suppress-If-Match",
  "Timestamp",
  "User-Agent",
];

const SPECS = createSpecs();

/** Several spellings lead to one spec, so that the usual ones need no lower-casing. */
function createSpecs(): ReadonlyMap<string, HeaderSpec> {
  const specs = new Map<string, HeaderSpec>();
  const add = (conventional: string, isList: boolean, onceBit: number): void => {
    const spec = { name: conventional.toLowerCase(), conventional, isList, onceBit };
    specs.set(spec.name, spec);
    specs.set(conventional, spec);
  };
  ONCE.forEach((name, index) => add(name, false, 1 << index));
  for (const name of LISTS) add(name, true, 0);
  for (const name of OTHERS) add(name, false, 0);
  for (const [letter, name] of Object.entries(COMPACT)) {
    const spec = specs.get(name);
    if (spec === undefined) throw new TypeError(`compact form of an unlisted header field: ${name}`);
    specs.set(letter, spec);
    specs.set(letter.toUpperCase(), spec);
  }
  return specs;
}

/** What is known of a header field by any spelling of its name; undefined for an extension. */
export function headerSpec(name: string): HeaderSpec | undefined {
  return SPECS.get(name) ?? SPECS.get(name.toLowerCase());
}

/** Conventional spellings by first letter and length: most lookups of a parser end here, without a substring to hash. */
const SHAPE_LENGTHS = 32;
const SPECS_BY_SHAPE = groupByShape();

function shapeOf(initial: number, length: number): number {
  return (initial & 31) * SHAPE_LENGTHS + length;
}

function groupByShape(): readonly (readonly HeaderSpec[] | undefined)[] {
  const groups: HeaderSpec[][] = [];
  for (const [name, spec] of SPECS) {
    if (name === spec.conventional) (groups[shapeOf(name.charCodeAt(0), name.length)] ??= []).push(spec);
  }
  return Array.from({ length: 32 * SHAPE_LENGTHS }, (_, shape) => groups[shape]);
}

/** `headerSpec(text.slice(start, end))`. */
export function headerSpecAt(text: string, start: number, end: number): HeaderSpec | undefined {
  const length = end - start;
  const group = length < SHAPE_LENGTHS ? SPECS_BY_SHAPE[shapeOf(text.charCodeAt(start), length)] : undefined;
  if (group !== undefined) {
    for (const spec of group) if (text.startsWith(spec.conventional, start)) return spec;
  }
  return headerSpec(text.slice(start, end));
}

/** The key to compare header names by: canonical for known ones, lower case for others. */
export function headerKey(name: string): string {
  const spec = SPECS.get(name);
  if (spec !== undefined) return spec.name;
  const lower = name.toLowerCase();
  return SPECS.get(lower)?.name ?? lower;
}

/** The name to store in a `HeaderField`: canonical for known ones, as given for others. */
export function canonicalHeaderName(name: string): string {
  return headerSpec(name)?.name ?? name;
}

/** The name to write on the wire. */
export function conventionalHeaderName(name: string): string {
  return headerSpec(name)?.conventional ?? name;
}

/** Together the bits of the header fields that a request and its responses cannot be without (RFC 3261 section 8.1.1), Via aside. */
export const MANDATORY_BITS = ["from", "to", "call-id", "cseq"].reduce(
  (bits, name) => bits | (SPECS.get(name)?.onceBit ?? 0),
  0,
);
