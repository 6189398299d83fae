import { DurableObject } from "cloudflare:workers";
import { createResponse } from "#sip/message/build";
import { countedMethod } from "#sip/message/methods";
import { parseSipMessage } from "#sip/message/parser";
import type { SipMessage, SipRequest, SipResponse } from "#sip/message/sip-message";
import { sipMessageText } from "#sip/message/serializer";
import { fromOf, toOf } from "#sip/message/typed-headers";
import { parseRegionName } from "#protocol/ids";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { sealCallToken } from "../call-token.ts";
import { count } from "../counters.ts";
import { BRIDGE_SOCKET_LIMIT, formatBridgeName } from "../domain/bridging/bridge-object-api.ts";
import type { BridgeName, BridgeObjectApi } from "../domain/bridging/bridge-object-api.ts";
import { BRIDGE_ALLOW, classifyBridgeMessage, userOf } from "../domain/bridging/bridge-message.ts";
import type { BridgeMessage } from "../domain/bridging/bridge-message.ts";
import { readRegister } from "../domain/bridging/register-request.ts";
import { GREETING_LIMIT_MS, wakeAtMs } from "../domain/bridging/socket-state.ts";
import { randomHex } from "../encoding.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { faultCode, log } from "../log.ts";
import { BridgeSockets } from "./bridge/bridge-sockets.ts";
import { BrowserCalls } from "./bridge/browser-calls.ts";
import { BRIDGE_SCHEMA, Registrations } from "./bridge/registrations.ts";
import { CLOSE_UNAUTHENTICATED, SocketAuthentication } from "./bridge/socket-authentication.ts";
import { rememberedName } from "./own-name.ts";
import { migrate } from "./storage/migrate.ts";

type Kind<K extends BridgeMessage["kind"]> = Extract<BridgeMessage, { readonly kind: K }>;

