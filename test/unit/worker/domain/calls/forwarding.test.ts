/** Calls to people with settings: who is rung, who instead, and what the caller hears. */
import { describe, expect, it } from "vitest";
import type { EndpointId } from "#protocol/ids";
import { DEFAULT_SETTINGS } from "../../../../../worker/domain/accounts/callee-plan.ts";
import type { CalleePlan, EndpointSettings } from "../../../../../worker/domain/accounts/callee-plan.ts";
import { summarizeCall } from "../../../../../worker/domain/calls/call-record.ts";
import { browserRoute, CallWorld, phoneRoute } from "./call-world.ts";
import { answers, following, leg, locatedAs, locatedWith } from "./document-world.ts";

function plan(settings: Partial<EndpointSettings>): CalleePlan {
  return { settings: { ...DEFAULT_SETTINGS, ...settings } };
}

/** Alice calls bob, whose only phone is at us-east. */
function calling(settings: Partial<EndpointSettings>, routes = [phoneRoute("desk", "us-east")]): CallWorld {
  const world = new CallWorld();
  world.phoneCalls("bob");
  world.answerLocate({ known: true, routes, plan: plan(settings) });
  return world;
}

function fails(world: CallWorld, id: string, status: number): void {
  world.event("us-east", { kind: "leg-failed", leg: leg(id), status, reason: "" });
}

const located = (world: CallWorld): readonly EndpointId[] =>
  world.effects.flatMap((effect) => (effect.kind === "locate" ? [effect.endpoint] : []));

describe("settings", () => {
  it("ring only the nearest device when asked to, and the next when that cannot be reached", () => {
    const routes = [phoneRoute("kitchen", "eu-west"), phoneRoute("desk", "us-east")];
    const world = calling({ ring: "nearest" }, routes);
    expect(world.told()).toEqual(["us-east: invite-leg b1"]);
    fails(world, "b1", 503);
    expect(world.told()).toEqual(["eu-west: invite-leg b2"]);
    expect(calling({}, routes).told()).toHaveLength(2);
  });

  it("let a phone and a browser ring as long as they say", () => {
    const world = calling({ ringTimeoutSeconds: 10 }, [phoneRoute("desk", "us-east"), browserRoute("tab", "us-east")]);
    world.told();
    world.wait(9_999);
    expect(world.told()).toEqual([]);
    world.wait(1);
    expect(world.told()).toEqual(
      expect.arrayContaining(["us-east: cancel-leg b1", "us-east: release-leg b2", "us-east: reject-leg a 408"]),
    );
    expect(world.state).toMatchObject({ status: "no-answer", endCause: "no-answer" });
  });

  it("make a call busy at once when its callee does not want to be disturbed", () => {
    const world = calling({ doNotDisturb: true });
    expect(world.told()).toEqual(["us-east: reject-leg a 486"]);
    expect(world.state).toMatchObject({ status: "busy", endCause: "do-not-disturb" });
  });

  it("change nothing for somebody whom the account does not know", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.answerLocate({ known: false, routes: [], plan: plan({ forward: { always: "carol" } }) });
    expect(world.told()).toEqual(["us-east: reject-leg a 404"]);
  });

  it("cost no question more when nobody is forwarded", () => {
    const world = calling({ forward: { busy: "carol" } });
    expect(located(world)).toEqual(["bob"]);
    answers(world, "b1");
    expect(world.told()).toEqual([
      "us-east: invite-leg b1",
      "us-east: confirm-leg b1",
      "us-east: answer-leg a",
      "us-east: join-leg a local",
      "us-east: join-leg b1 local",
    ]);
    world.event("us-east", { kind: "leg-ended", leg: leg("b1"), cause: "bye" });
    expect(world.told()).toEqual(["us-east: end-leg a"]);
    expect(world.state).toMatchObject({ status: "completed", endCause: "callee-bye" });
  });
});

