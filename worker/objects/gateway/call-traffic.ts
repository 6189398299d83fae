import type { ResumedCall } from "#protocol/control-frames";
import type { NumberedEvent } from "#protocol/call-messages";
import type { CallToken, GatewayInstanceId } from "#protocol/ids";
import type { RegionLink } from "../../adapters/region-link.ts";
import { openCallToken } from "../../call-token.ts";
import { count } from "../../counters.ts";
import type { CallObjectApi, GatewayAddress, GatewayReply } from "../../domain/calls/call-object-api.ts";
import type { GatewayChannel, GatewayDelivery } from "../../domain/gateways/gateway-object-api.ts";
import { faultCode, log } from "../../log.ts";
import { CallLanes } from "./call-lanes.ts";
import type { ControlSockets } from "./control-sockets.ts";
import { sendFrame } from "./control-sockets.ts";
import type { LiveCalls } from "./live-calls.ts";

/** Pauses before a Call object that failed is asked again. Everything it gets twice, it knows by its number. */
const RETRY_PAUSES_MS = [50, 250, 1_000] as const;
/** RFC 6455 section 7.4.1: the gateway comes back at once and repeats what is not acknowledged. */
const CLOSE_TRY_AGAIN = 1011;

interface CallTrafficOptions {
  readonly channel: GatewayChannel;
  readonly link: RegionLink;
  readonly callTokenKey: string;
  readonly sockets: ControlSockets;
  readonly live: LiveCalls;
}

/** The streams of all calls of one channel: events up, commands down, each call strictly in order. */
export class CallTraffic {
  readonly #options: CallTrafficOptions;
  readonly #lanes: CallLanes;
  /** Calls whose last commands only wait to be acknowledged, by the number of the last one. */
  readonly #lastWords = new Map<CallToken, number>();

  constructor(options: CallTrafficOptions) {
    this.#options = options;
    this.#lanes = new CallLanes((call, item) => this.#bringEvents(call, item));
  }

  /** Events, or an acknowledgement alone when there are none. */
  async receive(call: CallToken, ackCommand: number, events: readonly NumberedEvent[]): Promise<void> {
    await this.#lanes.push(call, { kind: "events", ackCommand, events });
  }

  /** Sends commands behind whatever is on its way to this call's gateway already. */
  deliver(delivery: GatewayDelivery): { readonly ok: boolean } {
    const current = this.#options.sockets.current();
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

  /** What the gateway has not seen of each call that it or we remember. */
  async resume(calls: readonly ResumedCall[], instance: GatewayInstanceId): Promise<void> {
    this.#lastWords.clear();
    const named = new Set(calls.map(({ call }) => call));
    const remembered = this.#options.live.of(instance).filter((call) => !named.has(call));
    const all = [...calls, ...remembered.map((call) => ({ call, appliedCommand: 0 }))];
    await Promise.all(
      all.map(({ call, appliedCommand }) =>
        this.#lanes.push(call, { kind: "task", run: () => this.#resumeOne(call, appliedCommand, instance) }),
      ),
    );
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

  async #resumeOne(call: CallToken, appliedCommand: number, instance: GatewayInstanceId): Promise<void> {
    const reply = await this.#ask(call, (object) =>
      object.resume({ token: call, from: this.#address(instance), appliedCommand }),
    );
    if (reply === "forged") return this.#sendGone(call, instance);
    if (reply === "unreachable") return this.#restart();
    if (!reply.live && reply.commands.length === 0) {
      this.#options.live.note(call, instance, false);
      return this.#sendGone(call, instance);
    }
    this.#sendReply(call, instance, reply);
  }

  async #bringEvents(
    call: CallToken,
    item: { readonly ackCommand: number; readonly events: readonly NumberedEvent[] },
  ): Promise<void> {
    const instance = this.#options.sockets.current()?.instance;
    // Its socket is gone: what nobody acknowledged comes again over the next one.
    if (instance === undefined) return;
    const { ackCommand, events } = item;
    if (events.length === 0 && ackCommand >= (this.#lastWords.get(call) ?? Infinity)) {
      this.#lastWords.delete(call);
      return this.#options.live.note(call, instance, false);
    }
    const reply = await this.#ask(call, (object) =>
      object.gatewayEvents({ token: call, from: this.#address(instance), ackCommand, events }),
    );
    if (reply === "forged") {
      count("control.call-token-invalid");
      return this.#sendGone(call, instance);
    }
    if (reply === "unreachable") return this.#restart();
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
    const current = this.#options.sockets.current();
    // Commands are numbered for one instance; another one must not get them.
    if (current?.instance !== instance) return;
    const { ackEvent, commands } = reply;
    const last = commands.at(-1);
    if (reply.over === true && last !== undefined) this.#lastWords.set(call, last.seq);
    else this.#lastWords.delete(call);
    for (const command of commands) sendFrame(current.socket, { kind: "call-command", call, ackEvent, ...command });
    if (commands.length === 0 && acknowledge) sendFrame(current.socket, { kind: "event-ack", call, ackEvent });
  }

  #sendGone(call: CallToken, instance: GatewayInstanceId): void {
    const current = this.#options.sockets.current();
    if (current?.instance === instance) sendFrame(current.socket, { kind: "call-gone", call });
  }

  async #ask<T>(
    call: CallToken,
    question: (object: CallObjectApi) => Promise<T>,
  ): Promise<T | "forged" | "unreachable"> {
    const { link, callTokenKey, channel } = this.#options;
    const name = openCallToken(callTokenKey, call);
    if (name === undefined) return "forged";
    for (const pauseMs of [...RETRY_PAUSES_MS, undefined]) {
      try {
        return await question(link.call(name));
      } catch (error) {
        count("control.call-object-failed");
        log({
          event: "control.events-stuck",
          gateway: channel.gateway,
          channel: channel.channel,
          code: faultCode(error),
        });
        if (pauseMs !== undefined) await scheduler.wait(pauseMs);
      }
    }
    return "unreachable";
  }

  /** Lets the gateway come again and repeat everything: better than a stream with a hole. */
  #restart(): void {
    const current = this.#options.sockets.current();
    if (current !== undefined) this.#options.sockets.end(current.socket, CLOSE_TRY_AGAIN);
  }

  #address(instance: GatewayInstanceId): GatewayAddress {
    const { gateway, region, channel } = this.#options.channel;
    return { gateway, instance, region, channel };
  }
}
