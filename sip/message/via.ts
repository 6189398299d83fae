/** Via values (RFC 3261 section 20.42, `rport` of RFC 3581). */
import { COLON, isPlainValue, NO_PARAMS, parseDecimal, quote, Scanner, SLASH, type Params } from "./characters.ts";
import { hostPort, MAX_PORT, scanHost } from "./host.ts";

export interface Via {
  /** `SIP/2.0`. */
  readonly protocol: string;
  /** Upper case: `UDP`, `TCP`, `TLS`, `WS`, `WSS` or anything else. */
  readonly transport: string;
  /** As written, because some clients compare the echo octet by octet; IPv6 without brackets. */
  readonly host: string;
  readonly port?: number;
  readonly branch?: string;
  readonly received?: string;
  /** `true`: asked for, without a value yet. */
  readonly rport?: number | true;
  /** The parameters that have no field of their own. */
  readonly params: Params;
}

export function parseVia(text: string): Via | undefined {
  const scanner = new Scanner(text);
  const via = scanVia(scanner);
  return scanner.atEnd() ? via : undefined;
}

/** Reads one Via value and stops before a comma or at the end. */
export function scanVia(scanner: Scanner): Via | undefined {
  scanner.skipSpace();
  const name = scanner.token();
  const version = scanPart(scanner);
  const transport = scanPart(scanner);
  if (name === "" || version === "" || transport === "") return undefined;
  scanner.skipSpace();
  const span = scanHost(scanner.text, scanner.pos);
  if (span === undefined) return undefined;
  scanner.pos = span.end;
  scanner.skipSpace();
  let port: number | undefined;
  if (scanner.eat(COLON)) {
    scanner.skipSpace();
    port = parseDecimal(scanner.digits(), MAX_PORT);
    if (port === undefined || port === 0) return undefined;
  }
  const params = scanner.params();
  if (params === undefined || !isAtItemEnd(scanner)) return undefined;
  return withNamedParams({ protocol: `${name}/${version}`.toUpperCase(), transport: transport.toUpperCase(), host: span.host, port, params });
}

function isAtItemEnd(scanner: Scanner): boolean {
  return scanner.atEnd() || scanner.text.charAt(scanner.pos) === ",";
}

/** `SLASH token`, with any white space around the slash; empty when missing. */
function scanPart(scanner: Scanner): string {
  scanner.skipSpace();
  if (!scanner.eat(SLASH)) return "";
  scanner.skipSpace();
  return scanner.token();
}

function withNamedParams(via: Via): Via | undefined {
  if (via.params.size === 0) return via;
  let branch: string | undefined;
  let received: string | undefined;
  let rport: number | true | undefined;
  let others: Map<string, string | true> | undefined;
  for (const [name, value] of via.params) {
    if (name === "branch" || name === "received") {
      if (value === true) return undefined;
      if (name === "branch") branch = value;
      else received = value.startsWith("[") && value.endsWith("]") ? value.slice(1, -1) : value;
    } else if (name === "rport") {
      rport = value === true ? true : parseDecimal(value, MAX_PORT);
      if (rport === undefined) return undefined;
    } else {
      others ??= new Map();
      others.set(name, value);
    }
  }
  return { protocol: via.protocol, transport: via.transport, host: via.host, port: via.port, branch, received, rport, params: others ?? NO_PARAMS };
}

export function serializeVia(via: Via): string {
  let text = `${via.protocol}/${via.transport} ${hostPort(via.host, via.port)}`;
  if (via.branch !== undefined) text += `;branch=${via.branch}`;
  if (via.rport !== undefined) text += via.rport === true ? ";rport" : `;rport=${via.rport}`;
  if (via.received !== undefined) text += `;received=${via.received}`;
  return text + serializeParams(via.params);
}

/** `*( SEMI generic-param )`; values that need quotes get them. */
export function serializeParams(params: Params): string {
  let text = "";
  for (const [name, value] of params) {
    text += value === true ? `;${name}` : `;${name}=${isPlainValue(value) ? value : quote(value)}`;
  }
  return text;
}
