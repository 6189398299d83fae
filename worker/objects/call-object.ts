/** One call. A shell: it loads, asks `domain/calls` what to do, stores, and only then lets anything leave. */
import { DurableObject } from "cloudflare:workers";
import type { NumberedCommand } from "#protocol/call-messages";
import type { CallToken, GatewayId, GatewayInstanceId } from "#protocol/ids";
import { parseSipMessage } from "#sip/message/parser";
import { askApplication } from "../adapters/application-client.ts";
import { count } from "../counters.ts";
import { owesPartner } from "../domain/calls/call-link.ts";
import type { LinkAnswer, LinkRequest } from "../domain/calls/call-link.ts";
import { applyCallInput, inputOfBrowser } from "../domain/calls/call-machine.ts";
import type { CallEffect, CallInput } from "../domain/calls/call-input.ts";
import type {
  BrowserSip,
  CallObjectApi,
  CallRecord,
  CallSummary,
  GatewayEvents,
  GatewayReply,
} from "../domain/calls/call-object-api.ts";
import { nextDeadline } from "../domain/calls/deadlines.ts";
import { unansweredEffects } from "../domain/calls/unanswered-effects.ts";
import type { ApplicationRequest } from "../domain/instructions/application-request.ts";
import { buildLadder } from "../domain/ladder/build-ladder.ts";
import { describeCall, summarizeCall } from "../domain/calls/call-record.ts";
import type { CallState, GatewayParty } from "../domain/calls/call-state.ts";
import { owesFarewell } from "../domain/calls/farewell.ts";
import { admitGateway, hasPart } from "../domain/calls/gateway-part.ts";
import type { GatewayStatus } from "../domain/routing/gateway-status.ts";
import type { Env } from "../env.ts";
import { CallClock } from "./call/call-clock.ts";
import { CallCourier } from "./call/call-courier.ts";
import { findSocket } from "./call/find-socket.ts";
import { CallPartners } from "./call/call-partners.ts";
import { CallRooms } from "./call/call-rooms.ts";
import { CallStore } from "./call/call-store.ts";
import { recordCall } from "./call/record-call.ts";
import { refuseMessage } from "./call/refuse-message.ts";
import { CallSurroundings } from "./call/call-surroundings.ts";

