/**
 * A NAT with an address-restricted filter in front of one SIP phone over UDP: the phone's packets leave from an address of
 * the filter's own, and only the host and port that they were sent to may answer (RFC 4787 section 5, the strictest kind).
 */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { once } from "node:events";

export interface AddressFilter {
  /** The phone's outbound proxy. */
  readonly inside: { readonly host: string; readonly port: number };
  /** Packets of strangers that were dropped. */
  readonly dropped: () => number;
  close(): Promise<void>;
}

export async function startAddressFilter(gateway: {
  readonly host: string;
  readonly port: number;
}): Promise<AddressFilter> {
  const inside = await bound("127.0.0.1");
  const outside = await bound("127.0.0.1");
  let phonePort: number | undefined;
  let dropped = 0;
  inside.on("message", (bytes, { port }) => {
    phonePort = port;
    outside.send(bytes, gateway.port, gateway.host);
  });
  outside.on("message", (bytes, { address, port }) => {
    if (address !== gateway.host || port !== gateway.port || phonePort === undefined) {
      dropped += 1;
      return;
    }
    inside.send(bytes, phonePort, "127.0.0.1");
  });
  return {
    inside: { host: "127.0.0.1", port: inside.address().port },
    dropped: () => dropped,
    async close() {
      await Promise.all([inside, outside].map(async (socket) => await closed(socket)));
    },
  };
}

async function bound(host: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, host);
  await once(socket, "listening");
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  const end = once(socket, "close");
  socket.close();
  await end;
}
