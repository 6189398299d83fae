import { networkInterfaces } from "node:os";

/**
 * Addresses to offer to browsers. Firefox ignores candidates in 127.x, so a gateway on loopback offers the machine's first
 * other IPv4 address as well.
 */
export function defaultMediaHosts(host: string): readonly string[] {
  if (!host.startsWith("127.")) return [host];
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((one) => one.family === "IPv4" && !one.internal);
  return external === undefined ? [host] : [host, external.address];
}
