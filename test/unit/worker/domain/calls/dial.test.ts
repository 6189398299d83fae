/** A Dial of a document: its targets ring as a group, and the document goes on when that is over. */
import { describe, expect, it } from "vitest";
import { parseTwiml } from "../../../../../worker/domain/instructions/parse-twiml.ts";
import { startInstructions } from "../../../../../worker/domain/instructions/instruction-machine.ts";
import { callOfLastRelease } from "../../../../../worker/domain/calls/call-of-last-release.ts";
import { browserRoute, CallWorld, capsule, DOMAIN, phoneRoute } from "./call-world.ts";
import { answers, following, joins, leg, locatedAs } from "./document-world.ts";

describe("a Dial", () => {
  it("plays ringback to who has been answered, joins the first who answers, and cancels the others", () => {
    const world = following(
      "<Dial><Client>bob</Client><Client>carol</Client><Sip>sip:Dave@demo.nearside.test</Sip></Dial>",
    );
    expect(joins(world)).toEqual([{ kind: "player", source: "ringback-us", loop: true, anchorMs: world.nowMs }]);
    locatedAs(world, "bob", phoneRoute("desk", "us-east"));
    locatedAs(world, "carol", phoneRoute("kitchen", "eu-west"));
    locatedAs(world, "dave");
    expect(world.told()).toEqual(["us-east: join-leg a player", "us-east: invite-leg b1", "eu-west: invite-leg b2"]);
    answers(world, "b2", "eu-west");
    const cancel = world.commands.find(({ command }) => command.kind === "cancel-leg");
    expect(cancel?.command).toMatchObject({ leg: "b1", reason: 'SIP;cause=200;text="Call completed elsewhere"' });
    expect(world.told()).toEqual([
      "eu-west: confirm-leg b2",
      "us-east: cancel-leg b1",
      "us-east: join-leg a trunk:eu-west",
      "eu-west: join-leg b2 trunk:us-east",
    ]);
  });

  it("lets the caller go on with the next verb when the callee hangs up, and ends all when the caller does", () => {
    const world = following("<Dial><Client>bob</Client></Dial><Dial><Client>carol</Client></Dial>");
    world.located(phoneRoute("desk", "us-east"));
    answers(world, "b1");
    world.told();
    const { trunkStream } = world.state ?? {};
    world.nowMs += 9_000;
    world.event("us-east", { kind: "leg-ended", leg: leg("b1"), cause: "bye" });
    expect(world.told()).toEqual(["us-east: join-leg a none", "us-east: join-leg a player"]);
    expect(world.state).toMatchObject({ status: "in-progress" });
    locatedAs(world, "carol", phoneRoute("kitchen", "eu-west"));
    answers(world, "b2", "eu-west");
    expect(world.told().slice(-2)).toEqual(["us-east: join-leg a trunk:eu-west", "eu-west: join-leg b2 trunk:us-east"]);
    // Its keys must not be those of the conversation before.
    expect(world.state?.trunkStream).not.toBe(trunkStream);
    world.event("us-east", { kind: "leg-ended", leg: leg("a"), cause: "bye" });
    expect(world.told()).toEqual(["eu-west: end-leg b2"]);
    expect(world.state).toMatchObject({ status: "completed", endCause: "caller-bye" });
  });

  it("offers the callee only what the caller was answered with", () => {
    const world = following("<Dial><Client>bob</Client></Dial>");
    world.located(phoneRoute("desk", "us-east"), browserRoute("tab", "us-east"));
    const offers = world.commands.flatMap(({ command }) =>
      command.kind === "invite-leg" || command.kind === "open-webrtc-leg" ? [command.codecs] : [],
    );
    expect(offers).toEqual([["PCMU"], ["PCMU"]]);
  });

  it.each([486, 480])("lets a caller who was not answered ring until the callee answers, or hear its %i", (status) => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    const parsed = parseTwiml('<Response><Dial answerOnBridge="true"><Client>bob</Client></Dial></Response>');
    if (!parsed.ok || world.state === undefined) throw new Error("the test's document");
    const { state, actions } = startInstructions(parsed.document);
    Object.assign(world.state, { groups: [], instructions: state, actions });
    world.feed({ kind: "retry-adoption" });
    world.located(phoneRoute("desk", "us-east"));
    world.event("us-east", { kind: "leg-ringing", leg: leg("b1"), status: 180 });
    expect(world.told()).toEqual(["us-east: invite-leg b1", "us-east: ring-leg a"]);
    world.event("us-east", { kind: "leg-failed", leg: leg("b1"), status, reason: "" });
    expect(world.told()).toEqual([`us-east: reject-leg a ${status}`]);
  });

  it.each([
    ["<Sip>sip:bob@elsewhere.test</Sip>", "domain-unknown"],
    ["<Number>*98</Number>", "number-not-dialable"],
    ["<Sip>sip:%20@demo.nearside.test</Sip>", "endpoint-unknown"],
  ])("of %s alone fails at once with a code, and the document goes on", (target, code) => {
    const world = following(`<Dial>${target}</Dial><Echo/>`);
    expect(world.told()).toEqual(["us-east: join-leg a echo"]);
    expect(world.state?.log.find(({ event }) => event === "dial.target-refused")?.detail).toBe(code);
  });

  it("shows the caller, or whom it says", () => {
    const shown = (attribute: string): string => {
      const world = following(`<Dial ${attribute}><Client>bob</Client></Dial>`);
      world.located(phoneRoute("desk", "us-east"));
      const invite = world.commands.find(({ command }) => command.kind === "invite-leg")?.command;
      return invite?.kind === "invite-leg" ? invite.localUri : "";
    };
    expect(shown("")).toBe(`<sip:alice@${DOMAIN}>`);
    expect(shown('callerId="+15550100"')).toBe(`<sip:+15550100@${DOMAIN}>`);
    expect(shown('callerId="client:carol"')).toBe(`<sip:carol@${DOMAIN}>`);
  });

  it("goes on after its gateway's death: ringback, ringing and talk", () => {
    const ringing = following("<Dial><Client>bob</Client></Dial>");
    ringing.event("us-east", { kind: "leg-confirmed", leg: leg("a"), capsule: capsule("confirmed") });
    ringing.located(phoneRoute("desk", "us-east"));
    ringing.told();
    ringing.nowMs += 5_000;
    ringing.kill("us-east");
    expect(joins(ringing)).toEqual([
      { kind: "player", source: "ringback-us", loop: true, anchorMs: ringing.nowMs - 5_000 },
    ]);
    const again = ringing.commands.find(({ command }) => command.kind === "invite-leg")?.command;
    // 30 s, five of which are over; the gateway's own limit stands behind.
    expect(again).toMatchObject({ leg: "b2", ringTimeoutMs: 27_000 });
    expect(ringing.told()).toEqual([
      "eu-west: adopt-leg a confirmed",
      "eu-west: adopt-leg b1 calling",
      "eu-west: invite-leg b2",
      "eu-west: join-leg a player",
    ]);
    answers(ringing, "b2", "eu-west");
    expect(ringing.told()).toEqual([
      "eu-west: confirm-leg b2",
      "eu-west: join-leg a local",
      "eu-west: join-leg b2 local",
    ]);
    ringing.event("eu-west", { kind: "leg-adopted", leg: leg("a"), capsule: capsule("confirmed") });
    ringing.kill("eu-west");
    expect(ringing.told()).toEqual([
      "ap-south: adopt-leg a confirmed",
      "ap-south: adopt-leg b2 confirmed",
      "ap-south: join-leg a local",
      "ap-south: join-leg b2 local",
    ]);
  });
});

it("a call that the last release stored goes on: who it rang is its only group", () => {
  const world = new CallWorld();
  world.phoneCalls("bob");
  world.located(phoneRoute("desk", "us-east"), phoneRoute("kitchen", "eu-west"));
  if (world.state === undefined) throw new Error("no call");
  const { groups: _, ...rest } = world.state;
  const stored = {
    ...rest,
    legs: rest.legs.map(({ group: __, ...one }) => one as typeof one & (typeof rest.legs)[number]),
  };
  world.state = callOfLastRelease(stored);
  world.told();
  answers(world, "b1");
  expect(world.told()).toEqual([
    "us-east: confirm-leg b1",
    "eu-west: cancel-leg b2",
    "us-east: answer-leg a",
    "us-east: join-leg a local",
    "us-east: join-leg b1 local",
  ]);
});
