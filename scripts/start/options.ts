import { isIP } from "node:net";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";

/** What the command line of `npm start` says. */
export interface StartOptions {
  /** Address that gateways listen on and advertise; absent: what the region file says. */
  readonly host?: string;
  /** Starts a process again when it dies. */
  readonly restart: boolean;
  readonly regionConfig: string;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly logLevel: LogLevel;
  /** Deletes all local state first. */
  readonly reset: boolean;
  /** Where secrets, storage, logs and stack.json live. */
  readonly localFolder: string;
}

const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Relative paths on the command line count from `root`, where npm puts us. */
export function parseStartOptions(argv: readonly string[], root: string, command = new Command()): StartOptions {
  command
    .name("npm start --")
    .usage("[options]")
    .description("Starts the whole stack on this machine: Worker, gateways, demo accounts.")
    .option(
      "--host <address>",
      "IP address of this machine that phones and browsers reach; serves HTTPS too",
      parseHost,
    )
    .option("--no-restart", "leave a process dead that dies, instead of starting it again")
    .option("--region-config <file>", "regions and gateways", "region-config/local.json")
    .option("--http-port <port>", "port of HTTP and SIP over WebSocket", parsePort, 8787)
    .option("--https-port <port>", "port of HTTPS, with --host only", parsePort, 8788)
    .addOption(new Option("--log-level <level>", "how much the gateways write").choices(LOG_LEVELS).default("info"))
    .option("--reset", "delete all local state first: secrets, accounts, calls", false)
    .option("--local-dir <folder>", "folder of the local state", ".local")
    .addHelpText("after", "\nCtrl-C stops everything. Passwords are in stack.json in the local folder while it runs.")
    .parse(argv, { from: "user" });
  const parsed = command.opts<Omit<StartOptions, "localFolder"> & { readonly localDir: string }>();
  return {
    host: parsed.host,
    restart: parsed.restart,
    regionConfig: resolve(root, parsed.regionConfig),
    httpPort: parsed.httpPort,
    httpsPort: parsed.httpsPort,
    logLevel: parsed.logLevel,
    reset: parsed.reset,
    localFolder: resolve(root, parsed.localDir),
  };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new InvalidArgumentError("Give a port from 1 to 65535.");
  return port;
}

function parseHost(text: string): string {
  // Phones and browsers are told this address, so "every address" is none.
  if (text === "0.0.0.0" || text === "::") throw new InvalidArgumentError("Give the one address that clients reach.");
  if (isIP(text) === 0) throw new InvalidArgumentError("Give an IP address, not a name.");
  return text;
}

/** Loopback needs no HTTPS: browsers give the microphone to http://127.0.0.1. */
export function isLoopback(host: string): boolean {
  return host === "::1" || host.startsWith("127.");
}