describe("a call is forwarded", () => {
  it.each<[string, Partial<EndpointSettings>, (world: CallWorld) => void]>([
    ["always", { forward: { always: "carol" } }, () => undefined],
    ["when busy", { forward: { busy: "carol" } }, (world) => fails(world, "b1", 486)],
    ["when declined", { forward: { busy: "carol" } }, (world) => fails(world, "b1", 603)],
    ["when busy by do not disturb", { doNotDisturb: true, forward: { busy: "carol" } }, () => undefined],
    [
      "when nobody answers in time",
      { ringTimeoutSeconds: 10, forward: { noAnswer: "carol" } },
      (world) => world.wait(10_000),
    ],
    ["when the gateway's time is over", { forward: { noAnswer: "carol" } }, (world) => fails(world, "b1", 408)],
    ["when a phone does not respond", { forward: { unreachable: "carol" } }, (world) => fails(world, "b1", 408)],
    ["when no way leads to the phone", { forward: { unreachable: "carol" } }, (world) => fails(world, "b1", 503)],
  ])("%s", (_, settings, happens) => {
    const world = calling(settings);
    happens(world);
    expect(located(world)).toEqual(["bob", "carol"]);
    world.told();
    locatedAs(world, "carol", phoneRoute("sofa", "eu-west"));
    expect(world.told()).toEqual([expect.stringMatching(/^eu-west: invite-leg b/)]);
    const [id = ""] = world.state?.legs.filter(({ holder }) => holder === "eu-west").map((one) => one.leg) ?? [];
    answers(world, id, "eu-west");
    expect(world.state).toMatchObject({ status: "in-progress" });
    world.event("eu-west", { kind: "leg-ended", leg: leg(id), cause: "bye" });
    expect(world.state).toMatchObject({ status: "completed", endCause: "callee-bye" });
    expect(summarizeCall(world.state!).map(({ to }) => to)).toEqual(
      expect.arrayContaining(["client:bob", "client:carol"]),
    );
  });

  it.each<[string, Partial<EndpointSettings>, number, number]>([
    ["busy, and only no answer is forwarded", { forward: { noAnswer: "carol" } }, 486, 486],
    ["not answering, and only busy is forwarded", { forward: { busy: "carol" } }, 408, 408],
    ["out of reach, and only busy is forwarded", { forward: { busy: "carol" } }, 503, 503],
  ])("not when the callee is %s", (_, settings, status, heard) => {
    const world = calling(settings);
    world.told();
    fails(world, "b1", status);
    expect(world.told()).toEqual([`us-east: reject-leg a ${heard}`]);
    expect(located(world)).toEqual(["bob"]);
  });

  it("when the callee is not registered", () => {
    expect(located(calling({ forward: { unreachable: "carol" } }, []))).toEqual(["bob", "carol"]);
  });

  it("on and on by the settings of whoever it comes to, and the caller hears the last one's answer", () => {
    const world = calling({ forward: { always: "carol" } });
    locatedWith(world, "carol", { known: true, routes: [], plan: plan({ forward: { unreachable: "dave" } }) });
    locatedAs(world, "dave", phoneRoute("sofa", "us-east"));
    world.told();
    fails(world, "b1", 486);
    expect(world.told()).toEqual(["us-east: reject-leg a 486"]);
    expect(world.state).toMatchObject({ status: "busy", endCause: "callee-refused" });
    expect(world.events().filter((event) => event === "call.forwarded")).toHaveLength(2);
  });

  it("once to somebody without settings, whose answer the caller hears", () => {
    const world = calling({ forward: { busy: "carol" } });
    fails(world, "b1", 486);
    locatedAs(world, "carol", phoneRoute("sofa", "us-east"));
    world.told();
    fails(world, "b2", 486);
    expect(world.told()).toEqual(["us-east: reject-leg a 486"]);
    expect(located(world)).toEqual(["bob", "carol"]);
  });

  it("never in a circle", () => {
    const world = calling({ forward: { always: "carol" } });
    locatedWith(world, "carol", { known: true, routes: [], plan: plan({ forward: { always: "bob" } }) });
    expect(world.told()).toEqual(["us-east: reject-leg a 482"]);
    expect(world.state).toMatchObject({ status: "failed", endCause: "forwarding-loop" });
  });

  it("no further than five", () => {
    const world = calling({ forward: { always: "p1" } });
    for (let step = 1; step < 5; step += 1)
      locatedWith(world, `p${step}`, { known: true, routes: [], plan: plan({ forward: { always: `p${step + 1}` } }) });
    expect(world.told()).toEqual(["us-east: reject-leg a 483"]);
    expect(world.state).toMatchObject({ endCause: "forwarding-too-long" });
  });

  it("not by a document that dials several, or is an application's", () => {
    const world = following("<Dial><Client>bob</Client></Dial><Echo/>");
    world.answerLocate({ known: true, routes: [], plan: plan({ forward: { always: "carol" } }) });
    expect(located(world)).toEqual(["bob"]);
    expect(world.told()).toEqual(expect.arrayContaining(["us-east: join-leg a echo"]));
  });
});
