import { networkInterfaces } from "node:os";

/** Addresses that browsers are offered, and those that sockets are bound to for them. */
export interface MediaHosts {
  readonly offered: readonly string[];
  readonly bound: readonly string[];
}

/**
 * Without `mediaHosts` the gateway's own host is offered; Firefox ignores candidates in 127.x, so a gateway on loopback
 * offers the machine's first other IPv4 address as well. An address that this machine does not have (1:1 NAT in front) is
 * offered, and the gateway's host bound.
 */
export function planMediaHosts(host: string, mediaHosts: readonly string[]): MediaHosts {
  const local = ownAddresses();
  const external = local.find((one) => !one.internal)?.address;
  const own = host.startsWith("127.") && external !== undefined ? [host, external] : [host];
  const offered = mediaHosts.length > 0 ? mediaHosts : own;
  return { offered, bound: [...new Set(offered.map((one) => (isOwnAddress(one) ? one : host)))] };
}

/** Whether this machine has the address; all of 127.0.0.0/8 is its own. */
export function isOwnAddress(host: string): boolean {
  return host.startsWith("127.") || ownAddresses().some(({ address }) => address === host);
}

function ownAddresses(): readonly { readonly address: string; readonly internal: boolean }[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((one) => one.family === "IPv4");
}
