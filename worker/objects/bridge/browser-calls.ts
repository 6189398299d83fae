import { createHash } from "node:crypto";
import { createResponse } from "#sip/message/build";
import type { SipMessage } from "#sip/message/sip-message";
import { sipMessageText } from "#sip/message/serializer";
import type { CallToken, RegionName } from "#protocol/ids";
import type { RegionLink } from "../../adapters/region-link.ts";
import { openCallToken } from "../../call-token.ts";
import { count } from "../../counters.ts";
import { withPending } from "../../domain/bridging/socket-state.ts";
import type { SocketState, SocketUser } from "../../domain/bridging/socket-state.ts";
import { randomHex } from "../../encoding.ts";
import { faultCode, log } from "../../log.ts";
import type { BridgeSockets } from "./bridge-sockets.ts";

interface BrowserCallsOptions {
  readonly region: RegionName;
  readonly bridge: string;
  readonly link: RegionLink;
  readonly sockets: BridgeSockets;
  readonly callTokenKey: string;
}

/** A message that its call did not get may be the 200 that everybody waits for: the transport will not repeat it. */
const TRIES = 2;

/** Between browsers and their calls: finds the call, hands over the message, sends back what it says. */
export class BrowserCalls {
  readonly #options: BrowserCallsOptions;

  constructor(options: BrowserCallsOptions) {
    this.#options = options;
  }

  /** Remembers which call the INVITE belongs to, for its CANCEL and its repeats. */
  begin(socket: WebSocket, transaction: string, call: CallToken): void {
    this.#options.sockets.update(socket, (state) => withPending(state, { transaction: keyOf(transaction), call }));
  }

  pending(socket: WebSocket, transaction: string): CallToken | undefined {
    return this.#options.sockets.state(socket)?.pending.find((invite) => invite.transaction === keyOf(transaction))
      ?.call;
  }

  /** The socket is closed: calls that it began are told. */
  async gone(state: SocketState): Promise<void> {
    const { bridge, link, callTokenKey } = this.#options;
    await Promise.all(
      state.pending.map(async ({ call }) => {
        const name = openCallToken(callTokenKey, call);
        if (name === undefined) return;
        try {
          await link.call(name).browserGone({ token: call, bridge, socket: state.id });
        } catch (error) {
          log({ event: "fault", where: "bridge.browser-gone", code: faultCode(error) });
        }
      }),
    );
  }

  async handOver(
    socket: WebSocket,
    input: { readonly message: SipMessage; readonly text: string; readonly call: CallToken; readonly user: SocketUser },
  ): Promise<void> {
    const { region, bridge, link, sockets, callTokenKey } = this.#options;
    const { message, text, call, user } = input;
    const name = openCallToken(callTokenKey, call);
    if (name === undefined) {
      count("bridge.call-token-invalid");
      return this.#answer(socket, message, 481);
    }
    const state = sockets.state(socket);
    if (state === undefined) return;
    const { account, sipDomain, identity } = user;
    const device = state.registration?.device;
    const sip = {
      token: call,
      bridge,
      socket: state.id,
      region,
      account,
      sipDomain,
      identity,
      ...(device === undefined ? {} : { device }),
      text,
    };
    for (let tried = 1; tried <= TRIES; tried += 1) {
      try {
        const { messages } = await link.call(name).browserSip(sip);
        for (const reply of messages) sockets.send(socket, reply);
        return;
      } catch (error) {
        count("bridge.call-failed");
        log({ event: "fault", where: "bridge.browser-sip", code: faultCode(error) });
      }
    }
    this.#answer(socket, message, 503);
  }

  #answer(socket: WebSocket, message: SipMessage, status: number): void {
    if (message.kind === "response" || message.method === "ACK") return;
    const headers = status === 503 ? [["Retry-After", "2"] as const] : [];
    this.#options.sockets.send(
      socket,
      sipMessageText(createResponse(message, status, { toTag: randomHex(8), headers })),
    );
  }
}

/** Call-IDs may be long; what stands in the attachment is not. */
function keyOf(transaction: string): string {
  return createHash("sha256").update(transaction).digest("hex").slice(0, 32);
}
