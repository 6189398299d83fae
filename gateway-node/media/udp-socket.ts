/** UDP sockets as the media plane uses them. */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns";

/** Targets of packets are addresses (`isAddress`): the look-up that node makes for each, even of an address, costs a turn of the event loop. */
function lookupAddress(
  host: string,
  _family: unknown,
  callback: (error: Error | null, address: string, family: number) => void,
): void {
  if (isAddress(host)) callback(null, host, 4);
  else lookup(host, { family: 4 }, callback);
}

/** An IPv4 address, told from a name by its last character: no top-level domain ends in a digit. */
export function isAddress(host: string): boolean {
  const last = host.charCodeAt(host.length - 1);
  return last >= 48 && last <= 57 && !host.includes(":");
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