/** One shard of a region's browsers: SIP over WebSocket (RFC 7118), one identity a socket. */
export class BridgeObject extends DurableObject<Env> implements BridgeObjectApi {
  readonly #name: BridgeName;
  readonly #sockets: BridgeSockets;
  readonly #authentication: SocketAuthentication;
  readonly #registrations: Registrations;
  readonly #calls: BrowserCalls;
  /** What is being done for each socket: its messages are handled one after the other. */
  readonly #turns = new WeakMap<WebSocket, Promise<void>>();
  #alarmAtMs: number | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const migrated = migrate(ctx, BRIDGE_SCHEMA);
    const link = regionLinkOf(env);
    this.#name = nameOf(ctx);
    const { region } = this.#name;
    const bridge = formatBridgeName(this.#name);
    const sockets = new BridgeSockets(ctx);
    this.#sockets = sockets;
    this.#authentication = new SocketAuthentication(link, sockets);
    this.#registrations = new Registrations({ region, bridge, sql: ctx.storage.sql, link, sockets });
    this.#calls = new BrowserCalls({ region, bridge, link, sockets, callTokenKey: settingsOf(env).callTokenKey });
    ctx.waitUntil(migrated.then(() => this.#registrations.removeOrphans()));
  }

  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket")
      return Response.json({ code: "websocket-expected" }, { status: 426 });
    if (this.#sockets.count() >= BRIDGE_SOCKET_LIMIT) return Response.json({ code: "bridge-full" }, { status: 503 });
    const { 0: client, 1: server } = new WebSocketPair();
    const nowMs = Date.now();
    this.#sockets.accept(server, randomHex(8), nowMs);
    count("bridge.opened");
    await this.#wakeBy(nowMs + GREETING_LIMIT_MS);
    return new Response(null, { status: 101, webSocket: client, headers: { "Sec-WebSocket-Protocol": "sip" } });
  }

  override async webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): Promise<void> {
    const before = this.#turns.get(socket) ?? Promise.resolve();
    const turn = before.then(() => this.#takeTurn(socket, frame));
    this.#turns.set(socket, turn);
    await turn;
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    const state = this.#sockets.state(socket);
    const registered = state?.registration !== undefined;
    // Without a close of our own the browser waits ten seconds for its handshake.
    this.#sockets.close(socket, 1000, "");
    log({ event: "bridge.closed", bridge: formatBridgeName(this.#name), code, registered });
    count("bridge.closed");
    await this.#registrations.unregister(socket);
    if (state !== undefined) await this.#calls.gone(state);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket, 1006);
  }

  /** Registrations that ended, sockets that never said who they are. */
  override async alarm(): Promise<void> {
    this.#alarmAtMs = undefined;
    const nowMs = Date.now();
    for (const { socket, state } of this.#sockets.all()) {
      if (state.registration !== undefined && state.registration.untilMs <= nowMs) {
        count("bridge.registration-expired");
        await this.#registrations.unregister(socket);
      } else if (state.user === undefined && state.openedAtMs + GREETING_LIMIT_MS <= nowMs) {
        count("bridge.never-authenticated");
        this.#sockets.close(socket, CLOSE_UNAUTHENTICATED, "authentication-timeout");
      }
    }
    const next = this.#sockets.all().flatMap(({ state }) => wakeAtMs(state) ?? []);
    if (next.length > 0) await this.#wakeBy(Math.max(Math.min(...next), nowMs + 1_000));
  }

  async send({ socket, text }: { readonly socket: string; readonly text: string }): Promise<{ readonly ok: boolean }> {
    const ok = this.#sockets.sendTo(socket, text);
    count(ok ? "bridge.sent" : "bridge.socket-gone");
    return { ok };
  }

  async #takeTurn(socket: WebSocket, frame: string | ArrayBuffer): Promise<void> {
    const text = typeof frame === "string" ? frame : new TextDecoder().decode(frame);
    // A single CRLF is an answer to a keep-alive that nobody sent.
    if (text.trim() === "") return;
    const parsed = parseSipMessage(typeof frame === "string" ? frame : new Uint8Array(frame));
    if (!parsed.ok) {
      count(`bridge.malformed.${parsed.problem.code}`);
      const { respondable, status } = parsed.problem;
      if (respondable !== undefined) this.#send(socket, createResponse(respondable, status, { toTag: randomHex(8) }));
      return;
    }
    try {
      await this.#handle(socket, parsed.message, text);
    } catch (error) {
      count("bridge.fault");
      log({ event: "fault", where: "bridge.message", code: faultCode(error) });
      const { message } = parsed;
      if (message.kind === "request" && message.method !== "ACK") {
        this.#send(socket, createResponse(message, 503, { toTag: randomHex(8), headers: [["Retry-After", "2"]] }));
      }
    }
  }

  async #handle(socket: WebSocket, message: SipMessage, text: string): Promise<void> {
    if (message.kind === "request") count(`bridge.request.${countedMethod(message.method)}`);
    const concern = classifyBridgeMessage(message);
    switch (concern.kind) {
      case "register":
        return await this.#register(socket, concern);
      case "invite":
        return await this.#invite(socket, concern, text);
      case "cancel":
        return await this.#cancel(socket, concern, text);
      case "of-call":
        return await this.#bringToCall(
          socket,
          concern,
          concern.message === message ? text : sipMessageText(concern.message),
        );
      case "options":
        return this.#send(
          socket,
          createResponse(concern.request, 200, {
            toTag: randomHex(8),
            headers: [
              ["Allow", BRIDGE_ALLOW],
              ["Accept", "application/sdp"],
            ],
          }),
        );
      case "refuse":
        count(`bridge.refused.${concern.status}`);
        return this.#send(
          socket,
          createResponse(concern.request, concern.status, { toTag: randomHex(8), headers: concern.headers }),
        );
      case "ignore":
        return count("bridge.ignored");
    }
  }

