import { describe, expect, it } from "vitest";
import type { CallToken } from "#protocol/ids";
import { DOMAIN, phoneRoute } from "./call-world.ts";
import type { CallWorld } from "./call-world.ts";
import type { PeerKind } from "./talking-pair.ts";
import { answerAs, hangUp, holderOf, notified, refer, ringAs, talkingPair } from "./talking-pair.ts";

const ONE = "x".repeat(66) as CallToken;
const TWO = "y".repeat(66) as CallToken;

type Side = "a" | "b1";
const other = (side: Side): Side => (side === "a" ? "b1" : "a");

/** Two calls of one person, who is `sideOne` of the first and `sideTwo` of the second. */
class TwoCalls {
  readonly one: CallWorld;
  readonly two: CallWorld;
  readonly sides: readonly [Side, Side];
  /** What the calls say to each other gets lost. */
  cut = false;
  readonly #taken = new Map<CallWorld, number>();

  constructor(sides: readonly [Side, Side], kinds: { readonly person?: PeerKind; readonly others?: PeerKind } = {}) {
    const { person = "phone", others = "phone" } = kinds;
    this.sides = sides;
    const make = (token: CallToken, side: Side, peer: string, gateway: string): CallWorld =>
      distinct(
        side === "a"
          ? talkingPair(person, others, { token, from: "alice", to: peer, calleeGateway: gateway })
          : talkingPair(others, person, {
              token,
              from: peer,
              to: "alice",
              callerGateway: gateway,
              calleeGateway: "us-east",
            }),
      );
    this.one = make(ONE, sides[0], "bob", "eu-west");
    this.two = make(TWO, sides[1], "carol", "ap-south");
  }

  get stays(): readonly [Side, Side] {
    return [other(this.sides[0]), other(this.sides[1])];
  }

  /** REFER in the first call that names the dialog of the second. */
  transfer(
    referTo = `<sip:carol@${DOMAIN}?Replaces=${encodeURIComponent(replacesOf(this.two, this.sides[1]))}>`,
  ): void {
    const leg = this.one.state?.legs.find((entry) => entry.leg === this.sides[0]);
    refer(this.one, this.sides[0], leg?.kind ?? "phone", referTo);
    this.carry();
  }

  /** Brings what each call says to the other, until nothing more comes. */
  carry(): void {
    for (let more = true; more;) {
      more = this.#carryFrom(this.one, this.two) || this.#carryFrom(this.two, this.one);
    }
  }

  #carryFrom(from: CallWorld, to: CallWorld): boolean {
    const start = this.#taken.get(from) ?? 0;
    const news = from.effects.slice(start);
    this.#taken.set(from, from.effects.length);
    for (const effect of news) {
      if (this.cut) continue;
      if (effect.kind === "ask-link") {
        to.feed({ kind: "link-asked", request: effect.request });
        const refused = to.effects.findLast(({ kind }) => kind === "link-refused");
        const link = to.state?.link;
        const answer =
          link?.stream === effect.request.stream
            ? ({
                ok: true,
                sid: to.state?.sid ?? ("CA" as never),
                party: to.state?.legs.find(({ leg }) => leg === link.here.leg)?.identity ?? "",
                end: link.here,
              } as const)
            : ({ ok: false, status: refused?.kind === "link-refused" ? refused.status : 500 } as const);
        from.feed({ kind: "link-answered", token: effect.request.token, stream: effect.request.stream, answer });
      } else if (effect.kind === "tell-partner") {
        const link = from.state?.link;
        if (link === undefined) continue;
        to.feed({ kind: "partner-changed", stream: link.stream, end: link.here });
        from.feed({ kind: "partner-told", version: link.here.version });
      } else if (effect.kind === "drop-link") {
        to.feed({
          kind: "partner-changed",
          stream: effect.stream,
          end: { version: Number.MAX_SAFE_INTEGER, leg: "a" as never, ended: true },
        });
      }
    }
    return news.length > 0;
  }
}

