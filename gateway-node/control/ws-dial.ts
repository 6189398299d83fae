/** `DialControlSocket` over the ws package. */
import { WebSocket } from "ws";
import { CONTROL_FRAME_LIMIT, CONTROL_SUBPROTOCOL } from "#protocol/control-frames";
import type { DialControlSocket } from "./control-channel.ts";

export function createWsDial(guard: (work: () => void) => void): DialControlSocket {
  return (url, handlers) => {
    // Compression would cost more than it saves on frames of a few hundred bytes.
    const socket = new WebSocket(url, CONTROL_SUBPROTOCOL, {
      maxPayload: CONTROL_FRAME_LIMIT * 4,
      perMessageDeflate: false,
      handshakeTimeout: 4_000,
    });
    let closed = false;
    const close = (code: number): void => {
      if (closed) return;
      closed = true;
      guard(() => handlers.onClose(code));
    };
    socket.on("message", (data, binary) => {
      if (closed || binary) return;
      guard(() => handlers.onText(textOf(data)));
    });
    socket.on("close", close);
    // An error is always followed by close; without a listener it would end the process.
    socket.on("error", () => {});
    return {
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close: (code) => {
        socket.close(code);
        // A peer that never answers the close handshake must not hold the socket for ws's 30 s.
        setTimeout(() => socket.terminate(), 1_000).unref();
      },
    };
  };
}

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.isBuffer(data) ? data.toString("utf8") : Buffer.from(data).toString("utf8");
}
