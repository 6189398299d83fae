/** Addresses of the gateways that the region map names: looked up beside the packets, never for one. */
import { lookup } from "node:dns";
import { isAddress } from "./udp-socket.ts";

const FRESH_MS = 30_000;

interface Entry {
  address: string | undefined;
  askedAtMs: number;
}

export class HostAddresses {
  readonly #entries = new Map<string, Entry>();

  /** `undefined` until a name's first look-up is done; after that the last address known, renewed now and then. */
  addressOf(host: string, nowMs: number): string | undefined {
    if (isAddress(host)) return host;
    const entry = this.#entries.get(host) ?? { address: undefined, askedAtMs: Number.NEGATIVE_INFINITY };
    if (nowMs - entry.askedAtMs >= FRESH_MS) {
      entry.askedAtMs = nowMs;
      this.#entries.set(host, entry);
      lookup(host, { family: 4 }, (error, address) => {
        if (error === null) entry.address = address;
        else entry.askedAtMs = Number.NEGATIVE_INFINITY;
      });
    }
    return entry.address;
  }
}
