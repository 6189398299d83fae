/** SIP over UDP: one socket for everything, so that answers and requests leave from the port that peers know (RFC 3581). */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns";
import { isIP, isIPv4, isIPv6 } from "node:net";
import type { Socket } from "node:dgram";
import { plainAddress } from "./ip-address.ts";
import { ListenError } from "./listen-error.ts";

export interface UdpTransportOptions {
  readonly host: string;
  readonly port: number;
  onDatagram(bytes: Uint8Array, host: string, port: number): void;
  onSocketError(error: Error): void;
}

export interface UdpTransport {
  readonly port: number;
  send(bytes: Uint8Array, host: string, port: number, onFailure?: (reason: string) => void): void;
  close(): Promise<void>;
}

/** Bursts of a registration storm wait in the kernel rather than being lost; the kernel caps what it grants. */
const RECEIVE_BUFFER_BYTES = 4 * 1_048_576;

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;

/** Node would look every destination up again, a tick later, for each datagram; flows carry addresses already. */
function lookupUnlessAddress(
  hostname: string,
  options: { readonly family?: number | "IPv4" | "IPv6" },
  callback: LookupCallback,
): void {
  const family = isIP(hostname);
  if (family === 0) lookup(hostname, { family: options.family }, callback);
  else callback(null, hostname, family);
}

/** A response that cannot be sent is asked for again by the request's next retransmission. */
function ignoreFailure(): void {
  // See above.
}

/** Settles when the port is open; rejects with `ListenError`. */
export async function openUdpTransport(options: UdpTransportOptions): Promise<UdpTransport> {
  const dualStack = isIPv6(options.host);
  const socket = createSocket({ type: dualStack ? "udp6" : "udp4", lookup: lookupUnlessAddress });
  await bind(socket, options);
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    // The system's default is what we get then; nothing else depends on it.
  }
  socket.on("error", (error) => options.onSocketError(error));
  socket.on("message", (bytes, peer) => {
    // Nobody can be answered at port 0: a forged source.
    if (peer.port !== 0) options.onDatagram(bytes, dualStack ? plainAddress(peer.address) : peer.address, peer.port);
  });

  let closing: Promise<void> | undefined;
  return {
    port: socket.address().port,
    send(bytes, host, port, onFailure) {
      if (closing !== undefined) return;
      const address = dualStack && isIPv4(host) ? `::ffff:${host}` : host;
      // Without the callback a failed send would end as an "error" event of the whole socket.
      socket.send(
        bytes,
        port,
        address,
        onFailure === undefined
          ? ignoreFailure
          : (error) => {
              if (error !== null) onFailure(error.message);
            },
      );
    },
    close: () => (closing ??= new Promise((resolve) => socket.close(() => resolve()))),
  };
}

function bind(socket: Socket, options: UdpTransportOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.close();
      reject(new ListenError("udp", options.host, options.port, error));
    };
    socket.once("error", fail);
    socket.once("listening", () => {
      socket.off("error", fail);
      resolve();
    });
    socket.bind({ port: options.port, address: options.host, exclusive: true });
  });
}
