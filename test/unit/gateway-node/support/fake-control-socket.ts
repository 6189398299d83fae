/** The Worker's end of control sockets, by hand. */
import type { ControlSocketHandlers, DialControlSocket } from "../../../../gateway-node/control/control-channel.ts";
import type { GatewayFrame, WorkerFrame } from "../../../../protocol/control-frames.ts";

export class FakeSocket {
  readonly url: string;
  readonly sent: string[] = [];
  closedWith: number | undefined;
  readonly #handlers: ControlSocketHandlers;

  constructor(url: string, handlers: ControlSocketHandlers) {
    this.url = url;
    this.#handlers = handlers;
  }

  get frames(): readonly GatewayFrame[] {
    return this.sent.filter((text) => text.startsWith("{")).map((text) => JSON.parse(text) as GatewayFrame);
  }

  framesOf<K extends GatewayFrame["kind"]>(kind: K): readonly Extract<GatewayFrame, { kind: K }>[] {
    return this.frames.filter((frame): frame is Extract<GatewayFrame, { kind: K }> => frame.kind === kind);
  }

  deliver(frame: WorkerFrame | "pong"): void {
    this.#handlers.onText(frame === "pong" ? frame : JSON.stringify(frame));
  }

  drop(code = 1006): void {
    this.#handlers.onClose(code);
  }

  greet(frame: Partial<Extract<WorkerFrame, { kind: "welcome" }>> = {}): void {
    this.deliver({ kind: "challenge", nonce: "abc" });
    this.deliver({ kind: "welcome", protocol: 1, tickets: [], neighbours: [], heartbeatMs: 5_000, ...frame });
  }
}

export class FakeDial {
  readonly sockets: FakeSocket[] = [];

  readonly dial: DialControlSocket = (url, handlers) => {
    const socket = new FakeSocket(url, handlers);
    this.sockets.push(socket);
    return {
      send: (text) => void socket.sent.push(text),
      close: (code) => {
        socket.closedWith ??= code;
      },
    };
  };

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error("nothing was dialled");
    return socket;
  }

  /** The newest socket of a channel. */
  of(channel: number): FakeSocket {
    const socket = this.sockets.findLast((one) => one.url.endsWith(`channel=${String(channel)}`));
    if (socket === undefined) throw new Error(`channel ${String(channel)} was not dialled`);
    return socket;
  }
}
