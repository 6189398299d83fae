/** UDP sockets as the media plane uses them. */
import { createSocket, type Socket } from "node:dgram";

/** All our targets are addresses: a name look-up for each packet, even of an address, costs a turn of the event loop. */
function lookupAddress(
  address: string,
  _family: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, 4);
}

/** Resolves when bound; rejects with the system's error (`EADDRINUSE` …). */
export function bindUdpSocket(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: "udp4", lookup: lookupAddress });
    socket.once("error", reject);
    socket.bind(port, host, () => {
      socket.off("error", reject);
      // ICMP errors of unreachable peers surface here; the peer's silence is what counts.
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

/** Fire and forget. A full or closed socket loses the packet, as a network does. */
export function sendDatagram(socket: Socket, packet: Buffer, port: number, host: string): void {
  try {
    socket.send(packet, 0, packet.length, port, host, ignoreSendError);
  } catch {
    // Closed between the caller's check and here, or an address the kernel refuses at once.
  }
}

function ignoreSendError(): void {}

export function closeSocket(socket: Socket): void {
  socket.removeAllListeners("message");
  try {
    socket.close();
  } catch {
    // Closed already.
  }
}
