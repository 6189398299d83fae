/** The gateway's side of the control channels: one face for the rest of the gateway, several sockets beneath. */
import type { CallEvent } from "#protocol/call-messages";
import type {
  ControlRefusal,
  EndpointCredentials,
  GatewayFrame,
  GatewayLoad,
  PublishedRoute,
  TrunkPeer,
  WorkerFrame,
} from "#protocol/control-frames";
import type { LadderMessage } from "#protocol/ladder";
import type { CallToken, EndpointId, GatewayId, GatewayInstanceId, LegId, SipDomain } from "#protocol/ids";
import type { Clock, Timer } from "../clock.ts";
import { CallStreams } from "./call-streams.ts";
import type { Departure } from "./call-streams.ts";
import { ControlChannel } from "./control-channel.ts";
import type { ChannelFrame, DialControlSocket } from "./control-channel.ts";
import { hashToChannel } from "./channel-hash.ts";
import { PendingRequests } from "./pending-requests.ts";
import { RoutePublisher } from "./route-publisher.ts";
import type { RoutePublication, RouteRemoval } from "./route-publisher.ts";
import { TicketStock } from "./ticket-stock.ts";
import type { ReceivedCommand } from "./worker-frame.ts";

export const CREDENTIAL_DEADLINE_MS = 2_000;
const DEFAULT_HEARTBEAT_MS = 5_000;
const UNSENT_LIMIT = 1_000;

/** What the Worker asks of the rest of the gateway. */
export interface ControlEvents {
  onCommand(call: CallToken, command: ReceivedCommand): void;
  /** `endLegs`: nobody else will end them. */
  onCallGone(call: CallToken, endLegs: boolean): void;
  onNeighbours(neighbours: readonly TrunkPeer[]): void;
  probe(target: TrunkPeer, roundTripMs: number | undefined): Promise<boolean>;
}

export interface ControlClientOptions {
  readonly workerUrl: string;
  readonly gateway: GatewayId;
  readonly instance: GatewayInstanceId;
  readonly channels: number;
  readonly sign: (text: string) => string;
  readonly dial: DialControlSocket;
  readonly clock: Clock;
  readonly random: () => number;
  readonly events: ControlEvents;
  readonly load: () => GatewayLoad;
  readonly counters: () => Readonly<Record<string, number>>;
  readonly onChannelOpen: (channel: number) => void;
  readonly onChannelDown: (channel: number) => void;
  readonly onRefused: (channel: number, code: ControlRefusal, detail: string) => void;
  readonly onFault: (error: unknown) => void;
  readonly count: (name: string) => void;
}

export class ControlClient {
  readonly #options: ControlClientOptions;
  readonly #channels: readonly ControlChannel[];
  readonly #streams: CallStreams;
  readonly #tickets = new TicketStock();
  readonly #credentials: PendingRequests<{ readonly credentials?: EndpointCredentials }>;
  readonly #routes: RoutePublisher;
  readonly #welcomed = new Set<number>();
  #resolveReady: () => void = () => {};
  /** Settles when every channel has been welcomed once. */
  readonly ready: Promise<void>;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #heartbeat: Timer | undefined;
  #lastId = 0;
  /** Asked while no channel was open: a reconnect takes a moment only. */
  readonly #unsent: GatewayFrame[] = [];
  #downSinceMs: number;

