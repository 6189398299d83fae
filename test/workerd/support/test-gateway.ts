/** The gateway's end of a control channel, as far as tests need it: signs, sends frames, waits for frames. */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { WebSocket } from "ws";
import { CONTROL_SUBPROTOCOL, enrolmentText } from "../../../protocol/control-frames.ts";
import type { ResumedCall, WorkerFrame } from "../../../protocol/control-frames.ts";
import type { GatewayId, GatewayInstanceId } from "../../../protocol/ids.ts";
import { parseGatewayId, parseGatewayInstanceId } from "../../../protocol/ids.ts";

export interface GatewayKeys {
  readonly privateKey: KeyObject;
  /** Raw, base64url: as the operator enrols it. */
  readonly publicKey: string;
}

export function createGatewayKeys(): GatewayKeys {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return { privateKey, publicKey: publicKey.export({ format: "jwk" }).x ?? "" };
}

export function createInstance(): GatewayInstanceId {
  return parseGatewayInstanceId(randomBytes(16).toString("hex"))!;
}

export type Frame<Kind extends WorkerFrame["kind"]> = Extract<WorkerFrame, { kind: Kind }>;

export class TestGateway {
  readonly gateway: GatewayId;
  readonly instance: GatewayInstanceId;
  readonly channel: number;
  readonly frames: WorkerFrame[] = [];
  closed: { readonly code: number } | undefined;
  readonly #socket: WebSocket;
  readonly #keys: GatewayKeys;
  #changed: () => void = () => undefined;

  constructor(
    origin: string,
    options: {
      readonly gateway: string;
      readonly keys: GatewayKeys;
      readonly instance?: GatewayInstanceId;
      readonly channel?: number;
    },
  ) {
    this.gateway = parseGatewayId(options.gateway)!;
    this.instance = options.instance ?? createInstance();
    this.channel = options.channel ?? 0;
    this.#keys = options.keys;
    this.#socket = new WebSocket(
      `${origin.replace("http", "ws")}/control?gateway=${this.gateway}&channel=${this.channel}`,
      CONTROL_SUBPROTOCOL,
    );
    this.#socket.on("message", (data: Buffer) => {
      const text = data.toString();
      if (text === "pong") return;
      const frame: WorkerFrame = JSON.parse(text);
      this.frames.push(frame);
      this.#changed();
    });
    this.#socket.on("close", (code) => {
      this.closed = { code };
      this.#changed();
    });
    this.#socket.on("error", () => undefined);
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  /** Answers the challenge; returns the welcome. */
  async hello(
    overrides: {
      readonly calls?: readonly ResumedCall[];
      readonly moreCalls?: boolean;
      readonly signature?: string;
      readonly protocol?: number;
      readonly nonce?: string;
    } = {},
  ): Promise<Frame<"welcome">> {
    await this.sendHello(overrides);
    return await this.next("welcome");
  }

  async sendHello(
    overrides: {
      readonly calls?: readonly ResumedCall[];
      readonly moreCalls?: boolean;
      readonly signature?: string;
      readonly protocol?: number;
      readonly nonce?: string;
    } = {},
  ): Promise<void> {
    const { nonce } = await this.next("challenge");
    const text = enrolmentText(overrides.nonce ?? nonce, this.gateway, this.instance, this.channel);
    const signature = overrides.signature ?? sign(null, Buffer.from(text), this.#keys.privateKey).toString("base64url");
    const { gateway, instance, channel } = this;
    this.send({
      kind: "hello",
      protocol: overrides.protocol ?? 1,
      gateway,
      instance,
      channel,
      channels: 2,
      signature,
      calls: overrides.calls ?? [],
      ...(overrides.moreCalls === undefined ? {} : { moreCalls: overrides.moreCalls }),
    });
  }

  /** The next frame of this kind that no one took yet. */
  async next<Kind extends WorkerFrame["kind"]>(kind: Kind, timeoutMs = 5_000): Promise<Frame<Kind>> {
    return await this.#until(`frame ${kind}`, timeoutMs, () => {
      const index = this.frames.findIndex((frame) => frame.kind === kind);
      const [frame] = index < 0 ? [] : this.frames.splice(index, 1);
      return frame !== undefined && isKind(frame, kind) ? frame : undefined;
    });
  }

  async ended(timeoutMs = 5_000): Promise<number> {
    return await this.#until("close", timeoutMs, () => this.closed?.code);
  }

  /** Breaks the connection without a closing handshake, as a killed process does. */
  kill(): void {
    this.#socket.terminate();
  }

  close(): void {
    this.#socket.close();
  }

  async #until<T>(what: string, timeoutMs: number, look: () => T | undefined): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        throw new Error(
          `no ${what} within ${timeoutMs} ms; got ${JSON.stringify(this.frames)} and close ${this.closed?.code}`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

function isKind<Kind extends WorkerFrame["kind"]>(frame: WorkerFrame, kind: Kind): frame is Frame<Kind> {
  return frame.kind === kind;
}
