/** Via values (RFC 3261 section 20.42, `rport` of RFC 3581). */
import {
  COLON,
  COMMA,
  isPlainValue,
  NO_PARAMS,
  parseDecimal,
  quote,
  Scanner,
  SLASH,
  type Params,
} from "./characters.ts";
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
  const protocol = scanProtocol(scanner);
  const transport = scanPart(scanner);
  if (protocol === "" || transport === "") return undefined;
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
  return scanParams(scanner, { protocol, transport: upperCase(transport), host: span.host, port });
}

/** `SIP/2.0` as it is nearly always written, or by the grammar, where white space may be around the slash. */
function scanProtocol(scanner: Scanner): string {
  if (scanner.text.startsWith("SIP/2.0/", scanner.pos)) {
    scanner.pos += "SIP/2.0".length;
    return "SIP/2.0";
  }
  const name = scanner.token();
  const version = scanPart(scanner);
  return name === "" || version === "" ? "" : `${name}/${version}`.toUpperCase();
}

/** `SLASH token`, with any white space around the slash; empty when missing. */
function scanPart(scanner: Scanner): string {
  scanner.skipSpace();
  if (!scanner.eat(SLASH)) return "";
  scanner.skipSpace();
  return scanner.token();
}

function upperCase(transport: string): string {
  return transport === "UDP" || transport === "TCP" || transport === "TLS" ? transport : transport.toUpperCase();
}

/** Reads the parameters of every Via that passes through, so it spares the common ones the way through a map. */
function scanParams(scanner: Scanner, sentBy: Pick<Via, "protocol" | "transport" | "host" | "port">): Via | undefined {
  let branch: string | undefined;
  let received: string | undefined;
  let rport: number | true | undefined;
  let others: Map<string, string | true> | undefined;
  for (let name = scanner.paramName(); name !== undefined; name = scanner.paramName()) {
    const value = scanner.paramValue();
    if (value === undefined || name === "") return undefined;
    if (name === "branch") {
      if (value === true || branch !== undefined) return undefined;
      branch = value;
    } else if (name === "received") {
      if (value === true || received !== undefined) return undefined;
      received = withoutBrackets(value);
    } else if (name === "rport") {
      if (rport !== undefined) return undefined;
      rport = value === true ? true : parseDecimal(value, MAX_PORT);
      if (rport === undefined) return undefined;
    } else {
      others ??= new Map();
      if (others.has(name)) return undefined;
      others.set(name, value);
    }
  }
  if (!(scanner.atEnd() || scanner.peek() === COMMA)) return undefined;
  const { protocol, transport, host, port } = sentBy;
  return { protocol, transport, host, port, branch, received, rport, params: others ?? NO_PARAMS };
}

function withoutBrackets(address: string): string {
  return address.startsWith("[") && address.endsWith("]") ? address.slice(1, -1) : address;
}

export function serializeVia(via: Via): string {
  let text = `${via.protocol}/${via.transport} ${hostPort(via.host, via.port)}`;
  if (via.branch !== undefined) text += `;branch=${via.branch}`;
  if (via.rport !== undefined) text += via.rport === true ? ";rport" : `;rport=${via.rport}`;
  if (via.received !== undefined) text += `;received=${via.received}`;
  return text + serializeParams(via.params);
}

/** `*( SEMI generic-param )`; values that need quotes get them. */
function serializeParams(params: Params): string {
  let text = "";
  for (const [name, value] of params) {
    text += value === true ? `;${name}` : `;${name}=${isPlainValue(value) ? value : quote(value)}`;
  }
  return text;
}
