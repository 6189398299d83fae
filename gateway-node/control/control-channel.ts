/** One WebSocket to the Worker: opening, identity, keep-alive and return after a loss (docs/design/control-channel.md, "Opening"). */
import {
  CONTROL_CLOSE,
  CONTROL_FRAME_LIMIT,
  CONTROL_PING,
  CONTROL_PONG,
  CONTROL_PROTOCOL_VERSION,
  enrolmentText,
  RESUMED_CALLS_A_FRAME,
} from "#protocol/control-frames";
import type { ControlRefusal, GatewayFrame, ResumedCall, WorkerFrame } from "#protocol/control-frames";
import type { GatewayId, GatewayInstanceId } from "#protocol/ids";
import type { Clock, Timer } from "../clock.ts";
import { readWorkerFrame } from "./worker-frame.ts";
import type { ReadFrame } from "./worker-frame.ts";

export const FIRST_PAUSE_MS = 50;
export const LONGEST_PAUSE_MS = 2_000;
/** After a refusal that says "final": an operator may enrol the key at any time, so the gateway goes on asking, slowly. */
export const REFUSED_PAUSE_MS = 30_000;
export const PING_MS = 5_000;
export const SILENCE_MS = 12_000;
/** From dialling to `welcome`. */
export const OPENING_MS = 5_000;

/** A text WebSocket; `close` ends in one `onClose`. */
export interface ControlSocket {
  send(text: string): void;
  close(code: number): void;
}

export interface ControlSocketHandlers {
  onText(text: string): void;
  onClose(code: number): void;
}

export type DialControlSocket = (url: string, handlers: ControlSocketHandlers) => ControlSocket;

type WelcomeFrame = Extract<WorkerFrame, { kind: "welcome" }>;
/** What concerns others than the channel itself. */
export type ChannelFrame = Exclude<ReadFrame, { kind: "challenge" | "welcome" | "refused" }>;

export interface ControlChannelOptions {
  readonly workerUrl: string;
  readonly gateway: GatewayId;
  readonly instance: GatewayInstanceId;
  readonly channel: number;
  readonly channels: number;
  /** Ed25519 over the text, base64url. */
  readonly sign: (text: string) => string;
  readonly dial: DialControlSocket;
  readonly clock: Clock;
  /** 0 to 1, for jitter: gateways that were cut off together must not come back together. */
  readonly random: () => number;
  readonly resumedCalls: () => readonly ResumedCall[];
  readonly onWelcome: (frame: WelcomeFrame) => void;
  readonly onFrame: (frame: ChannelFrame) => void;
  readonly onDown: () => void;
  readonly onRefused: (code: ControlRefusal, detail: string) => void;
  readonly count: (name: string) => void;
}

type Phase = "idle" | "opening" | "open" | "pausing" | "stopped";

