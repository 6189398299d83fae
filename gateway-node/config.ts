/** The environment, read once into a frozen value. Every mistake is reported at once and nothing starts half-configured. */
import { createPrivateKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { parseGatewayId, parseRegionName } from "#protocol/ids";
import type { GatewayId, RegionName } from "#protocol/ids";

export interface GatewayConfig {
  readonly gateway: GatewayId;
  readonly region: RegionName;
  readonly host: string;
  readonly sipPorts: { readonly udp: number; readonly tcp: number; readonly tls: number };
  readonly trunkPort: number;
  readonly rtpPorts: readonly [min: number, max: number];
  readonly metricsPort: number;
  readonly channels: number;
  /** Origin of the Worker, `ws:` or `wss:`, without a trailing slash. */
  readonly workerUrl: string;
  /** Signs the Worker's nonce: who this gateway is. */
  readonly enrolmentKey: KeyObject;
  /** 32 bytes shared by all gateways and unknown to the Worker. */
  readonly fleetKey: Buffer;
  readonly tls: { readonly key: string; readonly cert: string };
  readonly mediaHosts: readonly string[];
  readonly exitOnStdinEnd: boolean;
  readonly logLevel: LogLevel;
}

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `problems` has one sentence for each mistake; the start is refused with all of them. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "config-invalid";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration refused:\n  ${problems.join("\n  ")}`);
    this.problems = problems;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

class Reader {
  readonly problems: string[] = [];
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** `undefined` always comes with a problem, so a caller without problems has every value. */
  read<T>(name: string, expected: string, parse: (text: string) => T | undefined, fallback?: T): T | undefined {
    const text = this.#env[name];
    if (text === undefined || text === "") {
      if (fallback === undefined) this.problems.push(`${name} must be set: ${expected}`);
      return fallback;
    }
    const value = parse(text);
    if (value === undefined) this.problems.push(`${name} must be ${expected}, but is ${JSON.stringify(text)}`);
    return value;
  }
}

/** Reads and checks everything, key files included; throws one `ConfigError` that names every problem. */
export function readGatewayConfig(env: Environment, readFile: (path: string) => string): GatewayConfig {
  const reader = new Reader(env);
  const port = (name: string): number | undefined => reader.read(name, "a port, 0 to 65535", parsePort);
  const file = <T>(name: string, expected: string, parse: (text: string) => T | undefined): T | undefined =>
    reader.read(name, expected, (path) => parseFile(path, readFile, parse));

  const gateway = reader.read("GATEWAY_ID", "a gateway id such as us-east", parseGatewayId);
  const region = reader.read("GATEWAY_REGION", "a region name such as us-east", parseRegionName);
  const host = reader.read("GATEWAY_HOST", "an address or host name", parseHost);
  const udp = port("GATEWAY_SIP_UDP_PORT");
  const tcp = port("GATEWAY_SIP_TCP_PORT");
  const tls = port("GATEWAY_SIP_TLS_PORT");
  const trunkPort = port("GATEWAY_TRUNK_PORT");
  const rtpPorts = reader.read("GATEWAY_RTP_PORTS", "a port range such as 20000-21999", parsePortRange);
  const metricsPort = port("GATEWAY_METRICS_PORT");
  const channels = reader.read("GATEWAY_CHANNELS", "a number of channels, 1 to 64", parseChannels, 2);
  const workerUrl = reader.read("GATEWAY_WORKER_URL", "a ws: or wss: origin", parseWorkerUrl);
  const enrolmentKey = file("GATEWAY_KEY_FILE", "a readable file with an Ed25519 key (PKCS #8 PEM)", parseEd25519Key);
  const fleetKey = file("GATEWAY_FLEET_KEY_FILE", "a readable file with 64 hex digits", parseFleetKey);
  const tlsKey = file("GATEWAY_TLS_KEY_FILE", "a readable PEM file with a private key", parsePem);
  const tlsCert = file("GATEWAY_TLS_CERT_FILE", "a readable PEM file with a certificate", parsePem);
  const mediaHosts = reader.read("GATEWAY_MEDIA_HOSTS", "a comma list of addresses", parseHosts, []);
  const exitOnStdinEnd = reader.read("GATEWAY_EXIT_ON_STDIN_END", "0 or 1", parseSwitch, false);
  const logLevel = reader.read("GATEWAY_LOG_LEVEL", `one of ${LOG_LEVELS.join(", ")}`, parseLogLevel, "info");

  if (reader.problems.length > 0) throw new ConfigError(reader.problems);
  return Object.freeze({
    gateway: present(gateway),
    region: present(region),
    host: present(host),
    sipPorts: Object.freeze({ udp: present(udp), tcp: present(tcp), tls: present(tls) }),
    trunkPort: present(trunkPort),
    rtpPorts: present(rtpPorts),
    metricsPort: present(metricsPort),
    channels: present(channels),
    workerUrl: present(workerUrl),
    enrolmentKey: present(enrolmentKey),
    fleetKey: present(fleetKey),
    tls: Object.freeze({ key: present(tlsKey), cert: present(tlsCert) }),
    mediaHosts: Object.freeze(present(mediaHosts)),
    exitOnStdinEnd: present(exitOnStdinEnd),
    logLevel: present(logLevel),
  });
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a value without a problem is missing");
  return value;
}

function parseFile<T>(
  path: string,
  readFile: (path: string) => string,
  parse: (text: string) => T | undefined,
): T | undefined {
  let text: string;
  try {
    text = readFile(path);
  } catch {
    // The cause (missing, forbidden) is the operator's to find; the message names variable and path.
    return undefined;
  }
  return parse(text);
}

function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65_535 ? port : undefined;
}

function parsePortRange(text: string): readonly [number, number] | undefined {
  const [low, high, rest] = text.split("-").map(parsePort);
  if (low === undefined || high === undefined || rest !== undefined || text.split("-").length !== 2) return undefined;
  return low >= 1024 && high > low ? Object.freeze([low, high] as const) : undefined;
}

function parseChannels(text: string): number | undefined {
  const channels = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  return channels >= 1 && channels <= 64 ? channels : undefined;
}

function parseHost(text: string): string | undefined {
  return /^[A-Za-z0-9.:-]{1,253}$/.test(text) ? text : undefined;
}

function parseHosts(text: string): readonly string[] | undefined {
  const hosts = text.split(",").map((part) => parseHost(part.trim()));
  const found = hosts.filter((host) => host !== undefined);
  return found.length === hosts.length && found.length > 0 ? found : undefined;
}

function parseWorkerUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const plain = url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  return (url.protocol === "ws:" || url.protocol === "wss:") && plain ? `${url.protocol}//${url.host}` : undefined;
}

function parseEd25519Key(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined;
  }
}

function parseFleetKey(text: string): Buffer | undefined {
  return /^[0-9a-f]{64}$/i.test(text.trim()) ? Buffer.from(text.trim(), "hex") : undefined;
}

function parsePem(text: string): string | undefined {
  return /^-----BEGIN [A-Z ]+-----/m.test(text) ? text : undefined;
}

function parseSwitch(text: string): boolean | undefined {
  return text === "1" ? true : text === "0" ? false : undefined;
}

function parseLogLevel(text: string): LogLevel | undefined {
  return LOG_LEVELS.find((level) => level === text);
}
