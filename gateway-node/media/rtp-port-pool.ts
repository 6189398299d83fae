/** Media ports of this gateway: random even ports, so that a scanner cannot guess the next one, each with its odd neighbour for RTCP. */
import { randomInt } from "node:crypto";
import type { Socket } from "node:dgram";
import { bindUdpSocket, closeSocket } from "./udp-socket.ts";

export interface BoundPorts {
  readonly port: number;
  /** One socket for each host asked for, in that order, all on `port`. */
  readonly sockets: readonly Socket[];
  /** On `port + 1` of the first host, when asked for. */
  readonly rtcpSocket?: Socket;
}

/** Foreign processes may sit in the range; after this many the range is not ours. */
const MAX_BIND_FAILURES = 32;

export class RtpPortPool {
  readonly #firstPort: number;
  readonly #pairs: number;
  readonly #used = new Set<number>();

  constructor(range: readonly [number, number]) {
    this.#firstPort = range[0] + (range[0] % 2);
    this.#pairs = Math.max(0, Math.floor((range[1] + 1 - this.#firstPort) / 2));
  }

  get free(): number {
    return this.#pairs - this.#used.size;
  }

  get used(): number {
    return this.#used.size;
  }

  /** Binds a free port on every host; `undefined` when the pool is empty or the range is taken by others. */
  async bind(hosts: readonly string[], withRtcp: boolean): Promise<BoundPorts | undefined> {
    for (let failures = 0; failures < MAX_BIND_FAILURES; failures += 1) {
      const port = this.#reserve();
      if (port === undefined) return undefined;
      const bound = await tryBind(port, hosts, withRtcp);
      if (bound !== undefined) return bound;
      this.#used.delete(port);
    }
    return undefined;
  }

  /** Closes the sockets and gives the port back. Call it after the drain time. */
  release(bound: BoundPorts): void {
    for (const socket of bound.sockets) closeSocket(socket);
    if (bound.rtcpSocket !== undefined) closeSocket(bound.rtcpSocket);
    this.#used.delete(bound.port);
  }

  #reserve(): number | undefined {
    if (this.free <= 0) return undefined;
    for (let step = randomInt(this.#pairs), tried = 0; tried < this.#pairs; tried += 1, step += 1) {
      const port = this.#firstPort + (step % this.#pairs) * 2;
      if (this.#used.has(port)) continue;
      this.#used.add(port);
      return port;
    }
    return undefined;
  }
}

async function tryBind(port: number, hosts: readonly string[], withRtcp: boolean): Promise<BoundPorts | undefined> {
  const wanted = hosts.map((host) => bindUdpSocket(host, port));
  const rtcpHost = hosts[0];
  if (withRtcp && rtcpHost !== undefined) wanted.push(bindUdpSocket(rtcpHost, port + 1));
  const results = await Promise.allSettled(wanted);
  const sockets = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (sockets.length < results.length) {
    for (const socket of sockets) closeSocket(socket);
    return undefined;
  }
  const rtcpSocket = withRtcp ? sockets.pop() : undefined;
  return rtcpSocket === undefined ? { port, sockets } : { port, sockets, rtcpSocket };
}