function distinct(world: CallWorld): CallWorld {
  for (const leg of world.state?.legs ?? []) {
    if (leg.kind !== "phone" || leg.capsule === undefined) continue;
    const localTag = `${world.token}.${leg.leg}`;
    leg.capsule = {
      ...leg.capsule,
      dialog: { ...leg.capsule.dialog, callId: `c-${leg.leg}`, localTag, remoteTag: `p-${leg.leg}` },
    };
  }
  return world;
}

function replacesOf(world: CallWorld, leg: string): string {
  const found = world.state?.legs.find((entry) => entry.leg === leg);
  const dialog = found?.kind === "phone" ? found.capsule?.dialog : found?.dialog;
  return `${dialog?.callId ?? ""};to-tag=${dialog?.localTag ?? ""};from-tag=${dialog?.remoteTag ?? ""}`;
}

/** Where the leg's media goes, as its gateway was told last. */
function joinOf(world: CallWorld, leg: string): unknown {
  const command = world.effects.findLast(
    (effect) =>
      effect.kind === "send-command" &&
      effect.command.command.kind === "join-leg" &&
      effect.command.command.leg === leg,
  );
  return command?.kind === "send-command" && command.command.command.kind === "join-leg"
    ? command.command.command.join
    : undefined;
}

const stagesOf = (world: CallWorld): Record<string, string> =>
  Object.fromEntries((world.state?.legs ?? []).map(({ leg, stage }) => [leg, stage]));

const SIDES: readonly Side[] = ["a", "b1"];
const KINDS: readonly PeerKind[] = ["phone", "browser"];
const COURSES = SIDES.flatMap((first) =>
  SIDES.flatMap((second) => KINDS.flatMap((person) => KINDS.map((others) => ({ first, second, person, others })))),
);

describe.each(COURSES)(
  "somebody with a $person, $first of one call and $second of another, with $others there",
  ({ first, second, person, others }) => {
    const made = (): TwoCalls => {
      const calls = new TwoCalls([first, second], { person, others });
      calls.transfer();
      return calls;
    };

    it("connects the two others and is let go in both calls", () => {
      const calls = made();
      const [inOne, inTwo] = calls.stays;
      expect(notified(calls.one, first).at(-1)).toBe("terminated SIP/2.0 200 OK");
      expect(stagesOf(calls.one)).toEqual({ [first]: "ended", [inOne]: "connected" });
      expect(stagesOf(calls.two)).toEqual({ [second]: "ended", [inTwo]: "connected" });
      const stream = calls.one.state?.link?.stream;
      const [here, there] = [holderOf(calls.one, inOne), holderOf(calls.two, inTwo)];
      const joined = (leg: string, call: CallToken, gateway: string): object =>
        here === there ? { kind: "local", leg, call } : { kind: "trunk", gateway, stream };
      expect(joinOf(calls.one, inOne)).toMatchObject(joined(inTwo, TWO, there));
      expect(joinOf(calls.two, inTwo)).toMatchObject(joined(inOne, ONE, here));
      expect([calls.one.state?.status, calls.two.state?.status]).toEqual(["in-progress", "in-progress"]);
    });

    it("and either of them hangs up: both calls are over", () => {
      for (const ending of [0, 1] as const) {
        const calls = made();
        const world = ending === 0 ? calls.one : calls.two;
        hangUp(world, calls.stays[ending], others);
        calls.carry();
        for (const call of [calls.one, calls.two]) {
          expect(Object.values(stagesOf(call))).toEqual(["ended", "ended"]);
          expect(call.state?.status).toBe("completed");
          expect(call.state?.link?.told).toBe(call.state?.link?.here.version);
        }
      }
    });

    it("and a gateway of either dies: both ends are joined anew, inside one gateway if they meet there", () => {
      const calls = made();
      const [inOne, inTwo] = calls.stays;
      const home = holderOf(calls.one, inOne);
      for (const call of [calls.one, calls.two]) call.kill(home);
      calls.carry();
      const [here, there] = [holderOf(calls.one, inOne), holderOf(calls.two, inTwo)];
      expect(here).not.toBe(home);
      for (const call of [calls.one, calls.two]) call.kill(there);
      calls.carry();
      // One gateway is left.
      expect(holderOf(calls.two, inTwo)).toBe(holderOf(calls.one, inOne));
      expect(joinOf(calls.one, inOne)).toEqual({ kind: "local", leg: inTwo, call: TWO });
      expect(joinOf(calls.two, inTwo)).toEqual({ kind: "local", leg: inOne, call: ONE });
    });
  },
);

