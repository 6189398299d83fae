/** One call. A shell: it loads, asks `domain/calls` what to do, stores, and only then lets anything leave. */
import { DurableObject } from "cloudflare:workers";
import type { NumberedCommand } from "#protocol/call-messages";
import { parseEndpointId } from "#protocol/ids";
import type { CallToken, GatewayId, GatewayInstanceId } from "#protocol/ids";
import { createResponse } from "#sip/message/build";
import { header } from "#sip/message/headers";
import { parseSipMessage } from "#sip/message/parser";
import type { SipMessage } from "#sip/message/sip-message";
import { sipMessageText } from "#sip/message/serializer";
import { regionLinkOf } from "../adapters/object-region-link.ts";
import { count } from "../counters.ts";
import { findBrowserSocket } from "../domain/calls/browser-socket.ts";
import type { BrowserSocket } from "../domain/calls/browser-socket.ts";
import { applyCallInput, browserLegOf } from "../domain/calls/call-machine.ts";
import type { CallEffect, CallInput } from "../domain/calls/call-input.ts";
import type {
  BrowserSip,
  CallObjectApi,
  CallRecord,
  CallSummary,
  GatewayAddress,
  GatewayEvents,
  GatewayReply,
} from "../domain/calls/call-object-api.ts";
import { describeCall, summarizeCall } from "../domain/calls/call-record.ts";
import type { CallState, GatewayParty } from "../domain/calls/call-state.ts";
import { hasPart } from "../domain/calls/gateway-part.ts";
import type { GatewayStatus } from "../domain/routing/gateway-status.ts";
import type { Env } from "../env.ts";
import { faultCode, log } from "../log.ts";
import { CallCourier } from "./call/call-courier.ts";
import { CallRooms } from "./call/call-rooms.ts";
import { CallStore } from "./call/call-store.ts";
import { CallSurroundings } from "./call/call-surroundings.ts";

/** Stands behind the in-memory retries, in case the object is gone by then (decision 3: no alarm under 10 s). */
const RETRY_ALARM_MS = 10_000;
/** A browser that lost its socket is looked for so often and so long; after that its media decides. */
const SOCKET_WAIT_MS = 500;
const SOCKET_WAIT_TRIES = 60;

/** Pauses before a call is told to its list again. */
const RECORD_PAUSES_MS = [250, 1_000, 4_000] as const;

const NOT_OURS: GatewayReply = { ackEvent: 0, commands: [], live: false };

type Fleet = readonly GatewayStatus[];
type EnterRoom = Extract<CallEffect, { kind: "enter-room" }>;
type Locate = Extract<CallEffect, { kind: "locate" }>;
type SendSip = Extract<CallEffect, { kind: "send-sip" }>;

/** Who asked: what is for them rides on the return value. */
interface Asker {
  readonly gateway?: GatewayId;
  readonly bridge?: string;
  readonly socket?: string;
}

interface Answer {
  readonly commands: readonly NumberedCommand[];
  readonly messages: readonly string[];
}

