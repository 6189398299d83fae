/** Socket addresses as SIP writes them. */
import { isIPv6 } from "node:net";

/** A dual-stack socket shows IPv4 peers as `::ffff:192.0.2.1`; everywhere else they are `192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** The `host` of a sent-by: IPv6 literals in brackets (RFC 3261 section 25.1). */
export function sentByHost(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
