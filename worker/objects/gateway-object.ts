import { DurableObject } from "cloudflare:workers";
import {
  CONTROL_CLOSE,
  CONTROL_PING,
  CONTROL_PONG,
  CONTROL_PROTOCOL_VERSION,
  CONTROL_SUBPROTOCOL,
} from "#protocol/control-frames";
import type { ControlRefusal, GatewayFrame, TrunkPeer } from "#protocol/control-frames";
import { parseGatewayId, parseGatewayInstanceId, parseRegionName } from "#protocol/ids";
import type { CallToken, GatewayInstanceId } from "#protocol/ids";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { sealCallToken } from "../call-token.ts";
import { count } from "../counters.ts";
import { parseGatewayFrame } from "../domain/control/parse-gateway-frame.ts";
import type { GatewayFrameOutcome } from "../domain/control/parse-gateway-frame.ts";
import type { GatewayChannel, GatewayDelivery, GatewayObjectApi } from "../domain/gateways/gateway-object-api.ts";
import { neighboursOf } from "../domain/gateways/suspicion.ts";
import { randomHex } from "../encoding.ts";
import { settingsOf } from "../env.ts";
import type { Env } from "../env.ts";
import { faultCode, log } from "../log.ts";
import { CallTraffic } from "./gateway/call-traffic.ts";
import { ControlSockets, phaseOf, sendFrame } from "./gateway/control-sockets.ts";
import type { SocketPhase } from "./gateway/control-sockets.ts";
import { isSignedHello, NONCE_LIFETIME_MS } from "./gateway/enrolment.ts";
import { GATEWAY_SCHEMA, LiveCalls } from "./gateway/live-calls.ts";
import { PhoneRegistrations } from "./gateway/phone-registrations.ts";
import { rememberedName } from "./own-name.ts";
import { migrate } from "./storage/migrate.ts";

const HEARTBEAT_MS = 5_000;
/** Unused call tokens that a gateway keeps in stock, and the most that one frame gives. */
const TICKET_STOCK = 64;
const TICKET_LIMIT = 256;
/**
 * A neighbour's probes take 100 ms and a round trip to the suspect as it measured it; its word then comes here over a
 * channel of its own. Whoever is slower than all this is taken for silent itself.
 */
const PROBE_WAIT_MS = 200;
const PROBE_WAIT_ROUND_TRIPS = 2;
/** A gateway whose channel is closed but whose trunk answers is asked again after this. */
const GRACE_MS = 10_000;
const GRACE_KEY = "grace-instance";

type BadFrame = Exclude<GatewayFrameOutcome, { ok: true }>;
type Hello = Extract<GatewayFrame, { kind: "hello" }>;