  constructor(options: ControlClientOptions) {
    this.#options = options;
    const { clock, count } = options;
    this.#downSinceMs = clock.nowMs();
    const send = (channel: number, frame: GatewayFrame): boolean => this.#send(channel, frame);
    const nextId = (): number => (this.#lastId += 1);
    this.ready = new Promise((resolve) => (this.#resolveReady = resolve));
    this.#credentials = new PendingRequests(clock, CREDENTIAL_DEADLINE_MS);
    this.#routes = new RoutePublisher({
      clock,
      nextId,
      send,
      count,
      channelFor: (key) => hashToChannel(key, options.channels),
    });
    this.#streams = new CallStreams({
      clock,
      send,
      count,
      apply: (call, command) => options.events.onCommand(call, command),
    });
    this.#channels = Array.from({ length: options.channels }, (_, channel) => this.#createChannel(channel));
  }

  start(): void {
    for (const channel of this.#channels) channel.start();
  }

  /** Closes the sockets and says nothing to the calls: they are adopted elsewhere. */
  stop(): void {
    this.#heartbeat?.clear();
    this.#streams.stop();
    this.#routes.stop();
    for (const channel of this.#channels) channel.stop();
  }

  get openChannels(): number {
    return this.#channels.filter((channel) => channel.open).length;
  }

  /** Whether events of this call reach the Worker at the moment. */
  reaches(call: CallToken): boolean {
    const channel = this.#streams.channelOf(call);
    return channel !== undefined && this.#channels[channel]?.open === true;
  }

  /** A fresh call for a phone's INVITE, bound to the channel of its Call-ID; `undefined` when no ticket is left. */
  beginCall(callId: string): CallToken | undefined {
    const call = this.#tickets.take();
    this.#orderTickets();
    if (call !== undefined) this.#streams.open(call, hashToChannel(callId, this.#options.channels));
    return call;
  }

  /** A call that came by a command has a leg here from now on. */
  holdCall(call: CallToken): void {
    this.#streams.open(call, this.#streams.channelOf(call) ?? hashToChannel(call, this.#options.channels));
  }

  releaseCall(call: CallToken, departure: Departure): void {
    this.#streams.release(call, departure);
  }

  publish(call: CallToken, epoch: number, event: CallEvent): void {
    this.#streams.publish(call, epoch, event);
  }

  note(call: CallToken, message: LadderMessage): void {
    this.#streams.note(call, message);
  }

  /** Whether the Call object has stored every event of this call so far. */
  settled(call: CallToken): boolean {
    return this.#streams.settled(call);
  }

  fetchCredentials(
    sipDomain: SipDomain,
    endpoint: EndpointId,
  ): Promise<{ readonly credentials?: EndpointCredentials } | undefined> {
    this.#lastId += 1;
    const id = this.#lastId;
    const frame: GatewayFrame = { kind: "credential-request", id, sipDomain, endpoint };
    if (!this.#sendAnywhere(hashToChannel(`${endpoint}@${sipDomain}`, this.#options.channels), frame)) {
      const downForMs = this.#options.clock.nowMs() - this.#downSinceMs;
      if (downForMs >= CREDENTIAL_DEADLINE_MS || this.#unsent.length >= UNSENT_LIMIT) return Promise.resolve(undefined);
      this.#unsent.push(frame);
    }
    return this.#credentials.wait(id);
  }

  addRoute(route: PublishedRoute): Promise<RoutePublication> {
    return this.#routes.add(route);
  }

  removeRoute(removal: RouteRemoval): void {
    this.#routes.remove(removal);
  }

  reportSilence(gateway: GatewayId, silentMs: number): void {
    this.#sendAnywhere(0, { kind: "suspicion", gateway, silentMs: Math.round(silentMs) });
  }

  /** An in-dialog request came for a leg that lives elsewhere, or nowhere. */
  reportStray(call: CallToken, leg: LegId, method: string): void {
    const frame: GatewayFrame = { kind: "stray-request", call, leg, method };
    this.#sendAnywhere(this.#streams.channelOf(call) ?? hashToChannel(call, this.#options.channels), frame);
  }

  #createChannel(channel: number): ControlChannel {
    const { workerUrl, gateway, instance, channels, sign, dial, clock, random, count } = this.#options;
    return new ControlChannel({
      workerUrl,
      gateway,
      instance,
      channel,
      channels,
      sign,
      dial,
      clock,
      random,
      count,
      resumedCalls: () => this.#streams.resumed(channel),
      onWelcome: (frame) => this.#onWelcome(channel, frame),
      onFrame: (frame) => this.#onFrame(channel, frame),
      onDown: () => {
        this.#tickets.orderLost();
        if (this.openChannels === 0) this.#downSinceMs = clock.nowMs();
        this.#options.onChannelDown(channel);
      },
      onRefused: (code, detail) => this.#options.onRefused(channel, code, detail),
    });
  }

  #onWelcome(
    channel: number,
    frame: {
      readonly tickets: readonly CallToken[];
      readonly neighbours: readonly TrunkPeer[];
      readonly heartbeatMs: number;
    },
  ): void {
    this.#tickets.add(frame.tickets);
    if (channel === 0) {
      this.#heartbeatMs = frame.heartbeatMs;
      this.#options.events.onNeighbours(frame.neighbours);
      this.#beat();
    }
    this.#streams.replay(channel);
    this.#routes.replay(channel);
    for (const unsent of this.#unsent.splice(0)) this.#send(channel, unsent);
    this.#options.onChannelOpen(channel);
    this.#orderTickets();
    this.#welcomed.add(channel);
    if (this.#welcomed.size === this.#channels.length) this.#resolveReady();
  }

  #onFrame(channel: number, frame: ChannelFrame): void {
    switch (frame.kind) {
      case "call-command":
        return this.#streams.receive(channel, frame);
      case "event-ack":
        return this.#streams.acknowledge(frame.call, frame.ackEvent);
      case "call-gone":
        this.#options.events.onCallGone(frame.call, frame.endLegs === true);
        return this.#streams.forget(frame.call);
      case "credentials":
        return this.#credentials.answer(frame.id, { credentials: frame.credentials });
      case "route-stored":
        return this.#routes.stored(
          frame.id,
          frame.ok ? { ok: true } : { ok: false, code: frame.code ?? "route-refused" },
        );
      case "probe":
        return this.#probe(channel, frame);
      case "neighbours":
        return this.#options.events.onNeighbours(frame.neighbours);
      case "tickets":
        this.#tickets.add(frame.tickets);
        return;
    }
  }

  #probe(channel: number, { id, target, roundTripMs }: Extract<WorkerFrame, { kind: "probe" }>): void {
    this.#options.events
      .probe(target, roundTripMs)
      .then((alive) => this.#send(channel, { kind: "probe-result", id, gateway: target.gateway, alive }))
      .catch(this.#options.onFault);
  }

  #beat(): void {
    this.#heartbeat?.clear();
    this.#send(0, {
      kind: "heartbeat",
      load: this.#options.load(),
      counters: this.#options.counters(),
      draining: false,
    });
    this.#heartbeat = this.#options.clock.setTimer(this.#heartbeatMs, () => this.#beat());
  }

  #orderTickets(): void {
    const count = this.#tickets.order();
    if (count > 0 && !this.#sendAnywhere(0, { kind: "tickets-wanted", count })) this.#tickets.orderLost();
  }

  #send(channel: number, frame: GatewayFrame): boolean {
    return this.#channels[channel]?.send(frame) ?? false;
  }

  /** For frames that any Gateway object of this gateway can answer: the preferred channel first. */
  #sendAnywhere(preferred: number, frame: GatewayFrame): boolean {
    if (this.#send(preferred, frame)) return true;
    return this.#channels.some((channel) => channel.send(frame));
  }
}
