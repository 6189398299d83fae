/** Ports that nobody listens on at this moment, for peers that cannot pick one themselves. */
import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { WORKER_SLICE } from "./worker-slice.ts";

/** Below the range that the system hands out by itself (32768 and up on Linux), above the fixed ports of `npm start`. */
const PORTS_EACH = 2_600;
const FIRST_PORT = 11_000 + WORKER_SLICE * PORTS_EACH;
const LAST_PORT = FIRST_PORT + PORTS_EACH - 1;
/** Where this process looks next: a port is not handed out twice, and two test runs begin at different places. */
let next = FIRST_PORT + ((process.pid * 37) % PORTS_EACH);

function udpIsFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    socket.once("error", () => socket.close(() => resolve(false)));
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function tcpIsFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function portIsFree(host: string, port: number): Promise<boolean> {
  return (await udpIsFree(host, port)) && (await tcpIsFree(host, port));
}

/** The first of `count` neighbouring ports that are free for UDP and TCP both. */
export async function freePort(host = "127.0.0.1", count = 1): Promise<number> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const first = next + count > LAST_PORT ? FIRST_PORT : next;
    next = first + count;
    const free = await Promise.all(Array.from({ length: count }, (_, offset) => portIsFree(host, first + offset)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free neighbouring ports on ${host}`);
}

/** Whether somebody holds a port, found out without touching it: trying to bind could take it from a peer that is just starting. */
export async function portIsHeld(protocol: "udp" | "tcp", port: number): Promise<boolean> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const tables = await Promise.all(
    [`/proc/net/${protocol}`, `/proc/net/${protocol}6`].map((path) => readFile(path, "utf8").catch(() => "")),
  );
  // The second column is the local address.
  return tables.some((table) =>
    table.split("\n").some((line) => line.trim().split(/\s+/)[1]?.endsWith(wanted) === true),
  );
}