describe("an attended transfer", () => {
  it.each([
    ["a dialog that the other call has not", `x;to-tag=${TWO}.a;from-tag=1`, "481 Call/Transaction Does Not Exist"],
    ["somebody else's dialog", undefined, "403 Forbidden"],
  ])("to %s fails, and both calls go on", (_what, given, status) => {
    const calls = new TwoCalls(["a", "a"]);
    const value = given ?? replacesOf(calls.two, "b1");
    calls.transfer(`<sip:carol@${DOMAIN}?Replaces=${encodeURIComponent(value)}>`);
    expect(notified(calls.one, "a").at(-1)).toBe(`terminated SIP/2.0 ${status}`);
    for (const call of [calls.one, calls.two]) {
      expect(stagesOf(call)).toEqual({ a: "connected", b1: "connected" });
      expect(call.state?.transfer).toBeUndefined();
    }
    expect(calls.two.events()).toContain("link.refused");
  });

  it("to a call with another codec fails with 488: nothing is transcoded", () => {
    const calls = new TwoCalls(["a", "a"]);
    for (const leg of calls.two.state?.legs ?? []) leg.codec = "PCMA";
    calls.transfer();
    expect(notified(calls.one, "a").at(-1)).toBe("terminated SIP/2.0 488 Not Acceptable Here");
  });

  it.each([
    ["the same call", ONE],
    ["a dialog of somebody else's exchange", "1234"],
  ])("to %s is refused at once", (_what, tag) => {
    const calls = new TwoCalls(["a", "a"]);
    calls.transfer(`<sip:carol@${DOMAIN}?Replaces=${encodeURIComponent(`x;to-tag=${tag}.a;from-tag=1`)}>`);
    const answer = calls.one.commands.find(({ command }) => command.kind === "answer-refer")?.command;
    expect(answer).toMatchObject({ status: 403 });
  });

  it("is asked for again after the object that asked was lost, and the answer is the same", () => {
    const calls = new TwoCalls(["a", "b1"]);
    calls.cut = true;
    calls.transfer();
    calls.cut = false;
    expect(calls.one.state?.transfer?.linking).toBeDefined();
    for (let times = 0; times < 2; times += 1) {
      calls.one.feed({ kind: "retry-adoption" });
      calls.carry();
    }
    expect(calls.one.state?.link?.stream).toBe(calls.two.state?.link?.stream);
    expect(stagesOf(calls.one)).toEqual({ a: "ended", b1: "connected" });
  });

  it("that is granted when its asker's party has left ends at the other call too", () => {
    const calls = new TwoCalls(["a", "a"]);
    calls.cut = true;
    calls.transfer();
    calls.cut = false;
    const asked = calls.one.effects.findLast(({ kind }) => kind === "ask-link");
    if (asked?.kind !== "ask-link") throw new Error("nobody asked");
    hangUp(calls.one, "b1", "phone");
    calls.two.feed({ kind: "link-asked", request: asked.request });
    const link = calls.two.state?.link;
    if (link === undefined || calls.two.state === undefined) throw new Error("no link");
    const answer = { ok: true, sid: calls.two.state.sid, party: "carol", end: link.here } as const;
    calls.one.feed({ kind: "link-answered", token: TWO, stream: link.stream, answer });
    calls.carry();
    expect(calls.two.state.status).toBe("completed");
    expect(Object.values(stagesOf(calls.two))).toEqual(["ended", "ended"]);
  });

  it("goes on when the transferor hangs up before it is answered", () => {
    const calls = new TwoCalls(["a", "a"]);
    calls.cut = true;
    calls.transfer();
    hangUp(calls.one, "a", "phone");
    calls.cut = false;
    calls.one.feed({ kind: "retry-adoption" });
    calls.carry();
    expect(calls.one.state?.link).toBeDefined();
    expect(calls.one.state?.status).toBe("in-progress");
  });

  it("tells a move that did not arrive again, and what is older changes nothing", () => {
    const calls = new TwoCalls(["a", "a"]);
    calls.transfer();
    const before = calls.one.state?.link?.here;
    calls.cut = true;
    calls.one.kill("eu-west");
    calls.carry();
    calls.cut = false;
    calls.one.feed({ kind: "retry-adoption" });
    calls.carry();
    expect(calls.two.state?.link?.there.gateway).toBe(holderOf(calls.one, "b1"));
    if (before !== undefined)
      calls.two.feed({ kind: "partner-changed", stream: calls.one.state?.link?.stream ?? "", end: before });
    expect(calls.two.state?.link?.there.gateway).toBe(holderOf(calls.one, "b1"));
  });

  it.each([0, 1] as const)(
    "is followed by a blind one of who stayed in call %i: the partner talks with the target",
    (which) => {
      const calls = new TwoCalls(["a", "a"]);
      calls.transfer();
      const [world, partner] = which === 0 ? [calls.one, calls.two] : [calls.two, calls.one];
      refer(world, "b1", "phone", `<sip:dave@${DOMAIN}>`, 9);
      const invited = phoneRoute("his", "us-east");
      world.located(invited);
      const invite = world.commands.findLast(({ command }) => command.kind === "invite-leg")?.command;
      expect(invite).toMatchObject({ localUri: `<sip:${which === 0 ? "carol" : "bob"}@${DOMAIN}>`, codecs: ["PCMU"] });
      ringAs(world, "b2", "phone");
      expect(joinOf(world, "b1")).toMatchObject({ kind: "trunk" });
      answerAs(world, "b2", "phone");
      calls.carry();
      expect(notified(world, "b1").at(-1)).toBe("terminated SIP/2.0 200 OK");
      expect(stagesOf(world)).toMatchObject({ b1: "ended", b2: "connected" });
      expect(joinOf(partner, "b1")).toMatchObject({ kind: "trunk", gateway: "us-east" });
      expect(joinOf(world, "b2")).toMatchObject({ kind: "trunk", gateway: holderOf(partner, "b1") });
      hangUp(partner, "b1", "phone");
      calls.carry();
      expect(Object.values(stagesOf(world))).toEqual(["ended", "ended", "ended"]);
    },
  );

  it("is not followed by a blind one that fails: the two talk on", () => {
    const calls = new TwoCalls(["a", "a"]);
    calls.transfer();
    refer(calls.one, "b1", "phone", `<sip:dave@${DOMAIN}>`, 9);
    calls.one.answerLocate({ known: false, routes: [] });
    expect(notified(calls.one, "b1").at(-1)).toBe("terminated SIP/2.0 404 Not Found");
    expect(calls.one.state?.status).toBe("in-progress");
    for (const referTo of [
      `<sip:music@${DOMAIN}>`,
      `<sip:x@${DOMAIN}?Replaces=x%3Bto-tag%3D${"z".repeat(66)}.a%3Bfrom-tag%3D1>`,
    ]) {
      refer(calls.one, "b1", "phone", referTo, 10);
      const answer = calls.one.commands.findLast(({ command }) => command.kind === "answer-refer")?.command;
      expect(answer).toMatchObject({ status: 403 });
    }
  });

  it("ends with a partner that does not know of it", () => {
    const calls = new TwoCalls(["a", "a"]);
    calls.transfer();
    calls.one.feed({ kind: "partner-gone" });
    expect(calls.one.state).toMatchObject({ status: "completed", endCause: "partner-gone" });
  });
});
