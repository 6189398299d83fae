/** The WebSockets of one control channel: one is open, others are being greeted or are on their way out. */
import type { ControlRefusal, WorkerFrame } from "#protocol/control-frames";
import { CONTROL_CLOSE, CONTROL_FRAME_LIMIT } from "#protocol/control-frames";
import { parseGatewayInstanceId } from "#protocol/ids";
import type { GatewayInstanceId } from "#protocol/ids";
import { count } from "../../counters.ts";
import { fieldsOf } from "../../domain/control/frame-fields.ts";

/** Survives hibernation as the socket's attachment. */
export type SocketPhase =
  | { readonly phase: "challenged"; readonly nonce: string; readonly atMs: number }
  /** Its hello is being checked; nothing else may come meanwhile. */
  | { readonly phase: "checking" }
  | {
      readonly phase: "open";
      readonly instance: GatewayInstanceId;
      /** The key that its hello was signed with. */
      readonly publicKey: string;
      readonly atMs: number;
    }
  /** Closed by us: its end is no news. */
  | { readonly phase: "gone" };

/** Peers that connect and say nothing are cut in the order they came. */
const UNGREETED_LIMIT = 8;

export class ControlSockets {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  challenge(socket: WebSocket, nonce: string, nowMs: number): void {
    this.#setPhase(socket, { phase: "challenged", nonce, atMs: nowMs });
    sendFrame(socket, { kind: "challenge", nonce });
    const ungreeted = this.#ctx.getWebSockets().filter((other) => phaseOf(other).phase === "challenged");
    for (const oldest of ungreeted.slice(0, Math.max(0, ungreeted.length - UNGREETED_LIMIT))) {
      this.refuse(oldest, { code: "hello-expected", detail: "too many sockets without hello", final: false });
    }
  }

  beginCheck(socket: WebSocket): void {
    this.#setPhase(socket, { phase: "checking" });
  }

  /** Makes this the channel's socket; the one before is told so and closed. */
  open(socket: WebSocket, instance: GatewayInstanceId, publicKey: string, nowMs: number): void {
    const others = this.#ctx.getWebSockets().filter((other) => other !== socket && phaseOf(other).phase === "open");
    this.#setPhase(socket, { phase: "open", instance, publicKey, atMs: nowMs });
    for (const other of others) {
      this.end(other, CONTROL_CLOSE.superseded, {
        code: "superseded",
        detail: "a newer socket of this channel said hello",
        final: false,
      });
    }
  }

  /** The open socket, if any. */
  current():
    | { readonly socket: WebSocket; readonly instance: GatewayInstanceId; readonly publicKey: string }
    | undefined {
    for (const socket of this.#ctx.getWebSockets()) {
      const phase = phaseOf(socket);
      if (phase.phase === "open" && socket.readyState === WebSocket.OPEN)
        return { socket, instance: phase.instance, publicKey: phase.publicKey };
    }
    return undefined;
  }

  refuse(
    socket: WebSocket,
    refusal: { readonly code: ControlRefusal; readonly detail: string; readonly final: boolean },
  ): void {
    this.end(socket, CONTROL_CLOSE.refused, refusal);
  }

  end(
    socket: WebSocket,
    closeCode: number,
    refusal?: { readonly code: ControlRefusal; readonly detail: string; readonly final: boolean },
  ): void {
    this.#setPhase(socket, { phase: "gone" });
    if (refusal !== undefined) sendFrame(socket, { kind: "refused", ...refusal });
    try {
      socket.close(closeCode, refusal?.code ?? "");
    } catch {
      // Closed already.
    }
  }

  #setPhase(socket: WebSocket, phase: SocketPhase): void {
    try {
      socket.serializeAttachment(phase);
    } catch {
      // A socket that is gone has no attachment to keep.
    }
  }
}

export function phaseOf(socket: WebSocket): SocketPhase {
  const fields = fieldsOf(socket.deserializeAttachment());
  const instance = parseGatewayInstanceId(fields?.["instance"]);
  const atMs = Number(fields?.["atMs"]);
  switch (fields?.["phase"]) {
    case "challenged":
      return { phase: "challenged", nonce: String(fields["nonce"]), atMs };
    case "checking":
      return { phase: "checking" };
    case "open":
      return instance === undefined
        ? { phase: "gone" }
        : { phase: "open", instance, publicKey: String(fields["publicKey"]), atMs };
    default:
      return { phase: "gone" };
  }
}

/** `too-long`: the gateway would drop it. */
export function sendFrame(socket: WebSocket, frame: WorkerFrame): "sent" | "gone" | "too-long" {
  const text = JSON.stringify(frame);
  if (text.length > CONTROL_FRAME_LIMIT) {
    count(`control.unsendable.${frame.kind}`);
    return "too-long";
  }
  try {
    socket.send(text);
    return "sent";
  } catch {
    return "gone";
  }
}