/** One control channel of one gateway node: greets it, carries its calls' streams, notices its end. */
export class GatewayObject extends DurableObject<Env> implements GatewayObjectApi {
  readonly #channel: GatewayChannel;
  readonly #sockets: ControlSockets;
  readonly #live: LiveCalls;
  readonly #traffic: CallTraffic;
  readonly #phones: PhoneRegistrations;
  readonly #probes = new Map<number, (alive: boolean) => void>();
  #lastProbe = 0;
  /** How often keys were withdrawn, as far as this life of the object knows. */
  #withdrawals = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void migrate(ctx, GATEWAY_SCHEMA);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(CONTROL_PING, CONTROL_PONG));
    const link = regionLinkOf(env);
    this.#channel = channelOf(ctx);
    this.#sockets = new ControlSockets(ctx);
    this.#live = new LiveCalls(ctx.storage.sql);
    this.#phones = new PhoneRegistrations(this.#channel, link);
    this.#traffic = new CallTraffic({
      channel: this.#channel,
      link,
      callTokenKey: settingsOf(env).callTokenKey,
      connected: () => {
        const current = this.#sockets.current();
        return current === undefined
          ? undefined
          : { instance: current.instance, send: (frame) => sendFrame(current.socket, frame) };
      },
      live: this.#live,
      wait: (ms) => scheduler.wait(ms),
    });
  }

  override fetch(request: Request): Response {
    const offered = (request.headers.get("Sec-WebSocket-Protocol") ?? "").split(",").map((name) => name.trim());
    if (request.headers.get("Upgrade")?.toLowerCase() !== "websocket" || !offered.includes(CONTROL_SUBPROTOCOL)) {
      return Response.json(
        { code: "websocket-expected" },
        { status: 426, headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": CONTROL_SUBPROTOCOL } },
      );
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    this.#sockets.challenge(server, randomHex(32), Date.now());
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: { "Sec-WebSocket-Protocol": CONTROL_SUBPROTOCOL },
    });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const outcome =
      typeof message === "string"
        ? parseGatewayFrame(message)
        : ({ ok: false, code: "frame-invalid", detail: "binary" } as const);
    const phase = phaseOf(socket);
    if (phase.phase === "gone") return;
    if (!outcome.ok) return await this.#receiveBad(socket, outcome, phase);
    try {
      if (phase.phase === "open") await this.#receive(socket, outcome.frame, phase.instance);
      else if (phase.phase === "challenged" && outcome.frame.kind === "hello")
        await this.#greet(socket, outcome.frame, phase);
      else this.#refuse(socket, "hello-expected", outcome.frame.kind);
    } catch (error) {
      count("control.fault");
      log({ event: "fault", where: `control.${outcome.frame.kind}`, code: faultCode(error) });
      this.#sockets.end(socket, 1011);
    }
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    const phase = phaseOf(socket);
    // Without a close of our own the peer waits ten seconds for its handshake; its code may be one that nobody may send.
    this.#sockets.end(socket, 1000);
    if (phase.phase !== "open" || this.#sockets.current() !== undefined) return;
    log({ event: "control.closed", gateway: this.#channel.gateway, channel: this.#channel.channel, code });
    this.#live.write();
    await this.#suspectOwn(phase.instance);
  }

  override async webSocketError(socket: WebSocket): Promise<void> {
    await this.webSocketClose(socket, 1006);
  }

  /** Only for the end of grace. */
  override async alarm(): Promise<void> {
    const instance = parseGatewayInstanceId(this.ctx.storage.kv.get(GRACE_KEY));
    if (instance === undefined) return;
    if (this.#sockets.current() === undefined) await this.#suspectOwn(instance);
    else this.ctx.storage.kv.delete(GRACE_KEY);
  }

  async deliver(delivery: GatewayDelivery): Promise<{ readonly ok: boolean }> {
    return this.#traffic.deliver(delivery);
  }

  async probe(target: TrunkPeer, roundTripMs: number): Promise<boolean | undefined> {
    const current = this.#sockets.current();
    if (current === undefined) return undefined;
    const id = ++this.#lastProbe;
    const answer = new Promise<boolean>((resolve) => this.#probes.set(id, resolve));
    sendFrame(current.socket, { kind: "probe", id, target, roundTripMs });
    const waitMs = PROBE_WAIT_MS + PROBE_WAIT_ROUND_TRIPS * roundTripMs;
    try {
      return await Promise.race([answer, scheduler.wait(waitMs).then(() => undefined)]);
    } finally {
      this.#probes.delete(id);
    }
  }

  async declareDead(instance: GatewayInstanceId): Promise<void> {
    const current = this.#sockets.current();
    if (current?.instance === instance) {
      this.#sockets.end(current.socket, CONTROL_CLOSE.superseded, {
        code: "superseded",
        detail: "this instance was found dead",
        final: false,
      });
    }
    if (this.ctx.storage.kv.get(GRACE_KEY) === instance) this.ctx.storage.kv.delete(GRACE_KEY);
    await this.#lose(this.#live.of(instance).map((call) => ({ call, instance })));
  }

  async withdrawKeys(standing: string | undefined): Promise<void> {
    this.#withdrawals += 1;
    const current = this.#sockets.current();
    const stands = current !== undefined && current.publicKey === standing;
    if (current !== undefined && !stands) {
      const detail = standing === undefined ? "its key was revoked" : "another key was enrolled";
      this.#refuse(current.socket, "gateway-revoked", detail, true);
    }
    const untold = await this.#lose(this.#live.ofOthers(stands ? current.instance : undefined));
    if (untold > 0) throw new CallsUntoldError(untold);
  }

  async #greet(
    socket: WebSocket,
    hello: Hello,
    challenge: { readonly nonce: string; readonly atMs: number },
  ): Promise<void> {
    const { gateway, region, channel } = this.#channel;
    this.#sockets.beginCheck(socket);
    if (hello.protocol !== CONTROL_PROTOCOL_VERSION)
      return this.#refuse(socket, "protocol-unsupported", `this side speaks ${CONTROL_PROTOCOL_VERSION}`, true);
    if (hello.gateway !== gateway || hello.channel !== channel)
      return this.#refuse(socket, "signature-invalid", "signed for another channel", true);
    if (Date.now() - challenge.atMs > NONCE_LIFETIME_MS)
      return this.#refuse(socket, "signature-invalid", "the challenge is too old");
    const withdrawalsBefore = this.#withdrawals;
    const regionObject = regionLinkOf(this.env).region(region);
    const key = await regionObject.publicKeyOf(gateway);
    if (key.state === "unknown") return this.#refuse(socket, "gateway-not-enrolled", gateway, true);
    if (key.state === "revoked") return this.#refuse(socket, "gateway-revoked", gateway, true);
    if (!(await isSignedHello(hello, challenge.nonce, key.publicKey)))
      return this.#refuse(socket, "signature-invalid", gateway, true);
    const { publicKey } = key;
    const { accepted } = await regionObject.gatewayUp({ gateway, instance: hello.instance, channel, publicKey });
    // Its key may have gone while the hello was checked; a withdrawal that overtook the answer found no open socket to close.
    if (!accepted || this.#withdrawals !== withdrawalsBefore)
      return this.#refuse(socket, "gateway-revoked", "its key was withdrawn meanwhile");

    this.#sockets.open(socket, hello.instance, publicKey, Date.now());
    this.ctx.storage.kv.delete(GRACE_KEY);
    log({ event: "control.opened", gateway, channel, instance: hello.instance, calls: hello.calls.length });
    count("control.opened");
    sendFrame(socket, {
      kind: "welcome",
      protocol: CONTROL_PROTOCOL_VERSION,
      tickets: this.#tickets(TICKET_STOCK),
      neighbours: neighboursOf(settingsOf(this.env).regions, gateway),
      heartbeatMs: HEARTBEAT_MS,
    });
    // The calls queue up before anything that the gateway says after its welcome.
    const resumed = this.#traffic.resume(hello.calls, hello.moreCalls === true, hello.instance);
    await Promise.all([resumed, this.#lose(this.#live.ofOthers(hello.instance))]);
  }

  /** On an open channel a bad frame costs whom it concerns; what is no frame at all costs the channel. */
  async #receiveBad(socket: WebSocket, bad: BadFrame, phase: SocketPhase): Promise<void> {
    const open = phase.phase === "open";
    if (bad.code === "kind-unknown")
      return open ? count("control.unknown-kind") : this.#refuse(socket, "hello-expected", bad.detail);
    const { code, lost } = bad;
    if (!open || lost === undefined) return this.#refuse(socket, code, bad.detail);
    const { gateway, channel } = this.#channel;
    count(`control.frame-lost.${code}`);
    log({ event: "control.frame-lost", gateway, channel, code, concerns: lost.kind });
    if (lost.kind === "route")
      sendFrame(socket, { kind: "route-stored", id: lost.id, ok: false, code: "route-invalid" });
    if (lost.kind === "call") await this.#traffic.abandon(lost.call, phase.instance, code);
  }

  async #receive(socket: WebSocket, frame: GatewayFrame, instance: GatewayInstanceId): Promise<void> {
    switch (frame.kind) {
      case "hello":
        return this.#refuse(socket, "frame-invalid", "a second hello");
      case "hello-calls":
        return await this.#traffic.resumeFurther(frame.calls, frame.moreCalls, instance);
      case "call-events":
        return await this.#traffic.receive(frame.call, instance, frame.ackCommand, frame.events);
      case "command-ack":
        return await this.#traffic.receive(frame.call, instance, frame.ackCommand, []);
      case "stray-request":
        count("control.stray-request");
        return await this.#traffic.lookInto(frame.call, instance);
      case "heartbeat": {
        const { load, counters, draining } = frame;
        const { region, gateway } = this.#channel;
        return await this.#attempt(
          "report",
          regionLinkOf(this.env).region(region).report({ gateway, instance, load, counters, draining }),
        );
      }
      case "credential-request":
        return this.#reply(socket, await this.#phones.credentials(frame));
      case "route-added":
        return this.#reply(socket, await this.#phones.addRoute(frame, instance, Date.now()));
      case "route-removed":
        return this.#reply(socket, await this.#phones.removeRoute(frame));
      case "suspicion":
        return await this.#suspectOther(frame);
      case "probe-result":
        this.#probes.get(frame.id)?.(frame.alive);
        return;
      case "tickets-wanted":
        sendFrame(socket, { kind: "tickets", tickets: this.#tickets(Math.min(frame.count, TICKET_LIMIT)) });
        return;
    }
  }

  #reply(socket: WebSocket, frame: Parameters<typeof sendFrame>[1] | undefined): void {
    if (frame !== undefined) sendFrame(socket, frame);
  }

  async #suspectOther({ gateway }: Extract<GatewayFrame, { kind: "suspicion" }>): Promise<void> {
    const suspect = settingsOf(this.env).regions.gateways.find(({ id }) => id === gateway);
    if (suspect === undefined || gateway === this.#channel.gateway) return count("control.suspicion-unknown");
    await this.#attempt(
      "suspect",
      regionLinkOf(this.env).region(suspect.region).suspect({ gateway, reason: "trunk-silent" }),
    );
  }

  /** For what is said again anyhow: a region object that is away must not cost the channel. */
  async #attempt(what: string, answer: Promise<unknown>): Promise<void> {
    try {
      await answer;
    } catch (error) {
      count(`control.${what}-failed`);
      log({ event: "fault", where: `control.${what}`, code: faultCode(error) });
    }
  }

  async #suspectOwn(instance: GatewayInstanceId): Promise<void> {
    const { gateway, region } = this.#channel;
    try {
      const verdict = await regionLinkOf(this.env)
        .region(region)
        .suspect({ gateway, instance, reason: "channel-closed" });
      if (verdict === "grace" && this.#sockets.current() === undefined) await this.#beGracious(instance);
      else this.ctx.storage.kv.delete(GRACE_KEY);
    } catch (error) {
      count("control.suspicion-failed");
      log({ event: "fault", where: "control.suspect", code: faultCode(error) });
      await this.#beGracious(instance);
    }
  }

  async #beGracious(instance: GatewayInstanceId): Promise<void> {
    this.ctx.storage.kv.put(GRACE_KEY, instance);
    await this.ctx.storage.setAlarm(Date.now() + GRACE_MS);
  }

  /** Returns how many could not be told. */
  async #lose(lost: readonly { readonly call: CallToken; readonly instance: GatewayInstanceId }[]): Promise<number> {
    if (lost.length === 0) return 0;
    const untold = await this.#traffic.lose(lost);
    count("control.calls-lost", lost.length);
    if (untold > 0) log({ event: "fault", where: "control.lose", code: "calls-untold" });
    return untold;
  }

  #refuse(socket: WebSocket, code: ControlRefusal, detail: string, final = false): void {
    count(`control.refused.${code}`);
    log({ event: "control.refused", gateway: this.#channel.gateway, channel: this.#channel.channel, code });
    this.#sockets.refuse(socket, { code, detail, final });
  }

  #tickets(wanted: number): readonly CallToken[] {
    const key = settingsOf(this.env).callTokenKey;
    const { region } = this.#channel;
    return Array.from({ length: wanted }, () =>
      sealCallToken(key, { objectId: this.env.CALL.newUniqueId().toString(), region }),
    );
  }
}

class CallsUntoldError extends Error {
  readonly code = "calls-untold";

  constructor(untold: number) {
    super(`${untold} calls could not be told`);
    this.name = "CallsUntoldError";
  }
}

function channelOf(ctx: DurableObjectState): GatewayChannel {
  const [regionPart, gatewayPart, channelPart] = rememberedName(ctx, "gateway");
  const region = parseRegionName(regionPart);
  const gateway = parseGatewayId(gatewayPart);
  const channel = Number(channelPart);
  if (region === undefined || gateway === undefined || !Number.isSafeInteger(channel))
    throw new TypeError("a Gateway object is named by region, gateway and channel");
  return { region, gateway, channel };
}
