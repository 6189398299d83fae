/** Members, their room and the fleet together: whatever dies and comes back, and whoever hears of it first, they meet again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CallToken, GatewayInstanceId, LegId } from "#protocol/ids";
import type { CallEffect } from "../../../../../worker/domain/calls/call-input.ts";
import { enterRoom } from "../../../../../worker/domain/rooms/room.ts";
import type { Room } from "../../../../../worker/domain/rooms/room.ts";
import { CallWorld, capsule, instanceOf } from "./call-world.ts";

const GATEWAYS = ["us-east", "eu-west", "ap-south"] as const;
type Gateway = (typeof GATEWAYS)[number];

type Happening =
  | { readonly kind: "kill" | "restart"; readonly gateway: Gateway }
  /** Something that waits happens: a word of a death, an answer of the room, a look at the fleet. */
  | { readonly kind: "next"; readonly pick: number };

class Meeting {
  readonly members: readonly CallWorld[];
  readonly #waiting: (() => void)[] = [];
  readonly #runs = new Map<Gateway, { run: number; up: boolean }>(
    GATEWAYS.map((gateway) => [gateway, { run: 1, up: true }]),
  );
  #room: Room | undefined;

  constructor(places: readonly Gateway[]) {
    this.members = places.map((gateway) => {
      const member = new CallWorld();
      member.phoneCalls("conference", gateway);
      return member;
    });
    this.members.forEach((member) => this.#collect(member));
    this.drain();
    for (const [index, member] of this.members.entries())
      member.event(places[index]!, { kind: "leg-confirmed", leg: "a" as LegId, capsule: capsule("confirmed") });
  }

  happen(happening: Happening): void {
    if (happening.kind === "next") {
      const [work] = this.#waiting.splice(happening.pick % Math.max(1, this.#waiting.length), 1);
      return work?.();
    }
    const state = this.#runs.get(happening.gateway)!;
    if (happening.kind === "kill" && state.up && [...this.#runs.values()].filter(({ up }) => up).length > 1)
      this.#kill(happening.gateway, state);
    if (happening.kind === "restart" && !state.up) {
      state.run += 1;
      state.up = true;
      this.#lookAtFleet();
    }
  }

  drain(): void {
    // What waits causes what waits, but not for ever.
    for (let steps = 0; this.#waiting.length > 0; steps += 1) {
      if (steps > 500) throw new Error("the meeting never settles");
      this.#waiting.shift()?.();
    }
  }

  #kill(gateway: Gateway, state: { readonly run: number; up: boolean }): void {
    state.up = false;
    this.#lookAtFleet();
    const instance = instanceOf(gateway, state.run);
    for (const member of this.members) {
      // Its Gateway object tells the calls that it remembers, and those it gets commands for later are told that it is gone.
      if (!member.state?.parties.some((party) => party.instance === instance)) continue;
      this.#later(member, () => member.feed({ kind: "gateway-lost", gateway: gateway as never, instance }));
    }
  }

  #later(member: CallWorld, work: () => void): void {
    this.#waiting.push(() => {
      member.nowMs += 100;
      work();
      this.#collect(member);
    });
  }

  #collect(member: CallWorld): void {
    for (const effect of member.effects.splice(0)) this.#take(member, effect);
  }

  #take(member: CallWorld, effect: CallEffect): void {
    if (effect.kind === "enter-room") {
      const input = { token: String(this.members.indexOf(member)) as CallToken, own: effect.own, lost: effect.lost };
      this.#later(member, () => {
        const { room, entrance } = enterRoom(this.#room, input, 0);
        this.#room = room;
        if (entrance.ok) this.#later(member, () => member.feed({ kind: "room-entered", host: entrance.host }));
      });
    }
    if (effect.kind === "retry-soon") this.#later(member, () => member.feed({ kind: "retry-adoption" }));
    if (effect.kind === "send-command") {
      const { gateway } = effect;
      const party = member.state?.parties.find((entry) => entry.gateway === gateway);
      if (party === undefined) return;
      if (party.instance === this.#liveInstance(gateway as Gateway))
        party.outbox = party.outbox.filter(({ seq }) => seq !== effect.command.seq);
      else this.#later(member, () => member.feed({ kind: "gateway-unreachable", gateway }));
      if (effect.command.command.kind !== "adopt-leg") return;
      const { epoch } = effect.command;
      this.#later(member, () => {
        if (party.instance !== this.#liveInstance(gateway as Gateway)) return;
        member.feed({
          kind: "gateway-event",
          from: party,
          epoch,
          event: { kind: "leg-adopted", leg: "a" as LegId, capsule: capsule("confirmed") },
        });
      });
    }
  }

  #liveInstance(gateway: Gateway): GatewayInstanceId | undefined {
    const { run, up } = this.#runs.get(gateway)!;
    return up ? instanceOf(gateway, run) : undefined;
  }

  #lookAtFleet(): void {
    for (const member of this.members) {
      member.fleet = member.fleet.map((entry) => {
        const { run, up } = this.#runs.get(entry.gateway as string as Gateway)!;
        return { ...entry, instance: instanceOf(entry.gateway, run), state: up ? "up" : "down" };
      });
    }
  }

  /** Whether both gateways of each member were told of its way to the room, in their present runs and under the present epoch. */
  ways(): readonly boolean[] {
    return this.members.map((member) => {
      const { room, parties, epoch } = member.state!;
      const host = room?.host?.gateway;
      const holder = member.caller()?.holder;
      const last = (gateway: unknown, kind: string) =>
        member.commands.findLast((told) => told.gateway === gateway && told.command.kind === kind);
      const join = last(holder, "join-leg");
      const known = [holder, host].every((one) =>
        parties.some(({ gateway, instance }) => gateway === one && instance === this.#liveInstance(one as Gateway)),
      );
      if (join?.command.kind !== "join-leg" || !known || join.epoch !== epoch) return false;
      if (holder === host) return join.command.join.kind === "room" && room?.port === undefined;
      const port = last(host, "open-room-port");
      return join.command.join.kind === "trunk" && room?.port === host && port?.epoch === epoch;
    });
  }

  /** Where each member believes the room to be, and whether that gateway runs. */
  places(): readonly { readonly host: string | undefined; readonly lives: boolean; readonly ended: boolean }[] {
    return this.members.map(({ state }) => {
      const host = state?.room?.host;
      const lives = host !== undefined && this.#liveInstance(host.gateway as string as Gateway) === host.instance;
      return { host: host?.gateway, lives, ended: state?.endedAtMs !== undefined };
    });
  }
}

const gateway = fc.constantFrom(...GATEWAYS);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ kind: fc.constantFrom("kill" as const, "restart" as const), gateway }),
  fc.record({ kind: fc.constant("next" as const), pick: fc.nat(20) }),
);

describe("a conference", () => {
  it("meets at one living gateway after any deaths and returns, in whatever order the members hear of them", () => {
    fc.assert(
      fc.property(
        fc.array(gateway, { minLength: 1, maxLength: 4 }),
        fc.array(happening, { maxLength: 25 }),
        (places, happenings) => {
          const meeting = new Meeting(places);
          for (const one of happenings) meeting.happen(one);
          meeting.drain();
          const [first] = meeting.places();
          expect(first).toEqual({ host: first?.host, lives: true, ended: false });
          expect(meeting.places()).toEqual(places.map(() => first));
          expect(meeting.ways()).toEqual(places.map(() => true));
        },
      ),
      { numRuns: 500 },
    );
  });
});
