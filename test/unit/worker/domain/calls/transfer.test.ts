import { describe, expect, it } from "vitest";
import type { CallWorld } from "./call-world.ts";
import { browserRoute, phoneRoute } from "./call-world.ts";
import type { PeerKind } from "./talking-pair.ts";
import {
  answerAs,
  browserSays,
  hangUp,
  holderOf,
  legId,
  notified,
  refer,
  ringAs,
  talkingPair,
} from "./talking-pair.ts";

const KINDS: readonly PeerKind[] = ["phone", "browser"];
const CAROL = "<sip:carol@demo.nearside.test>";

interface Course {
  readonly caller: PeerKind;
  readonly callee: PeerKind;
  /** Who transfers, and who stays. */
  readonly by: "a" | "b1";
  readonly stays: "a" | "b1";
}

const COURSES: readonly Course[] = KINDS.flatMap((caller) =>
  KINDS.flatMap((callee) => [
    { caller, callee, by: "a" as const, stays: "b1" as const },
    { caller, callee, by: "b1" as const, stays: "a" as const },
  ]),
);

const kindOf = (course: Course, leg: "a" | "b1"): PeerKind => (leg === "a" ? course.caller : course.callee);

/** The joins that are in force, as the gateways were told last. */
function joins(world: CallWorld): Record<string, string> {
  const all: Record<string, string> = {};
  for (const effect of world.effects) {
    if (effect.kind !== "send-command" || effect.command.command.kind !== "join-leg") continue;
    const { leg, join } = effect.command.command;
    all[leg] =
      join.kind === "trunk"
        ? `trunk ${join.gateway}`
        : join.kind === "local"
          ? `local ${join.leg}`
          : join.kind === "player"
            ? join.source
            : join.kind;
  }
  return all;
}

/** BYE to the leg's peer, whichever way it is reached. */
function heardBye(world: CallWorld, leg: string): boolean {
  return (
    world.sip.some((sent) => sent.leg === leg && sent.text.startsWith("BYE ")) ||
    world.commands.some(({ command }) => command.kind === "end-leg" && command.leg === leg)
  );
}

function stageOf(world: CallWorld, leg: string): string | undefined {
  return world.state?.legs.find((entry) => entry.leg === leg)?.stage;
}

function referring(course: Course): CallWorld {
  const world = talkingPair(course.caller, course.callee);
  refer(world, course.by, kindOf(course, course.by), CAROL);
  world.located(phoneRoute("hers", "ap-south"));
  return world;
}

describe.each(COURSES)("$by of a call from a $caller to a $callee transfers $stays", (course) => {
  const { by, stays } = course;
  const other = by === "a" ? "b1" : "a";

  it("to somebody who answers: the two are joined, and who asked is told and let go", () => {
    const world = referring(course);
    expect(notified(world, by)).toEqual(["active SIP/2.0 100 Trying"]);
    const answered =
      world.said().includes(`${by}: SIP/2.0 202 Accepted`) ||
      world.told().includes(`${holderOf(world, by)}: answer-refer ${by}`);
    expect(answered).toBe(true);
    ringAs(world, "b2", "phone");
    expect(notified(world, by)).toEqual(["active SIP/2.0 100 Trying", "active SIP/2.0 180 Ringing"]);
    expect(joins(world)).toMatchObject({ [stays]: stays === "a" ? "ringback-us" : "ringback-uk", [by]: "none" });
    answerAs(world, "b2", "phone");
    expect(notified(world, by).at(-1)).toBe("terminated SIP/2.0 200 OK");
    expect(heardBye(world, by)).toBe(true);
    expect(joins(world)).toMatchObject({ [stays]: "trunk ap-south", b2: `trunk ${holderOf(world, stays)}` });
    expect(world.state?.status).toBe("in-progress");
    expect(world.events()).toContain("transfer.completed");
    hangUp(world, "b2", "phone");
    expect(heardBye(world, stays)).toBe(true);
    expect(world.state?.status).toBe("completed");
    expect(world.state?.legs.every(({ stage }) => stage === "ended")).toBe(true);
  });

  it("and it is the one who stays that hangs up: the target is let go", () => {
    const world = referring(course);
    answerAs(world, "b2", "phone");
    hangUp(world, stays, kindOf(course, stays));
    expect(heardBye(world, "b2")).toBe(true);
    expect(world.state?.status).toBe("completed");
  });

  it("to somebody who is busy: the two talk on, and who asked is told", () => {
    const world = referring(course);
    ringAs(world, "b2", "phone");
    world.event("ap-south", { kind: "leg-failed", leg: legId("b2"), status: 486, reason: "Busy Here" });
    expect(notified(world, by).at(-1)).toBe("terminated SIP/2.0 486 Busy Here");
    expect(joins(world)).toMatchObject({ a: "trunk eu-west", b1: "trunk us-east" });
    expect(heardBye(world, by) || heardBye(world, stays)).toBe(false);
    expect(world.state?.status).toBe("in-progress");
    hangUp(world, by, kindOf(course, by));
    expect(heardBye(world, stays)).toBe(true);
  });

  it("and leaves before the target answers: the transfer goes on", () => {
    const world = referring(course);
    hangUp(world, by, kindOf(course, by));
    expect(world.state?.status).toBe("in-progress");
    answerAs(world, "b2", "phone");
    expect(joins(world)).toMatchObject({ [stays]: "trunk ap-south", b2: `trunk ${holderOf(world, stays)}` });
    expect(notified(world, by)).toEqual(["active SIP/2.0 100 Trying"]);
  });

  it("and has left when the target declines: nobody is there to talk to", () => {
    const world = referring(course);
    hangUp(world, by, kindOf(course, by));
    world.event("ap-south", { kind: "leg-failed", leg: legId("b2"), status: 603, reason: "Decline" });
    expect(heardBye(world, stays)).toBe(true);
    expect(world.state).toMatchObject({ status: "completed", endCause: "transfer-failed" });
  });

  it("who hangs up before the target answers: what rings stops, and who asked is told", () => {
    const world = referring(course);
    ringAs(world, "b2", "phone");
    hangUp(world, stays, kindOf(course, stays));
    expect(world.told()).toContain("ap-south: cancel-leg b2");
    expect(notified(world, by).at(-1)).toBe("terminated SIP/2.0 487 Request Terminated");
    expect(stageOf(world, other)).toBe("ended");
  });

  it("and the gateways of both die afterwards: the new pair is joined again", () => {
    const world = referring(course);
    answerAs(world, "b2", "phone");
    world.kill("ap-south");
    const moved = holderOf(world, "b2");
    expect(moved).not.toBe("ap-south");
    const home = holderOf(world, stays);
    expect(joins(world)).toMatchObject(
      moved === home
        ? { [stays]: "local b2", b2: `local ${stays}` }
        : { [stays]: `trunk ${moved}`, b2: `trunk ${home}` },
    );
    world.kill(home);
    expect(holderOf(world, stays)).not.toBe(home);
    expect(stageOf(world, by)).toBe("ended");
  });
});

