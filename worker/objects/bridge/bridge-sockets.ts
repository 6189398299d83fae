/** The sockets of one bridge shard, with their state in their attachments. */
import type { SocketState } from "../../domain/bridging/socket-state.ts";
import { newSocketState } from "../../domain/bridging/socket-state.ts";

/** RFC 7118 appendix and RFC 5626 section 3.5.1: a double CRLF asks, a single one answers. */
const KEEP_ALIVE_PING = "\r\n\r\n";
const KEEP_ALIVE_PONG = "\r\n";

export class BridgeSockets {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(KEEP_ALIVE_PING, KEEP_ALIVE_PONG));
  }

  accept(socket: WebSocket, id: string, nowMs: number): SocketState {
    // The tag finds the socket again without looking at the others.
    this.#ctx.acceptWebSocket(socket, [id]);
    const state = newSocketState(id, nowMs);
    socket.serializeAttachment(state);
    return state;
  }

  count(): number {
    return this.#ctx.getWebSockets().length;
  }

  has(id: string): boolean {
    return this.#find(id) !== undefined;
  }

  all(): readonly { readonly socket: WebSocket; readonly state: SocketState }[] {
    return this.#ctx.getWebSockets().flatMap((socket) => {
      const state = this.state(socket);
      return state === undefined || socket.readyState !== WebSocket.OPEN ? [] : [{ socket, state }];
    });
  }

  state(socket: WebSocket): SocketState | undefined {
    const state: SocketState | null = socket.deserializeAttachment();
    return state ?? undefined;
  }

  /** Changes what is known of a socket. Nothing may be awaited between reading a state and writing what follows from it. */
  update(socket: WebSocket, change: (state: SocketState) => SocketState): void {
    const state = this.state(socket);
    if (state !== undefined) socket.serializeAttachment(change(state));
  }

  sendTo(id: string, text: string): boolean {
    const socket = this.#find(id);
    return socket !== undefined && this.send(socket, text);
  }

  /** `false` when the socket is gone. */
  send(socket: WebSocket, text: string): boolean {
    try {
      socket.send(text);
      return true;
    } catch {
      return false;
    }
  }

  close(socket: WebSocket, code: number, reason: string): void {
    try {
      socket.close(code, reason);
    } catch {
      // Closed already.
    }
  }

  #find(id: string): WebSocket | undefined {
    return this.#ctx.getWebSockets(id).find((socket) => socket.readyState === WebSocket.OPEN);
  }
}
