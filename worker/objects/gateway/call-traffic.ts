import type { ResumedCall, WorkerFrame } from "#protocol/control-frames";
import type { NumberedEvent } from "#protocol/call-messages";
import type { CallToken, GatewayInstanceId } from "#protocol/ids";
import type { RegionLink } from "../../adapters/region-link.ts";
import { openCallToken } from "../../call-token.ts";
import { count } from "../../counters.ts";
import type { CallObjectApi, GatewayAddress, GatewayReply } from "../../domain/calls/call-object-api.ts";
import type { GatewayChannel, GatewayDelivery } from "../../domain/gateways/gateway-object-api.ts";
import { faultCode, log } from "../../log.ts";
import { CallPatience } from "../../domain/gateways/call-patience.ts";
import { CallLanes } from "./call-lanes.ts";
import type { LaneItem } from "./call-lanes.ts";

/** Pauses before a Call object that failed is asked again. Everything it gets twice, it knows by its number. */
const RETRY_PAUSES_MS = [50, 250, 1_000] as const;
/** Between all later tries, for as long as `CallPatience` lasts. */
const LATER_PAUSE_MS = 4_000;

/** Why a call's part on this channel ends before the call does. */
type Abandonment = "call-object-failed" | "command-too-long" | "frame-too-long" | "frame-invalid";

/** The gateway at the other end of the channel, while it is there. */
interface ConnectedGateway {
  readonly instance: GatewayInstanceId;
  send(frame: WorkerFrame): "sent" | "gone" | "too-long";
}

/** Which calls live on the gateway. */
interface LiveCallNotes {
  note(call: CallToken, instance: GatewayInstanceId, live: boolean): void;
  of(instance: GatewayInstanceId): readonly CallToken[];
  write(): void;
}

interface CallTrafficOptions {
  readonly channel: GatewayChannel;
  readonly link: RegionLink;
  readonly callTokenKey: string;
  readonly connected: () => ConnectedGateway | undefined;
  readonly live: LiveCallNotes;
  readonly wait: (ms: number) => Promise<void>;
}

/** The streams of all calls of one channel: events up, commands down, each call strictly in order. */
export class CallTraffic {
  readonly #options: CallTrafficOptions;
  readonly #lanes: CallLanes;
  readonly #patience = new CallPatience();
  /** Calls that the pages of a hello have named so far; `undefined` when no page is awaited. */
  #named: Set<CallToken> | undefined;
  /** Calls whose last commands only wait to be acknowledged, by the number of the last one. */
  readonly #lastWords = new Map<CallToken, number>();

  constructor(options: CallTrafficOptions) {
    this.#options = options;
    this.#lanes = new CallLanes((call, item) => this.#bringEvents(call, item));
  }

  /** Events, or an acknowledgement alone when there are none. */
  async receive(
    call: CallToken,
    instance: GatewayInstanceId,
    ackCommand: number,
    events: readonly NumberedEvent[],
  ): Promise<void> {
    await this.#lanes.push(call, { kind: "events", instance, ackCommand, events });
  }

