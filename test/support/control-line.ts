/** A control channel as a gateway dials it, for those who are no gateway: any frame, signed with any key. */
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { WebSocket } from "ws";
import { CONTROL_SUBPROTOCOL, enrolmentText } from "#protocol/control-frames";
import { parseGatewayId, parseGatewayInstanceId } from "#protocol/ids";
import type { Stack } from "./stack.ts";
import { waitUntil } from "./wait-until.ts";

export type Frame = Readonly<Record<string, unknown>>;

export interface HelloOptions {
  readonly key: KeyObject;
  readonly gateway?: string;
  readonly channel?: number;
  readonly protocol?: number;
  readonly nonce?: string;
}

export class ControlLine {
  readonly frames: Frame[] = [];
  /** Settles with the close code. */
  readonly closed: Promise<number>;
  readonly gateway: string;
  readonly channel: number;
  readonly #socket: WebSocket;

  static async open(stack: Stack, gateway: string, channel = 0): Promise<ControlLine> {
    const url = `${stack.http.replace("http", "ws")}/control?gateway=${gateway}&channel=${channel}`;
    const line = new ControlLine(new WebSocket(url, CONTROL_SUBPROTOCOL), gateway, channel);
    await once(line.#socket, "open");
    return line;
  }

  constructor(socket: WebSocket, gateway: string, channel: number) {
    this.gateway = gateway;
    this.channel = channel;
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.frames.push(JSON.parse(data.toString()) as Frame));
    socket.on("error", () => undefined);
    this.closed = once(socket, "close").then(([code]: readonly number[]) => code ?? 0);
  }

  send(frame: Frame | string | Uint8Array): void {
    this.#socket.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame));
  }

  async waitFrame(kind: string): Promise<Frame> {
    return await waitUntil(`frame ${kind}`, () => this.frames.find((frame) => frame["kind"] === kind));
  }

  /** Answers the challenge, rightly but for what `options` change. */
  async hello(options: HelloOptions): Promise<void> {
    const challenge = await this.waitFrame("challenge");
    const instance = parseGatewayInstanceId(randomBytes(16).toString("hex"));
    const gateway = parseGatewayId(options.gateway ?? this.gateway);
    if (instance === undefined || gateway === undefined) throw new Error("a hello needs ids that are ids");
    const channel = options.channel ?? this.channel;
    const text = enrolmentText(options.nonce ?? String(challenge["nonce"]), gateway, instance, channel);
    const signature = sign(null, Buffer.from(text), options.key).toString("base64url");
    const { protocol = 1 } = options;
    this.send({ kind: "hello", protocol, gateway, instance, channel, channels: 2, calls: [], signature });
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** The key that a gateway of this stack enrolled. */
export async function gatewayKey(stack: Stack, id: string): Promise<KeyObject> {
  return createPrivateKey(await readFile(join(stack.localFolder, "keys", `${id}.pem`), "utf8"));
}

export const strangersKey = (): KeyObject => generateKeyPairSync("ed25519").privateKey;
