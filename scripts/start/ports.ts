import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import type { RegionConfig } from "#region-config";
import { isLoopback } from "./options.ts";
import type { StartOptions } from "./options.ts";
import { StartProblem } from "./problem.ts";
import type { StartProblemCode } from "./problem.ts";

/** A port that the stack is going to open. */
export interface NeededPort {
  readonly protocol: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
  /** What for, in words. */
  readonly use: string;
}

/** Every fixed port of the stack. RTP ports are taken one by one while calls run, so they are not looked at. */
export function portsOf(
  config: RegionConfig,
  options: Pick<StartOptions, "host" | "httpPort" | "httpsPort">,
): readonly NeededPort[] {
  const ports: NeededPort[] = [{ protocol: "tcp", host: "127.0.0.1", port: options.httpPort, use: "HTTP" }];
  if (options.host !== undefined && !isLoopback(options.host)) {
    ports.push({ protocol: "tcp", host: options.host, port: options.httpsPort, use: "HTTPS" });
  }
  for (const { id, host, sip, trunkPort, metricsPort } of config.gateways) {
    ports.push(
      { protocol: "udp", host, port: sip.udp, use: `SIP of gateway ${id}` },
      { protocol: "tcp", host, port: sip.tcp, use: `SIP of gateway ${id}` },
      { protocol: "tcp", host, port: sip.tls, use: `SIP over TLS of gateway ${id}` },
      { protocol: "udp", host, port: trunkPort, use: `media trunk of gateway ${id}` },
      { protocol: "tcp", host: "127.0.0.1", port: metricsPort, use: `metrics of gateway ${id}` },
    );
  }
  return ports;
}

/** Tries each port, and reports all that cannot be opened at once. */
export async function checkPorts(ports: readonly NeededPort[]): Promise<void> {
  const checks = await Promise.all(ports.map(async (port) => ({ port, error: await tryPort(port) })));
  const failed = checks.filter(({ error }) => error !== undefined);
  if (failed.length === 0) return;
  throw new StartProblem(
    problemCode(failed[0]?.error),
    // Many ports of one wrong address are one mistake.
    [...new Set(failed.map(({ port, error }) => describePort(port, error ?? "")))],
  );
}

export function describePort({ protocol, host, port, use }: NeededPort, error: string): string {
  const name = `port ${port}/${protocol} on ${host} (${use})`;
  switch (error) {
    case "EADDRINUSE":
      return `${name} is in use: end the program that holds it (ss -${protocol === "tcp" ? "t" : "u"}lnp shows it)${otherPort(use)}`;
    case "EACCES":
      return `${name} is forbidden to this user: give a port of 1024 or more${otherPort(use)}`;
    case "EADDRNOTAVAIL":
      return `${host} is not an address of this machine: give one that is with --host`;
    default:
      return `${name} cannot be opened (${error})${otherPort(use)}`;
  }
}

function otherPort(use: string): string {
  if (use === "HTTP") return ", or give another with --http-port";
  if (use === "HTTPS") return ", or give another with --https-port";
  return ", or change it in the region file";
}

function problemCode(error: string | undefined): StartProblemCode {
  if (error === "EADDRNOTAVAIL") return "address-unknown";
  return error === "EACCES" ? "port-forbidden" : "port-busy";
}

/** Opens and closes it; resolves to the error's code when that fails. */
function tryPort({ protocol, host, port }: NeededPort): Promise<string | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
    if (protocol === "udp") {
      const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
      socket.once("error", failed);
      socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(undefined)));
    } else {
      const server = createServer();
      server.once("error", failed);
      server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
    }
  });
}