  /** Sends commands behind whatever is on its way to this call's gateway already. */
  deliver(delivery: GatewayDelivery): { readonly ok: boolean } {
    const current = this.#options.connected();
    if (current === undefined || (delivery.instance !== undefined && delivery.instance !== current.instance))
      return { ok: false };
    const send = (): void => this.#sendReply(delivery.call, current.instance, delivery);
    if (!this.#lanes.isBusy(delivery.call)) {
      send();
      return { ok: true };
    }
    void this.#lanes.push(delivery.call, {
      kind: "task",
      run: () => {
        send();
        return Promise.resolve();
      },
    });
    return { ok: true };
  }

  /** A hello: what the gateway has not seen of each call that it or we remember. */
  async resume(calls: readonly ResumedCall[], moreCalls: boolean, instance: GatewayInstanceId): Promise<void> {
    this.#lastWords.clear();
    this.#named = new Set();
    await this.resumeFurther(calls, moreCalls, instance);
  }

  /** With the last page come the calls that only we remember. */
  async resumeFurther(calls: readonly ResumedCall[], moreCalls: boolean, instance: GatewayInstanceId): Promise<void> {
    const named = this.#named ?? new Set();
    for (const { call } of calls) named.add(call);
    this.#named = moreCalls ? named : undefined;
    const remembered = moreCalls ? [] : this.#options.live.of(instance).filter((call) => !named.has(call));
    const all = [...calls, ...remembered.map((call) => ({ call, appliedCommand: 0 }))];
    await Promise.all(all.map(({ call, appliedCommand }) => this.#queueResume(call, appliedCommand, instance)));
  }

  /** A phone spoke to a gateway that holds no such leg: its call may have something for it, and nobody else has. */
  async lookInto(call: CallToken, instance: GatewayInstanceId): Promise<void> {
    await this.#queueResume(call, 0, instance);
  }

  /** A frame of this call was lost: its stream would never go on. */
  async abandon(call: CallToken, instance: GatewayInstanceId, why: Abandonment): Promise<void> {
    await this.#lanes.push(call, { kind: "task", run: () => this.#abandon(call, instance, why) });
  }

  /** Tells calls that their instance is gone; those that cannot be told stay remembered. Returns how many those are. */
  async lose(lost: readonly { readonly call: CallToken; readonly instance: GatewayInstanceId }[]): Promise<number> {
    const { channel, live } = this.#options;
    const outcomes = await Promise.all(
      lost.map(async ({ call, instance }) => {
        const told = await this.#ask(call, (object) =>
          object.gatewayLost({ token: call, gateway: channel.gateway, instance }).then(() => true),
        );
        if (told === "unreachable") return false;
        live.note(call, instance, false);
        return true;
      }),
    );
    live.write();
    return outcomes.filter((told) => !told).length;
  }

  async #queueResume(call: CallToken, appliedCommand: number, instance: GatewayInstanceId): Promise<void> {
    const run = (): Promise<void> => this.#resumeOne(call, appliedCommand, instance);
    await this.#lanes.push(call, { kind: "task", run });
  }

  async #resumeOne(call: CallToken, appliedCommand: number, instance: GatewayInstanceId): Promise<void> {
    const reply = await this.#askPatiently(call, instance, (object) =>
      object.resume({ token: call, from: this.#address(instance), appliedCommand }),
    );
    if (reply === "away") return;
    if (reply === "forged") return this.#refuseForged(call, instance);
    if (reply === "unreachable") return await this.#abandon(call, instance, "call-object-failed");
    if (!reply.live && reply.commands.length === 0) {
      this.#options.live.note(call, instance, false);
      return this.#sendGone(call, instance);
    }
    this.#sendReply(call, instance, reply);
  }

  async #bringEvents(
    call: CallToken,
    { instance, ackCommand, events }: Extract<LaneItem, { kind: "events" }>,
  ): Promise<void> {
    // Its socket is gone: what nobody acknowledged comes again over the next one.
    if (!this.#speaksTo(instance)) return;
    if (events.length === 0 && ackCommand >= (this.#lastWords.get(call) ?? Infinity)) {
      this.#lastWords.delete(call);
      return this.#options.live.note(call, instance, false);
    }
    const reply = await this.#askPatiently(call, instance, (object) =>
      object.gatewayEvents({ token: call, from: this.#address(instance), ackCommand, events }),
    );
    if (reply === "away") return;
    if (reply === "forged") return this.#refuseForged(call, instance);
    if (reply === "unreachable") return await this.#abandon(call, instance, "call-object-failed");
    const last = events.at(-1)?.seq ?? 0;
    if (!reply.live && reply.commands.length === 0 && reply.ackEvent < last) {
      // Refused: the gateway, or this run of it, has no part in the call any more.
      this.#options.live.note(call, instance, false);
      return this.#sendGone(call, instance);
    }
    this.#sendReply(call, instance, reply, events.length > 0);
  }

  #sendReply(call: CallToken, instance: GatewayInstanceId, reply: GatewayReply, acknowledge = true): void {
    this.#options.live.note(call, instance, reply.live);
    const current = this.#options.connected();
    // Commands are numbered for one instance; another one must not get them.
    if (current?.instance !== instance) return;
    const { ackEvent, commands } = reply;
    const last = commands.at(-1);
    if (reply.over === true && last !== undefined) this.#lastWords.set(call, last.seq);
    else this.#lastWords.delete(call);
    for (const command of commands) {
      const sent = current.send({ kind: "call-command", call, ackEvent, ...command });
      if (sent === "too-long") return void this.abandon(call, instance, "command-too-long");
    }
    if (commands.length === 0 && acknowledge) current.send({ kind: "event-ack", call, ackEvent });
  }

  /**
   * The call loses its part here, and no other call notices. Its Call object is told as of a dead gateway, so that its legs
   * go on elsewhere; when it cannot be told, nobody else will end them.
   */
  async #abandon(call: CallToken, instance: GatewayInstanceId, why: Abandonment): Promise<void> {
    const { gateway, channel } = this.#options.channel;
    count(`control.call-abandoned.${why}`);
    log({ event: "control.call-abandoned", gateway, channel, code: why });
    const untold = await this.lose([{ call, instance }]);
    this.#options.live.note(call, instance, false);
    this.#lastWords.delete(call);
    this.#patience.forget(call);
    this.#sendGone(call, instance, untold > 0);
  }

  #refuseForged(call: CallToken, instance: GatewayInstanceId): void {
    count("control.call-token-invalid");
    this.#sendGone(call, instance);
  }

  #sendGone(call: CallToken, instance: GatewayInstanceId, endLegs = false): void {
    const current = this.#options.connected();
    if (current?.instance === instance) current.send({ kind: "call-gone", call, ...(endLegs ? { endLegs } : {}) });
  }

  #speaksTo(instance: GatewayInstanceId): boolean {
    return this.#options.connected()?.instance === instance;
  }

  /** A few times within a second or so. */
  async #ask<T>(
    call: CallToken,
    question: (object: CallObjectApi) => Promise<T>,
  ): Promise<T | "forged" | "unreachable"> {
    for (const pauseMs of [...RETRY_PAUSES_MS, undefined]) {
      const answer = await this.#askOnce(call, question);
      if (answer !== "failed") return answer;
      if (pauseMs !== undefined) await this.#options.wait(pauseMs);
    }
    return "unreachable";
  }

  /** For as long as it may come back. `away`: the gateway itself went meanwhile, and will say everything again. */
  async #askPatiently<T>(
    call: CallToken,
    instance: GatewayInstanceId,
    question: (object: CallObjectApi) => Promise<T>,
  ): Promise<T | "forged" | "unreachable" | "away"> {
    for (let tries = 0; ; tries += 1) {
      const answer = await this.#askOnce(call, question);
      if (answer !== "failed") return answer;
      const region = openCallToken(this.#options.callTokenKey, call)?.region;
      if (region === undefined || this.#patience.failed(call, region, Date.now()) === "give-up") return "unreachable";
      await this.#options.wait(RETRY_PAUSES_MS[tries] ?? LATER_PAUSE_MS);
      if (!this.#speaksTo(instance)) return "away";
    }
  }

  async #askOnce<T>(
    call: CallToken,
    question: (object: CallObjectApi) => Promise<T>,
  ): Promise<T | "forged" | "failed"> {
    const { link, callTokenKey, channel } = this.#options;
    const name = openCallToken(callTokenKey, call);
    if (name === undefined) return "forged";
    try {
      const answer = await question(link.call(name));
      this.#patience.answered(call, name.region, Date.now());
      return answer;
    } catch (error) {
      count("control.call-object-failed");
      log({
        event: "control.events-stuck",
        gateway: channel.gateway,
        channel: channel.channel,
        code: faultCode(error),
      });
      return "failed";
    }
  }

  #address(instance: GatewayInstanceId): GatewayAddress {
    const { gateway, region, channel } = this.#options.channel;
    return { gateway, instance, region, channel };
  }
}
