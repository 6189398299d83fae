/** The three listeners of a gateway and the ways out through them. */
import type { SipFlow } from "#protocol/capsule";
import type { SipStackOptions, SipStackLimits } from "./sip-stack-options.ts";
import type { ConnectionWatcher, StreamConnection, StreamProblem } from "./stream-connection.ts";
import { StreamTransport } from "./stream-transport.ts";
import type { ConnectionBudget } from "./stream-transport.ts";
import type { ResponsePath, SipSender } from "./transaction-context.ts";
import { openUdpTransport } from "./udp-transport.ts";
import type { UdpTransport } from "./udp-transport.ts";

/** What comes in. Responses to it go to `flow`. */
export interface SipSocketEvents {
  onMessage(bytes: Uint8Array, flow: SipFlow): void;
  /** A stream that cannot be read on; it is closed after this. */
  onBrokenStream(problem: StreamProblem, flow: SipFlow): void;
}

interface OpenSockets {
  readonly udp: UdpTransport;
  readonly tcp: StreamTransport;
  readonly tls: StreamTransport;
  /** Shared by the two. */
  readonly budget: ConnectionBudget;
}

export class SipSockets implements SipSender {
  readonly #udp: UdpTransport;
  readonly #tcp: StreamTransport;
  readonly #tls: StreamTransport;
  readonly #budget: ConnectionBudget;
  #closing: Promise<void> | undefined;

  /** Opens all three or none; rejects with `ListenError`. */
  static async open(options: SipStackOptions, limits: SipStackLimits, events: SipSocketEvents): Promise<SipSockets> {
    const udp = await openUdpTransport({
      host: options.host,
      port: options.ports.udp,
      onDatagram: (bytes, host, port) => events.onMessage(bytes, { transport: "udp", host, port }),
      onSocketError: (error) => options.log({ event: "sip.socket-error", transport: "udp", problem: error.message }),
    });
    const budget: ConnectionBudget = { open: 0 };
    let tcp: StreamTransport | undefined;
    try {
      tcp = await openStreamTransport("tcp", options, limits, budget, events);
      const tls = await openStreamTransport("tls", options, limits, budget, events);
      return new SipSockets({ udp, tcp, tls, budget });
    } catch (error) {
      await Promise.all([udp.close(), tcp?.close()]);
      throw error;
    }
  }

  private constructor({ udp, tcp, tls, budget }: OpenSockets) {
    this.#udp = udp;
    this.#tcp = tcp;
    this.#tls = tls;
    this.#budget = budget;
  }

  get connections(): number {
    return this.#budget.open;
  }

  port(transport: SipFlow["transport"]): number {
    if (transport === "udp") return this.#udp.port;
    return (transport === "tcp" ? this.#tcp : this.#tls).port;
  }

  // DEVIATION (docs/compliance.md#3261-18.1.1): a request longer than 1,300 octets stays on UDP. A phone that registered
  // over UDP rarely listens on TCP, and never behind a NAT.
  sendRequest(bytes: Uint8Array, flow: SipFlow, watcher?: ConnectionWatcher): StreamConnection | undefined {
    if (this.#closing !== undefined) return undefined;
    if (flow.transport === "udp") {
      const onFailure = watcher === undefined ? undefined : (reason: string) => watcher.onConnectionFailed(reason);
      this.#udp.send(bytes, flow.host, flow.port, onFailure);
      return undefined;
    }
    const connection = this.#streams(flow.transport).connectionTo(flow.host, flow.port);
    if (watcher !== undefined) connection.watchers.add(watcher);
    connection.write(bytes);
    return connection;
  }

  // DEVIATION (docs/compliance.md#3261-18.2.2): over UDP the answer goes to the source port even when the request has no
  // `rport`, for a phone behind a NAT hears nothing on the port of its sent-by.
  sendResponse(bytes: Uint8Array, path: ResponsePath): void {
    if (this.#closing !== undefined) return;
    const { transport, host, port } = path.flow;
    if (transport === "udp") this.#udp.send(bytes, host, port);
    else this.#streams(transport).connectionForResponse(host, port, path.sentByPort).write(bytes);
  }

  /** Idempotent; settles when the ports are free. */
  close(): Promise<void> {
    return (this.#closing ??= Promise.all([this.#udp.close(), this.#tcp.close(), this.#tls.close()]).then(
      () => undefined,
    ));
  }

  #streams(transport: "tcp" | "tls"): StreamTransport {
    return transport === "tcp" ? this.#tcp : this.#tls;
  }
}

function openStreamTransport(
  transport: "tcp" | "tls",
  options: SipStackOptions,
  limits: SipStackLimits,
  budget: ConnectionBudget,
  events: SipSocketEvents,
): Promise<StreamTransport> {
  return StreamTransport.open({
    transport,
    host: options.host,
    port: options.ports[transport],
    tls: options.tls,
    clock: options.clock,
    limits,
    budget,
    onMessage: (bytes, connection) => events.onMessage(bytes, connection.flow),
    onBroken: (problem, connection) => events.onBrokenStream(problem, connection.flow),
    onSocketError: (error) => options.log({ event: "sip.socket-error", transport, problem: error.message }),
    count: (counter) => options.count(counter),
  });
}
