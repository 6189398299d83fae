/** What a call goes through while gateways die under it, as its record and its browser's own counters tell it. */
import { expect } from "vitest";
import { findCall, readCall } from "../../support/stack-api.ts";
import type { CallDescription } from "../../support/stack-api.ts";
import type { Stack } from "../../support/stack.ts";
import { waitUntil } from "../../support/wait-until.ts";
import type { BrowserPhone } from "../../support/browser/browser-phone.ts";
import { talkFor } from "./hearing.ts";
import type { BrowserTalker, Talker } from "./talker.ts";

export type LegDescription = CallDescription["legs"][number];

/** One call, watched over the API. */
export class WatchedCall {
  readonly #stack: Stack;
  readonly sid: string;

  constructor(stack: Stack, sid: string) {
    this.#stack = stack;
    this.sid = sid;
  }

  static async find(stack: Stack, caller: string, callee: string): Promise<WatchedCall> {
    return new WatchedCall(stack, (await findCall(stack, caller, callee)).sid);
  }

  async read(): Promise<CallDescription> {
    return await readCall(this.#stack, this.sid);
  }

  /** The leg of an identity that is not over. */
  async leg(identity: string): Promise<LegDescription> {
    const leg = (await this.read()).legs.find((one) => one.identity === identity && one.state !== "ended");
    if (leg === undefined) throw new Error(`${identity} has no leg in ${this.sid}`);
    return leg;
  }

  async gatewayOf(identity: string): Promise<string> {
    const { gateway } = await this.leg(identity);
    if (gateway === undefined) throw new Error(`no gateway carries ${identity}`);
    return gateway;
  }

  /** Kills the gateway that carries a leg, and waits until every leg is carried again under a higher epoch. */
  async killGatewayOf(
    identity: string,
  ): Promise<{ readonly gateway: string; readonly pid: number; readonly atMs: number }> {
    const before = await this.read();
    const gateway = await this.gatewayOf(identity);
    const killed = await this.#stack.killGateway(gateway);
    await waitUntil(`${identity}'s leg is carried by another than ${gateway}`, async () => {
      const { epoch, legs } = await this.read();
      return epoch > before.epoch && legs.every(({ state }) => state !== "moving");
    });
    return { gateway, ...killed };
  }

  async waitEnded(): Promise<CallDescription> {
    return await waitUntil("the call is over", async () => {
      const call = await this.read();
      return call.endedAtMs !== undefined && call;
    });
  }
}

export async function expectOneEnd(call: WatchedCall): Promise<void> {
  const { log } = await call.waitEnded();
  expect(log.filter(({ event }) => event === "call.ended")).toHaveLength(1);
}

/** Looks at a browser's packet counter while something goes wrong: concealment hides from the ear what this sees. */
export class ArrivalWatch {
  readonly #phone: BrowserPhone;
  readonly #looks: { readonly atMs: number; readonly packets: number }[] = [];
  #watching = true;
  #failure: Error | undefined;
  readonly #done: Promise<void>;

  constructor(phone: BrowserPhone) {
    this.#phone = phone;
    this.#done = this.#watch().catch((failure: unknown) => {
      this.#failure = new Error("the browser's counters could not be read", { cause: failure });
    });
  }

  /** The longest time between two looks that found the same count, and how many packets came in all. */
  async stop(): Promise<{ readonly longestStallMs: number; readonly packets: number }> {
    this.#watching = false;
    await this.#done;
    if (this.#failure !== undefined) throw this.#failure;
    let longestStallMs = 0;
    let since = this.#looks[0];
    for (const look of this.#looks) {
      if (since === undefined || look.packets > since.packets) since = look;
      else longestStallMs = Math.max(longestStallMs, look.atMs - since.atMs);
    }
    return { longestStallMs, packets: (this.#looks.at(-1)?.packets ?? 0) - (this.#looks[0]?.packets ?? 0) };
  }

  async #watch(): Promise<void> {
    while (this.#watching) {
      const { packetsReceived } = await this.#phone.statistics();
      this.#looks.push({ atMs: Date.now(), packets: packetsReceived });
      await talkFor(40);
    }
  }
}

/** The page noticed nothing: it has the PeerConnection and the microphone that it began with, and is connected. */
export async function expectSameMedia(browser: BrowserTalker): Promise<void> {
  const { peerConnections, getUserMediaCalls, iceConnectionState } = await browser.phone.statistics();
  expect({ peerConnections, getUserMediaCalls }).toEqual({ peerConnections: 1, getUserMediaCalls: 1 });
  expect(["connected", "completed"]).toContain(iceConnectionState);
}

/** A hang-up reaches the other side, and each side and the record have one end. */
export async function expectEnd(call: WatchedCall, first: Talker, second: Talker | undefined): Promise<void> {
  await first.hangup();
  await Promise.all([first.waitEnded(), second?.waitEnded()]);
  await expectOneEnd(call);
  expect(await first.ends()).toBe(1);
  if (second !== undefined) expect(await second.ends()).toBe(1);
}