describe("a transfer", () => {
  it("offers the target the one codec that the one who stays has, and names both who calls and who sent them", () => {
    const world = talkingPair("phone", "phone");
    world.event("us-east", {
      kind: "refer-received",
      leg: legId("a"),
      cseq: 9,
      referTo: CAROL,
      referredBy: "<sip:alice@demo.nearside.test>",
      subscribes: true,
    });
    world.located(phoneRoute("hers", "ap-south"), browserRoute("hers-too", "us-east"));
    const invite = world.commands.find(({ command }) => command.kind === "invite-leg")?.command;
    expect(invite).toMatchObject({
      codecs: ["PCMU"],
      localUri: "<sip:bob@demo.nearside.test>",
      remoteUri: "<sip:carol@demo.nearside.test>",
      headers: [["Referred-By", "<sip:alice@demo.nearside.test>"]],
    });
    const tab = world.state?.legs.find(({ device }) => device === "hers-too")?.leg ?? "";
    world.event(holderOf(world, tab), { kind: "webrtc-leg-ready", leg: legId(tab), localSdp: "v=0\r\n" });
    const toBrowser = world.sip.findLast(({ leg }) => leg === tab)?.text ?? "";
    expect(toBrowser).toContain("From: <sip:bob@demo.nearside.test>");
    expect(toBrowser).toContain("Referred-By: <sip:alice@demo.nearside.test>");
  });

  it("rings all of the target's devices; the first answer wins, and the others hear that", () => {
    const world = talkingPair("phone", "phone");
    refer(world, "b1", "phone", CAROL);
    world.located(phoneRoute("one", "ap-south"), phoneRoute("other", "eu-west"));
    ringAs(world, "b3", "phone");
    answerAs(world, "b2", "phone");
    expect(world.told()).toContain(`${holderOf(world, "b3")}: cancel-leg b3`);
    expect(world.state?.winner).toBe("b2");
  });

  it("without subscription says so in its 202 and notifies nobody (RFC 4488)", () => {
    const world = talkingPair("browser", "phone");
    browserSays(world, "a", "REFER", [`Refer-To: ${CAROL}`, "Refer-Sub: false"]);
    expect(world.sip.at(-1)?.text).toMatch(/^SIP\/2.0 202 Accepted[^]*\r\nRefer-Sub: false\r\n/);
    world.located(phoneRoute("hers", "ap-south"));
    answerAs(world, "b2", "phone");
    expect(notified(world, "a")).toEqual([]);
    expect(heardBye(world, "a")).toBe(true);
  });

  it.each([
    ["nobody knows", { known: false, routes: [] }, "404 Not Found"],
    ["is not registered", { known: true, routes: [] }, "480 Temporarily Unavailable"],
  ])("to somebody who %s fails with %s", (_who, found, status) => {
    const world = talkingPair("phone", "phone");
    refer(world, "a", "phone", CAROL);
    world.answerLocate(found);
    expect(notified(world, "a").at(-1)).toBe(`terminated SIP/2.0 ${status}`);
    expect(world.state?.status).toBe("in-progress");
  });

  it.each([
    ["a", "b1"],
    ["b1", "a"],
  ] as const)("of %s to a number runs its document for the one who stays", (by, stays) => {
    const world = talkingPair("phone", "phone");
    refer(world, by, "phone", "<sip:music@demo.nearside.test>");
    expect(notified(world, by)).toEqual(["active SIP/2.0 100 Trying", "terminated SIP/2.0 200 OK"]);
    expect(joins(world)[stays]).toBe("music");
    expect(heardBye(world, by)).toBe(true);
    hangUp(world, stays, "phone");
    expect(world.state?.status).toBe("completed");
  });

  it("of a callee that was heard before it answered, to a number, joins it with nobody but the number", () => {
    const world = talkingPair("phone", "phone");
    if (world.state !== undefined) world.state.early = { leg: legId("b1"), codec: "PCMU" };
    refer(world, "a", "phone", "<sip:echo@demo.nearside.test>");
    expect(joins(world)["b1"]).toBe("echo");
  });

  it("may follow another one: who stayed, or who was called in, transfers on", () => {
    const world = talkingPair("phone", "phone");
    refer(world, "a", "phone", CAROL);
    world.located(phoneRoute("hers", "ap-south"));
    answerAs(world, "b2", "phone");
    refer(world, "b2", "phone", "<sip:dave@demo.nearside.test>", 8);
    world.located(phoneRoute("his", "us-east"));
    answerAs(world, "b3", "phone");
    expect(joins(world)).toMatchObject({ b1: "trunk us-east", b3: "trunk eu-west" });
    refer(world, "b1", "phone", "<sip:alice@demo.nearside.test>", 8);
    world.located(phoneRoute("back", "us-east"));
    answerAs(world, "b4", "phone");
    expect(joins(world)).toMatchObject({ b3: "local b4", b4: "local b3" });
    hangUp(world, "b4", "phone");
    expect(world.state?.legs.every(({ stage }) => stage === "ended")).toBe(true);
  });

  it("whose asker was never told of it stops, and the two talk on", () => {
    const world = talkingPair("phone", "phone");
    refer(world, "a", "phone", CAROL);
    world.located(phoneRoute("hers", "ap-south"));
    world.event("us-east", { kind: "refer-given-up", leg: legId("a"), cseq: 7 });
    expect(world.told()).toContain("ap-south: cancel-leg b2");
    expect(world.state).toMatchObject({ status: "in-progress" });
    expect(world.state?.transfer).toBeUndefined();
  });
});