/** A browser that lost its socket is looked for so often and so long; after that its media decides. */
const SOCKET_WAIT_MS = 500;
const SOCKET_WAIT_TRIES = 60;

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
  readonly #clock: CallClock;
  readonly #partners: CallPartners;
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
    this.#partners = new CallPartners(env, {
      state: () => this.#state,
      take: async (input) => this.#run(await this.#fleetOfCall(), input),
      remindLater: () => this.#clock.backstop(),
    });
    this.#state = this.#store.load();
    this.#isStored = this.#state !== undefined;
    this.#clock = new CallClock(ctx.storage, () => this.ctx.waitUntil(this.#timePassed()));
    if (this.#state !== undefined) this.#takeUp(this.#state);
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
    if (this.#state !== undefined && first?.seq === 1) admitGateway(this.#state, from, first.event);
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
      return refuseMessage(message, 481);
    const callInput = inputOfBrowser(this.#state, input, message);
    if (callInput === undefined) return refuseMessage(message, 481);
    const effects = this.#apply(input.token, fleet, callInput);
    if (this.#state === undefined) return refuseMessage(message, 400);
    this.#saveUnlessSearching(effects);
    const { messages } = await this.#perform(effects, { bridge: input.bridge, socket: input.socket });
    return { messages };
  }

  async browserGone({ bridge, socket }: Parameters<CallObjectApi["browserGone"]>[0]): Promise<void> {
    await Promise.allSettled([this.#search]);
    this.#run(await this.#fleetOfCall(), { kind: "browser-gone", bridge, socket });
  }

  async link(input: LinkRequest): Promise<LinkAnswer> {
    return await this.#partners.link(input);
  }

  async partnerChanged(input: Parameters<CallObjectApi["partnerChanged"]>[0]): Promise<{ readonly known: boolean }> {
    return await this.#partners.changed(input);
  }

  async describe(): Promise<CallRecord | undefined> {
    if (this.#state === undefined) return undefined;
    return describeCall(this.#state, (await this.ctx.storage.getAlarm()) ?? undefined);
  }

  async summaries(): Promise<readonly CallSummary[]> {
    return this.#state === undefined ? [] : summarizeCall(this.#state);
  }

  async ladder(): ReturnType<CallObjectApi["ladder"]> {
    return this.#state === undefined
      ? undefined
      : { record: describeCall(this.#state), ladder: buildLadder(this.#state) };
  }

  override async alarm(): Promise<void> {
    this.#clock.alarmFired();
    await this.#retryAdoption();
    await this.#timePassed();
  }

  /** An object that was lost had asked for things whose answers went with it. */
  #takeUp(state: CallState): void {
    this.#clock.resume(nextDeadline(state));
    const effects = unansweredEffects(state);
    if (effects.length > 0) this.ctx.waitUntil(this.#perform(effects, {}));
  }

  async #timePassed(): Promise<void> {
    const due = this.#state === undefined ? undefined : nextDeadline(this.#state);
    if (due === undefined || due > Date.now()) this.#clock.watch(due);
    else this.#run(await this.#fleetOfCall(), { kind: "time-passed" });
  }

  /** Changes the state in memory. No await happens in here, so no other input can come between. */
  #apply(token: CallToken, fleet: Fleet, input: CallInput): readonly CallEffect[] {
    const decision = applyCallInput(this.#state, input, this.#surroundings.context(token, fleet));
    this.#state = decision.state;
    return decision.effects;
  }

  /** An input that nobody waits for. */
  #run(fleet: Fleet, input: CallInput): readonly CallEffect[] {
    if (this.#state === undefined) return [];
    const effects = this.#apply(this.#state.token, fleet, input);
    this.#save();
    this.ctx.waitUntil(this.#perform(effects, {}));
    return effects;
  }

  #save(): void {
    if (this.#state === undefined) return;
    this.#store.save(this.#state);
    this.#isStored = true;
    this.#clock.watch(nextDeadline(this.#state));
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
          this.ctx.waitUntil(recordCall(this.env, () => this.#state));
          break;
        case "ask-link":
        case "tell-partner":
        case "drop-link":
        case "link-refused":
          this.ctx.waitUntil(this.#partners.speak(effect));
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
        case "fetch":
          this.ctx.waitUntil(this.#askApplication(effect.request));
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

  async #askApplication(request: ApplicationRequest): Promise<void> {
    const state = this.#state;
    if (state === undefined) return;
    const answer = await askApplication(this.env, state, request);
    this.#run(await this.#fleetOfCall(), { kind: "application-answered", id: request.id, answer });
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
      const found = this.#state === undefined ? "over" : await findSocket(this.#surroundings, this.#state, effect);
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

  #retrySoon(afterMs: number): void {
    if (this.#retryArmed) return;
    this.#retryArmed = true;
    this.#clock.backstop();
    setTimeout(() => this.ctx.waitUntil(this.#retryAdoption()), afterMs);
  }

  async #retryAdoption(): Promise<void> {
    this.#retryArmed = false;
    const state = this.#state;
    if (state === undefined) return;
    const { legs, room } = state;
    const waitingFor = legs.flatMap(({ adoption }) => adoption?.from ?? []);
    if (room?.troubleSinceMs !== undefined && room.host !== undefined) waitingFor.push(room.host.gateway);
    const owes = owesFarewell(state) || owesPartner(state);
    if (waitingFor.length === 0 && room?.troubleSinceMs === undefined && !owes) return;
    this.#run(await this.#surroundings.freshFleet(state.token, waitingFor), { kind: "retry-adoption" });
  }
}