export class CallObject extends DurableObject<Env> implements CallObjectApi {
  readonly #store: CallStore;
  readonly #courier: CallCourier;
  readonly #surroundings: CallSurroundings;
  readonly #rooms: CallRooms;
  #state: CallState | undefined;
  #isStored: boolean;
  #retryArmed = false;
  /** The search for the callee. Whoever waited for it too long asks again, and gets what came of it. */
  #search: Promise<unknown> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new CallStore(ctx.storage);
    this.#courier = new CallCourier(env);
    this.#surroundings = new CallSurroundings(env);
    this.#rooms = new CallRooms(env);
    this.#state = this.#store.load();
    this.#isStored = this.#state !== undefined;
  }

  async gatewayEvents(input: GatewayEvents): Promise<GatewayReply> {
    const { token, from } = input;
    const fleet = await this.#surroundings.fleet(token);
    await Promise.allSettled([this.#search]);
    const effects: CallEffect[] = [];
    let events = input.events;
    const first = events[0];
    if (this.#state === undefined) {
      if (first?.seq !== 1 || first.event.kind !== "invite-received") return NOT_OURS;
      effects.push(...this.#apply(token, fleet, { kind: "phone-invite", from, event: first.event }));
      this.#noteEvent(from.gateway, 1);
      events = events.slice(1);
    }
    if (first?.seq === 1 && first.event.kind === "replace-received") this.#admit(from);
    const party = this.#partyOf(from);
    // A gateway that was given up, or an instance before the present one: nothing it holds is still its own.
    if (party === undefined) return NOT_OURS;
    party.outbox = party.outbox.filter(({ seq }) => seq > input.ackCommand);
    // It missed an answer, or has nothing to tell but how far it is: everything that it may lack goes out again.
    const mayLack = first === undefined || events.some(({ seq }) => seq <= party.lastEvent);
    for (const { seq, epoch, event } of events) {
      const lastEvent = this.#partyOf(from)?.lastEvent ?? Number.MAX_SAFE_INTEGER;
      if (seq <= lastEvent) continue;
      if (seq !== lastEvent + 1) break;
      effects.push(...this.#apply(token, fleet, { kind: "gateway-event", from, epoch, event }));
      this.#noteEvent(from.gateway, seq);
    }
    // An acknowledgement alone is not worth a row: what it took from the outbox is harmless to send again.
    if (input.events.length > 0) this.#saveUnlessSearching(effects);
    const answer = await this.#perform(effects, { gateway: from.gateway });
    return this.#reply(from.gateway, mayLack ? (this.#partyOf(from)?.outbox ?? []) : answer.commands);
  }

  async resume(input: Parameters<CallObjectApi["resume"]>[0]): Promise<GatewayReply> {
    const party = this.#partyOf(input.from);
    if (party === undefined) return NOT_OURS;
    party.outbox = party.outbox.filter(({ seq }) => seq > input.appliedCommand);
    return this.#reply(input.from.gateway, party.outbox);
  }

  async gatewayLost(input: Parameters<CallObjectApi["gatewayLost"]>[0]): Promise<void> {
    const fleet = await this.#surroundings.freshFleet(input.token, [input.gateway]);
    const known = fleet.map((entry) =>
      entry.gateway === input.gateway && entry.instance === input.instance
        ? { ...entry, state: "down" as const }
        : entry,
    );
    this.#run(known, { kind: "gateway-lost", gateway: input.gateway, instance: input.instance });
  }

  async browserSip(input: BrowserSip): Promise<{ readonly messages: readonly string[] }> {
    const parsed = parseSipMessage(input.text);
    if (!parsed.ok) return { messages: [] };
    const { message } = parsed;
    const fleet = await this.#surroundings.fleet(input.token);
    await Promise.allSettled([this.#search]);
    if (this.#state === undefined && !(message.kind === "request" && message.method === "INVITE"))
      return refuse(message, 481);
    const callInput = this.#inputOf(input, message);
    if (callInput === undefined) return refuse(message, 481);
    const effects = this.#apply(input.token, fleet, callInput);
    if (this.#state === undefined) return refuse(message, 400);
    this.#saveUnlessSearching(effects);
    const { messages } = await this.#perform(effects, { bridge: input.bridge, socket: input.socket });
    return { messages };
  }

  /** `undefined` for a leg of somebody else's, or none at all: the sender need not wait for its transaction to time out. */
  #inputOf(sip: BrowserSip, message: SipMessage): CallInput | undefined {
    const replaces = message.kind === "request" && message.method === "INVITE" && header(message, "replaces");
    if (this.#state === undefined)
      return message.kind === "request" && replaces === undefined
        ? { kind: "browser-invite", sip, request: message }
        : undefined;
    if (browserLegOf(this.#state, sip, message) !== undefined) return { kind: "browser-message", sip, message };
    return message.kind === "request" && typeof replaces === "string"
      ? { kind: "browser-replaces", sip, request: message }
      : undefined;
  }

  async browserGone({ bridge, socket }: Parameters<CallObjectApi["browserGone"]>[0]): Promise<void> {
    await Promise.allSettled([this.#search]);
    this.#run(await this.#fleetOfCall(), { kind: "browser-gone", bridge, socket });
  }

  async describe(): Promise<CallRecord | undefined> {
    if (this.#state === undefined) return undefined;
    return describeCall(this.#state, (await this.ctx.storage.getAlarm()) ?? undefined);
  }

  async summaries(): Promise<readonly CallSummary[]> {
    return this.#state === undefined ? [] : summarizeCall(this.#state);
  }

  override async alarm(): Promise<void> {
    await this.#retryAdoption();
  }

  /** Changes the state in memory. No await happens in here, so no other input can come between. */
  #apply(token: CallToken, fleet: Fleet, input: CallInput): readonly CallEffect[] {
    const decision = applyCallInput(this.#state, input, this.#surroundings.context(token, fleet));
    this.#state = decision.state;
    return decision.effects;
  }

  /** An input that nobody waits for. */
  #run(fleet: Fleet, input: CallInput): void {
    if (this.#state === undefined) return;
    const effects = this.#apply(this.#state.token, fleet, input);
    this.#save();
    this.ctx.waitUntil(this.#perform(effects, {}));
  }

  #save(): void {
    if (this.#state === undefined) return;
    this.#store.save(this.#state);
    this.#isStored = true;
  }

  /**
   * A new call is stored once its callee is found: its INVITE is not acknowledged before, so it comes again if this object
   * is lost meanwhile, and the search with it.
   */
  #saveUnlessSearching(effects: readonly CallEffect[]): void {
    if (this.#isStored || !effects.some((effect) => effect.kind === "locate")) this.#save();
  }

  #partyOf(from: { readonly gateway: GatewayId; readonly instance: GatewayInstanceId }): GatewayParty | undefined {
    return this.#state?.parties.find((party) => party.gateway === from.gateway && party.instance === from.instance);
  }

  /** A gateway that had no part in the call brings a phone that is to take another one's place. */
  #admit({ gateway, instance, region, channel }: GatewayAddress): void {
    if (this.#state === undefined || this.#state.parties.some((party) => party.gateway === gateway)) return;
    this.#state.parties.push({ gateway, instance, region, channel, lastEvent: 0, lastCommand: 0, outbox: [] });
  }

  #noteEvent(gateway: GatewayId, seq: number): void {
    const party = this.#state?.parties.find((entry) => entry.gateway === gateway);
    if (party !== undefined) party.lastEvent = seq;
  }

  #reply(gateway: GatewayId, commands: readonly NumberedCommand[]): GatewayReply {
    const party = this.#state?.parties.find((entry) => entry.gateway === gateway);
    if (party === undefined) return NOT_OURS;
    const over = this.#state === undefined || !hasPart(this.#state, gateway);
    return { ackEvent: party.lastEvent, commands, live: !over || party.outbox.length > 0, over };
  }

  /** Lets effects leave, each destination in order. What the state says was stored before this. */
  async #perform(effects: readonly CallEffect[], asker: Asker): Promise<Answer> {
    const commands = new Map<GatewayId, NumberedCommand[]>();
    const messages: string[] = [];
    const answers: Answer[] = [];
    const searches: Locate[] = [];
    for (const effect of effects) {
      switch (effect.kind) {
        case "send-command":
          commands.set(effect.gateway, [...(commands.get(effect.gateway) ?? []), effect.command]);
          break;
        case "send-sip":
          if (effect.bridge === asker.bridge && effect.socket === asker.socket) messages.push(effect.text);
          else this.ctx.waitUntil(this.#sendSip(effect));
          break;
        case "retry-soon":
          this.#retrySoon(effect.afterMs);
          break;
        case "record":
          this.ctx.waitUntil(this.#record());
          break;
        case "count":
          count(effect.name);
          break;
        case "enter-room":
          this.ctx.waitUntil(this.#enterRoom(effect));
          break;
        case "leave-room":
          this.ctx.waitUntil(this.#rooms.leave(effect.name, this.#state));
          break;
        case "locate":
          searches.push(effect);
          break;
      }
    }
    for (const [gateway, list] of commands) {
      if (gateway !== asker.gateway) this.#deliver(gateway, list);
    }
    if (searches.length > 0) {
      this.#search = this.#locate(searches, asker).then((answer) => answers.push(answer));
      await this.#search;
    }
    const own = asker.gateway === undefined ? [] : (commands.get(asker.gateway) ?? []);
    return {
      commands: [...own, ...answers.flatMap((answer) => answer.commands)],
      messages: [...messages, ...answers.flatMap((answer) => answer.messages)],
    };
  }

  /** Everybody at once; what is found is stored once. */
  async #locate(searches: readonly Locate[], asker: Asker): Promise<Answer> {
    const state = this.#state;
    if (state === undefined) return { commands: [], messages: [] };
    const [fleet, ...found] = await Promise.all([
      this.#surroundings.fleet(state.token),
      ...searches.map(async ({ group, endpoint }) => ({
        kind: "located" as const,
        group,
        endpoint,
        ...(await this.#surroundings.locate(state, endpoint)),
      })),
    ]);
    const effects = found.flatMap((input) => this.#apply(state.token, fleet, input));
    this.#save();
    return await this.#perform(effects, asker);
  }

  async #enterRoom(effect: EnterRoom): Promise<void> {
    const state = this.#state;
    if (state === undefined) return;
    const input = await this.#rooms.enter(effect, state);
    // Of the host's own region: it knows whether the host lives.
    const hosts = input.kind === "room-entered" ? [input.host.gateway] : [];
    this.#run(await this.#surroundings.freshFleet(state.token, hosts), input);
  }

  #deliver(gateway: GatewayId, commands: readonly NumberedCommand[]): void {
    const state = this.#state;
    if (state === undefined) return;
    const unreachable = async (): Promise<void> => {
      this.#run(await this.#surroundings.freshFleet(state.token, [gateway]), { kind: "gateway-unreachable", gateway });
    };
    this.ctx.waitUntil(this.#courier.deliver(state, gateway, commands, unreachable));
  }

  /** A socket that is gone is looked for: the same device may have registered over another one. */
  async #sendSip(effect: SendSip): Promise<void> {
    if (await this.#courier.sendSip(effect.bridge, effect.socket, effect.text)) return;
    count("call.socket-gone");
    for (let tries = 0; tries < SOCKET_WAIT_TRIES; tries += 1) {
      const found = await this.#findSocket(effect);
      if (found === "over") return;
      if (found !== undefined && (await this.#courier.sendSip(found.bridge, found.socket, effect.text))) {
        this.#run(await this.#fleetOfCall(), {
          kind: "browser-found",
          leg: effect.leg,
          sent: effect.text,
          ...found,
        });
        return;
      }
      if (tries === 0) this.#run(await this.#fleetOfCall(), { kind: "browser-unreachable", leg: effect.leg });
      await new Promise((resolve) => setTimeout(resolve, SOCKET_WAIT_MS));
    }
  }

  async #fleetOfCall(): Promise<Fleet> {
    return this.#state === undefined ? [] : await this.#surroundings.fleet(this.#state.token);
  }

  /** `over`: nothing is left to be said to this leg. */
  async #findSocket(effect: SendSip): Promise<BrowserSocket | "over" | undefined> {
    const state = this.#state;
    const leg = state?.legs.find((entry) => entry.leg === effect.leg);
    if (state === undefined || leg?.kind !== "browser") return "over";
    if (leg.stage === "ended" && leg.pending?.text !== effect.text) return "over";
    // The page that had it is gone, and took its call up again.
    if (leg.stage === "ended" && state.legs.some(({ replaces }) => replaces === leg.leg)) return "over";
    if (leg.socket !== effect.socket) return { bridge: leg.bridge, socket: leg.socket };
    const identity = parseEndpointId(leg.identity);
    if (identity === undefined) return undefined;
    const { routes } = await this.#surroundings.locate(state, identity);
    return findBrowserSocket(leg, routes, effect.socket);
  }

  #retrySoon(afterMs: number): void {
    if (this.#retryArmed) return;
    this.#retryArmed = true;
    this.ctx.waitUntil(this.ctx.storage.setAlarm(Date.now() + RETRY_ALARM_MS));
    setTimeout(() => this.ctx.waitUntil(this.#retryAdoption()), afterMs);
  }

  async #retryAdoption(): Promise<void> {
    this.#retryArmed = false;
    const state = this.#state;
    if (state === undefined) return;
    const waitingFor = state.legs.flatMap((leg) => (leg.adoption === undefined ? [] : [leg.adoption.from]));
    const { room } = state;
    if (room?.troubleSinceMs !== undefined && room.host !== undefined) waitingFor.push(room.host.gateway);
    if (waitingFor.length === 0 && room?.troubleSinceMs === undefined) return;
    this.#run(await this.#surroundings.freshFleet(state.token, waitingFor), { kind: "retry-adoption" });
  }

  /** The list takes what it gets: the last word about a call is the truth, however often it is said. */
  async #record(): Promise<void> {
    for (const pauseMs of [...RECORD_PAUSES_MS, undefined]) {
      const state = this.#state;
      if (state === undefined) return;
      try {
        await regionLinkOf(this.env).recordCall(state.account, {
          sid: state.sid,
          token: state.token,
          summaries: summarizeCall(state),
        });
        return;
      } catch (error) {
        log({ event: "fault", where: "call.record", code: faultCode(error) });
        if (pauseMs === undefined) count("call.not-recorded");
        else await scheduler.wait(pauseMs);
      }
    }
  }
}

function refuse(message: SipMessage, status: number): { readonly messages: readonly string[] } {
  return {
    messages:
      message.kind === "request" && message.method !== "ACK" ? [sipMessageText(createResponse(message, status))] : [],
  };
}