describe("a REFER", () => {
  it.each([
    ["to another domain", "<sip:carol@elsewhere.test>", 403],
    ["for another method", "<sip:carol@demo.nearside.test;method=MESSAGE>", 403],
    ["to a web page", "<https://demo.nearside.test/>", 416],
    ["to nobody in particular", "<sip:demo.nearside.test>", 404],
    ["to what is no identity", "<sip:%40%40@demo.nearside.test>", 404],
    ["to what is no address", "carol", 400],
    ["with a Replaces that names no dialog", "<sip:carol@demo.nearside.test?Replaces=x>", 400],
  ])("%s is refused, logged and counted, and the two talk on", (_what, referTo, status) => {
    const world = talkingPair("phone", "browser");
    refer(world, "b1", "browser", referTo);
    expect(world.said()).toEqual([expect.stringContaining(`b1: SIP/2.0 ${status}`)]);
    expect(world.events()).toContain("transfer.refused");
    expect(world.effects.at(-2)).toMatchObject({
      kind: "count",
      name: expect.stringMatching(/^call\.refer-refused\./),
    });
    refer(world, "a", "phone", referTo);
    const answer = world.commands.find(({ command }) => command.kind === "answer-refer")?.command;
    expect(answer).toMatchObject({ status });
    expect(world.state).toMatchObject({ status: "in-progress" });
  });

  it("while another transfer is under way gets 491", () => {
    const world = talkingPair("browser", "phone");
    refer(world, "a", "browser", CAROL);
    world.said();
    refer(world, "a", "browser", CAROL);
    expect(world.said()).toEqual(["a: SIP/2.0 491 Request Pending"]);
  });

  it("of somebody who talks with nobody gets 403", () => {
    const world = talkingPair("phone", "phone");
    refer(world, "a", "phone", "<sip:echo@demo.nearside.test>");
    refer(world, "b1", "phone", CAROL);
    const answers = world.commands.flatMap(({ command }) => (command.kind === "answer-refer" ? [command.status] : []));
    expect(answers).toEqual([202, 403]);
  });
});
