/** rtpengine in user space (no kernel table), driven by its ng protocol: bencoded dictionaries over UDP. */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { once } from "node:events";
import { freePort } from "../../test/support/free-port.ts";
import { PeerProcess } from "../../test/support/peer-process.ts";
import { waitUntil } from "../../test/support/wait-until.ts";
import { findProgram, RTPENGINE } from "./debian-package.ts";
import type { Address } from "./sip-fields.ts";

export interface RtpengineOptions {
  readonly ports: readonly [first: number, last: number];
  /** Keeps its calls in this Redis and takes them back from there when it starts. */
  readonly redis?: Address;
  /** Given when it has to be the same after a restart. */
  readonly control?: Address;
  readonly threads?: number;
}

export class Rtpengine {
  readonly control: Address;
  readonly #process: PeerProcess;
  readonly #socket: Socket;
  readonly #waiting = new Map<string, (reply: string) => void>();
  #cookies = 0;
  #closed = false;

  /** Undefined where it is not installed. */
  static async start({ ports, redis, control, threads = 2 }: RtpengineOptions): Promise<Rtpengine | undefined> {
    const command = findProgram(RTPENGINE);
    if (command === undefined) return undefined;
    const at = control ?? { host: "127.0.0.1", port: await freePort() };
    const args = ["--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--interface=127.0.0.1"];
    args.push(`--listen-ng=${at.host}:${at.port}`, `--num-threads=${threads}`, "--timeout=120", "--delete-delay=0");
    args.push(`--port-min=${ports[0]}`, `--port-max=${ports[1]}`);
    if (redis !== undefined) args.push(`--redis=${redis.host}:${redis.port}/1`);
    const process = await PeerProcess.start({ name: "rtpengine", command, args });
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const rtpengine = new Rtpengine(at, process, socket);
    try {
      await waitUntil("rtpengine answers", () => rtpengine.#answers(), { everyMs: 20 });
    } catch (error) {
      await rtpengine.close();
      throw error;
    }
    return rtpengine;
  }

  private constructor(control: Address, process: PeerProcess, socket: Socket) {
    this.control = control;
    this.#process = process;
    this.#socket = socket;
    socket.on("message", (packet) => {
      const text = packet.toString("latin1");
      const space = text.indexOf(" ");
      this.#waiting.get(text.slice(0, space))?.(text.slice(space + 1));
    });
    socket.on("error", () => {});
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** A call between two addresses; answers with where each of them has to send to. */
  async relay(
    callId: string,
    caller: Address,
    callee: Address,
  ): Promise<{ readonly caller: Address; readonly callee: Address }> {
    const common = { "call-id": callId, "from-tag": "a" };
    const forCallee = await this.#ask({ command: "offer", ...common, sdp: sdpFor(caller) });
    const forCaller = await this.#ask({ command: "answer", ...common, "to-tag": "b", sdp: sdpFor(callee) });
    return { caller: audioOf(forCaller), callee: audioOf(forCallee) };
  }

  /** Safe to call again. */
  async close(): Promise<void> {
    if (!this.#closed) this.#socket.close();
    this.#closed = true;
    await this.#process.close();
  }

  async #answers(): Promise<boolean> {
    try {
      return (await this.#ask({ command: "ping" }, 100)).includes("pong");
    } catch {
      return false;
    }
  }

  #ask(command: Readonly<Record<string, string>>, timeoutMs = 2_000): Promise<string> {
    const cookie = `bench${(this.#cookies += 1)}`;
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(cookie);
        finish();
      };
      const timer = setTimeout(
        () => settle(() => reject(new Error(`rtpengine: no answer to ${command["command"]}`))),
        timeoutMs,
      );
      this.#waiting.set(cookie, (reply) =>
        settle(() => (reply.includes("6:result5:error") ? reject(new Error(`rtpengine: ${reply}`)) : resolve(reply))),
      );
      this.#socket.send(`${cookie} ${bencode(command)}`, this.control.port, this.control.host);
    });
  }
}

/** Keys of a bencoded dictionary are sorted. */
function bencode(dictionary: Readonly<Record<string, string>>): string {
  const entries = Object.entries(dictionary).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `d${entries.map(([key, value]) => `${key.length}:${key}${value.length}:${value}`).join("")}e`;
}

function sdpFor({ host, port }: Address): string {
  const lines = ["v=0", `o=- 1 1 IN IP4 ${host}`, "s=-", `c=IN IP4 ${host}`, "t=0 0", `m=audio ${port} RTP/AVP 0`];
  return [...lines, "a=rtpmap:0 PCMU/8000", ""].join("\r\n");
}

function audioOf(reply: string): Address {
  return { host: /c=IN IP4 (\S+)/.exec(reply)?.[1] ?? "", port: Number(/m=audio (\d+)/.exec(reply)?.[1]) };
}