  async #register(socket: WebSocket, { request }: Kind<"register">): Promise<void> {
    const asked = readRegister(request);
    if (!asked.ok) return this.#refuse(socket, request, asked.status, asked.reason, asked.headers);
    const claimed = await this.#authentication.authenticate(socket, request, asked);
    if (!claimed.ok) return this.#refuseUnknown(socket, claimed.response);
    if (!claimed.user.mayReceive && asked.action.kind === "bind")
      return this.#refuse(socket, request, 403, "Token Does Not Let Calls In");
    this.#send(socket, await this.#registrations.register(socket, request, claimed.user, asked.action));
    const wakeAt = this.#sockets.state(socket)?.registration?.untilMs;
    if (wakeAt !== undefined) await this.#wakeBy(wakeAt);
  }

  async #invite(socket: WebSocket, { request, transaction, replacing }: Kind<"invite">, text: string): Promise<void> {
    const from = userOf(fromOf(request));
    if (from === undefined) return this.#refuse(socket, request, 403, "Who Is Calling");
    if (toOf(request) === undefined) return this.#refuse(socket, request, 400, "No To");
    const claimed = await this.#authentication.authenticate(socket, request, from);
    if (!claimed.ok) return this.#refuseUnknown(socket, claimed.response);
    this.#send(socket, createResponse(request, 100));
    const call = this.#calls.pending(socket, transaction) ?? replacing ?? this.#newCall();
    this.#calls.begin(socket, transaction, call);
    await this.#calls.handOver(socket, { message: request, text, call, user: claimed.user });
  }

  async #cancel(socket: WebSocket, { request, transaction }: Kind<"cancel">, text: string): Promise<void> {
    const call = this.#calls.pending(socket, transaction);
    const user = this.#sockets.state(socket)?.user;
    // A CANCEL cannot be challenged (RFC 3261 section 22.1): its INVITE was.
    if (call === undefined || user === undefined) return this.#refuse(socket, request, 481);
    await this.#calls.handOver(socket, { message: request, text, call, user });
  }

  async #bringToCall(socket: WebSocket, { message, call }: Kind<"of-call">, text: string): Promise<void> {
    const known = this.#sockets.state(socket)?.user;
    if (known !== undefined) return await this.#calls.handOver(socket, { message, text, call, user: known });
    if (message.kind === "response" || message.method === "ACK") return count("bridge.ignored");
    const from = userOf(fromOf(message));
    if (from === undefined) return this.#refuse(socket, message, 403);
    const claimed = await this.#authentication.authenticate(socket, message, from);
    if (!claimed.ok) return this.#refuseUnknown(socket, claimed.response);
    await this.#calls.handOver(socket, { message, text, call, user: claimed.user });
  }

  #newCall(): ReturnType<typeof sealCallToken> {
    const objectId = this.env.CALL.newUniqueId().toString();
    return sealCallToken(settingsOf(this.env).callTokenKey, { objectId, region: this.#name.region });
  }

  #refuse(
    socket: WebSocket,
    request: SipRequest,
    status: number,
    reason?: string,
    headers: readonly (readonly [string, string])[] = [],
  ): void {
    count(`bridge.refused.${status}`);
    this.#send(socket, createResponse(request, status, { toTag: randomHex(8), reason, headers }));
  }

  #refuseUnknown(socket: WebSocket, response: SipResponse): void {
    this.#send(socket, response);
    if (this.#authentication.isExhausted(socket))
      this.#sockets.close(socket, CLOSE_UNAUTHENTICATED, "too-many-failures");
  }

  #send(socket: WebSocket, response: SipResponse): void {
    this.#sockets.send(socket, sipMessageText(response));
  }

  /** One alarm for all sockets: only ever moved forward here, and set anew when it rang. */
  async #wakeBy(atMs: number): Promise<void> {
    this.#alarmAtMs ??= (await this.ctx.storage.getAlarm()) ?? undefined;
    if (this.#alarmAtMs !== undefined && this.#alarmAtMs <= atMs) return;
    this.#alarmAtMs = atMs;
    await this.ctx.storage.setAlarm(atMs);
  }
}

function nameOf(ctx: DurableObjectState): BridgeName {
  const [regionPart, shardPart] = rememberedName(ctx, "bridge");
  const region = parseRegionName(regionPart);
  const shard = Number(shardPart);
  if (region === undefined || !Number.isSafeInteger(shard))
    throw new TypeError("a Bridge object is named by region and shard");
  return { region, shard };
}
