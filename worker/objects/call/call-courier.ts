/** Carries what a call decided to gateways and bridges: in order for each of them, one not waiting for another. */
import type { NumberedCommand } from "#protocol/call-messages";
import type { GatewayId } from "#protocol/ids";
import { regionLinkOf } from "../../adapters/object-region-link.ts";
import { count } from "../../counters.ts";
import type { CallState } from "../../domain/calls/call-state.ts";
import { hasPart } from "../../domain/calls/gateway-part.ts";
import type { Env } from "../../env.ts";
import { faultCode, log } from "../../log.ts";

/** A Gateway object that failed, or did not answer in time, is asked again: the gateway knows a repeat by its number. */
const RETRY_PAUSES_MS = [100, 500] as const;

export class CallCourier {
  readonly #env: Env;
  readonly #queues = new Map<string, Promise<void>>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** `onUnreachable`: the gateway has no open channel; what it should know waits in its outbox. */
  deliver(
    state: CallState,
    gateway: GatewayId,
    commands: readonly NumberedCommand[],
    onUnreachable: () => Promise<void>,
  ): Promise<void> {
    return this.#inOrder(gateway, async () => {
      const party = state.parties.find((entry) => entry.gateway === gateway);
      if (party === undefined) return;
      const target = { region: party.region, gateway, channel: party.channel };
      const delivery = {
        call: state.token,
        commands,
        instance: party.instance,
        ackEvent: party.lastEvent,
        live: true,
        over: !hasPart(state, gateway),
      };
      for (const pauseMs of [0, ...RETRY_PAUSES_MS]) {
        if (pauseMs > 0) await scheduler.wait(pauseMs);
        const sent = await settle(() => regionLinkOf(this.#env).gateways.deliver(target, delivery));
        if (sent?.ok === true) return;
        if (sent !== undefined) break;
      }
      count("call.gateway-unreachable");
      await onUnreachable();
    });
  }

  /** `false`: nobody is at that socket. */
  async sendSip(bridge: string, socket: string, text: string): Promise<boolean> {
    let delivered = false;
    await this.#inOrder(`${bridge}/${socket}`, async () => {
      const sent = await settle(() => regionLinkOf(this.#env).sendToBridge(bridge, { socket, text }));
      delivered = sent?.ok === true;
    });
    return delivered;
  }

  #inOrder(key: string, work: () => Promise<void>): Promise<void> {
    const next = (this.#queues.get(key) ?? Promise.resolve()).then(work);
    this.#queues.set(key, next);
    return next.finally(() => {
      if (this.#queues.get(key) === next) this.#queues.delete(key);
    });
  }
}

async function settle<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    log({ event: "fault", where: "call.courier", code: faultCode(error) });
    return undefined;
  }
}