export class ControlChannel {
  readonly #options: ControlChannelOptions;
  #phase: Phase = "idle";
  #socket: ControlSocket | undefined;
  #timer: Timer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #heardAtMs = 0;
  /** Calls that the hello had no room for. */
  #furtherCalls: readonly ResumedCall[] = [];
  /** Raised with each dial: a late word from an earlier socket is nobody's. */
  #dial = 0;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
  }

  get open(): boolean {
    return this.#phase === "open";
  }

  start(): void {
    if (this.#phase === "idle") this.#connect();
  }

  stop(): void {
    this.#phase = "stopped";
    this.#timer?.clear();
    this.#dial += 1;
    this.#socket?.close(1001);
    this.#socket = undefined;
  }

  /** `false` when the channel is not open, or the Worker would not take the frame; nothing is queued here. */
  send(frame: GatewayFrame): boolean {
    if (this.#phase !== "open" || this.#socket === undefined) return false;
    const text = JSON.stringify(frame);
    if (text.length > CONTROL_FRAME_LIMIT) {
      // Its senders keep below that: one lost frame is better than a channel that the Worker closes.
      this.#options.count(`control.unsendable.${frame.kind}`);
      return false;
    }
    this.#socket.send(text);
    return true;
  }

  #connect(): void {
    const { workerUrl, gateway, channel, clock, dial } = this.#options;
    this.#phase = "opening";
    this.#dial += 1;
    const attempt = this.#dial;
    this.#heardAtMs = clock.nowMs();
    this.#timer = clock.setTimer(OPENING_MS, () => this.#lost("control.opening-timeout"));
    this.#socket = dial(`${workerUrl}/control?gateway=${gateway}&channel=${String(channel)}`, {
      onText: (text) => {
        if (attempt === this.#dial) this.#onText(text);
      },
      onClose: (code) => {
        if (attempt === this.#dial) this.#onClose(code);
      },
    });
  }

  #onText(text: string): void {
    this.#heardAtMs = this.#options.clock.nowMs();
    if (text === CONTROL_PONG) return;
    const reading = readWorkerFrame(text);
    if (!reading.ok) {
      this.#options.count(`control.${reading.code}`);
      return;
    }
    const { frame } = reading;
    if (reading.code !== undefined) this.#options.count(`control.${reading.code}`);
    switch (frame.kind) {
      case "challenge":
        return this.#greet(frame.nonce);
      case "welcome":
        return this.#welcome(frame);
      case "refused":
        return this.#refused(frame.code, frame.detail, frame.final);
      default:
        if (this.#phase === "open") this.#options.onFrame(frame);
    }
  }

  #greet(nonce: string): void {
    const { gateway, instance, channel, channels, sign, resumedCalls } = this.#options;
    const calls = resumedCalls();
    this.#furtherCalls = calls.slice(RESUMED_CALLS_A_FRAME);
    const hello: GatewayFrame = {
      kind: "hello",
      protocol: CONTROL_PROTOCOL_VERSION,
      gateway,
      instance,
      channel,
      channels,
      signature: sign(enrolmentText(nonce, gateway, instance, channel)),
      calls: calls.slice(0, RESUMED_CALLS_A_FRAME),
      ...(this.#furtherCalls.length > 0 ? { moreCalls: true } : {}),
    };
    this.#socket?.send(JSON.stringify(hello));
  }

  #welcome(frame: WelcomeFrame): void {
    if (this.#phase !== "opening") return;
    this.#phase = "open";
    this.#pauseMs = FIRST_PAUSE_MS;
    this.#timer?.clear();
    this.#timer = this.#options.clock.setTimer(PING_MS, () => this.#keepAlive());
    this.#options.count("control.welcomed");
    this.#nameFurtherCalls();
    this.#options.onWelcome(frame);
  }

  #nameFurtherCalls(): void {
    const further = this.#furtherCalls;
    this.#furtherCalls = [];
    for (let from = 0; from < further.length; from += RESUMED_CALLS_A_FRAME) {
      const next = from + RESUMED_CALLS_A_FRAME;
      this.send({ kind: "hello-calls", calls: further.slice(from, next), moreCalls: next < further.length });
    }
  }

  #keepAlive(): void {
    if (this.#options.clock.nowMs() - this.#heardAtMs >= SILENCE_MS) return this.#lost("control.silent");
    this.#socket?.send(CONTROL_PING);
    this.#timer = this.#options.clock.setTimer(PING_MS, () => this.#keepAlive());
  }

  #refused(code: ControlRefusal, detail: string, final: boolean): void {
    this.#options.count(`control.refused.${code}`);
    this.#options.onRefused(code, detail);
    if (final) this.#pauseMs = REFUSED_PAUSE_MS;
    // Another process speaks for this gateway: two of them must not take the channel from each other in a tight loop.
    if (code === "superseded") this.#pauseMs = LONGEST_PAUSE_MS;
    this.#lost("control.refused");
  }

  #onClose(code: number): void {
    if (code === CONTROL_CLOSE.superseded) this.#pauseMs = LONGEST_PAUSE_MS;
    this.#lost("control.closed");
  }

  #lost(counter: string): void {
    if (this.#phase === "stopped" || this.#phase === "pausing") return;
    const wasOpen = this.#phase === "open";
    this.#phase = "pausing";
    this.#timer?.clear();
    this.#dial += 1;
    this.#socket?.close(1000);
    this.#socket = undefined;
    this.#options.count(counter);
    const pauseMs = this.#pauseMs * (0.5 + this.#options.random() / 2);
    if (this.#pauseMs <= LONGEST_PAUSE_MS) this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#timer = this.#options.clock.setTimer(pauseMs, () => this.#connect());
    if (wasOpen) this.#options.onDown();
  }
}
