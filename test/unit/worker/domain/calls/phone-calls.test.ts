import { describe, expect, it } from "vitest";
import type { LegId } from "#protocol/ids";
import { CallWorld, PHONE_AUDIO, capsule, phoneRoute } from "./call-world.ts";

const leg = (id: string): LegId => id as LegId;

function talking(callerGateway = "us-east", calleeGateway = "us-east"): CallWorld {
  const world = new CallWorld();
  world.phoneCalls("bob", callerGateway);
  world.located(phoneRoute("bob-desk", calleeGateway));
  world.event(calleeGateway, { kind: "leg-ringing", leg: leg("b1"), status: 180 });
  world.event(calleeGateway, {
    kind: "leg-answered",
    leg: leg("b1"),
    capsule: capsule("confirmed"),
    audio: PHONE_AUDIO,
  });
  world.event(callerGateway, { kind: "leg-confirmed", leg: leg("a"), capsule: capsule("confirmed") });
  world.told();
  return world;
}

describe("a call between phones", () => {
  it("rings the callee, tells the caller once, and joins both on one gateway when answered", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    expect(world.effects).toContainEqual({ kind: "locate", group: 1, endpoint: "bob" });
    world.located(phoneRoute("bob-desk", "us-east"));
    expect(world.told()).toEqual(["us-east: invite-leg b1"]);
    world.event("us-east", { kind: "leg-ringing", leg: leg("b1"), status: 180 });
    world.event("us-east", { kind: "leg-ringing", leg: leg("b1"), status: 183 });
    expect(world.told()).toEqual(["us-east: ring-leg a"]);
    world.event("us-east", { kind: "leg-answered", leg: leg("b1"), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    expect(world.told()).toEqual([
      "us-east: confirm-leg b1",
      "us-east: answer-leg a",
      "us-east: join-leg a local",
      "us-east: join-leg b1 local",
    ]);
    expect(world.state?.status).toBe("in-progress");
  });

  it("sends media over the trunk when the legs are on two gateways", () => {
    const world = new CallWorld();
    world.phoneCalls("bob", "us-east");
    world.located(phoneRoute("bob-desk", "eu-west"));
    world.event("eu-west", { kind: "leg-answered", leg: leg("b1"), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    expect(world.told()).toEqual([
      "eu-west: invite-leg b1",
      "eu-west: confirm-leg b1",
      "us-east: answer-leg a",
      "us-east: join-leg a trunk:eu-west",
      "eu-west: join-leg b1 trunk:us-east",
    ]);
  });

  it("answers the number echo on the caller's own gateway", () => {
    const world = new CallWorld();
    world.phoneCalls("echo", "ap-south");
    expect(world.told()).toEqual(["ap-south: answer-leg a", "ap-south: join-leg a echo"]);
  });

  it.each([
    { about: "an unknown endpoint", known: false, routes: [], status: 404, end: "failed" },
    { about: "an endpoint without a route", known: true, routes: [], status: 480, end: "no-answer" },
    {
      about: "an endpoint whose routes have run out",
      known: true,
      routes: [phoneRoute("desk", "us-east", { expiresAtMs: 1 })],
      status: 480,
      end: "no-answer",
    },
  ])("refuses the caller for $about with $status", ({ known, routes, status, end }) => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.answerLocate({ known, routes });
    expect(world.told()).toEqual([`us-east: reject-leg a ${status}`]);
    expect(world.state?.status).toBe(end);
  });

  it("refuses with 404 when another account's domain is dialled, without looking anybody up", () => {
    const world = new CallWorld();
    world.phoneCalls("bob", "us-east", "other.nearside.test");
    expect(world.told()).toEqual(["us-east: reject-leg a 404"]);
    expect(world.effects.some((effect) => effect.kind === "locate")).toBe(false);
  });

  it("refuses with 503 and Retry-After when no gateway can ring the callee", () => {
    const world = new CallWorld();
    world.fleet = world.fleet.map((entry) => (entry.gateway === "eu-west" ? { ...entry, state: "down" } : entry));
    world.phoneCalls("bob");
    world.located(
      phoneRoute("bob-desk", "eu-west", {
        reachability: "connection",
        transport: "tcp",
        flow: { transport: "tcp", host: "127.0.0.1", port: 4 },
      }),
    );
    expect(world.commands[0]?.command).toMatchObject({ kind: "reject-leg", status: 503, retryAfterSeconds: 5 });
  });

  it.each([
    { status: 486, reason: "Busy Here", end: "busy" },
    { status: 603, reason: "Decline", end: "busy" },
    { status: 408, reason: "Request Timeout", end: "no-answer" },
    { status: 500, reason: "Server Internal Error", end: "failed" },
  ])("passes the callee's $status to the caller and ends as $end", ({ status, reason, end }) => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.located(phoneRoute("bob-desk", "us-east"));
    world.told();
    world.event("us-east", { kind: "leg-failed", leg: leg("b1"), status, reason });
    expect(world.told()).toEqual([`us-east: reject-leg a ${status}`]);
    expect(world.state?.status).toBe(end);
  });

  it("rings every device, and tells the others when one answers", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.located(phoneRoute("desk", "us-east"), phoneRoute("kitchen", "eu-west"));
    expect(world.told().toSorted()).toEqual(["eu-west: invite-leg b2", "us-east: invite-leg b1"]);
    world.event("eu-west", { kind: "leg-answered", leg: leg("b2"), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    const cancel = world.commands.find((entry) => entry.command.kind === "cancel-leg");
    expect(cancel?.command).toMatchObject({ leg: "b1", reason: 'SIP;cause=200;text="Call completed elsewhere"' });
    world.told();
    world.event("us-east", { kind: "leg-answered", leg: leg("b1"), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    expect(world.told()).toEqual(["us-east: confirm-leg b1", "us-east: end-leg b1"]);
    expect(world.state?.winner).toBe("b2");
  });

  it("tries the next way to the same device when the first does not reach it, and nothing more when it was reached", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.located(phoneRoute("desk", "us-east"), phoneRoute("desk", "eu-west"));
    expect(world.told()).toEqual(["us-east: invite-leg b1"]);
    world.event("us-east", { kind: "leg-failed", leg: leg("b1"), status: 503, reason: "Service Unavailable" });
    expect(world.told()).toEqual(["eu-west: invite-leg b2"]);
    world.event("eu-west", { kind: "leg-ringing", leg: leg("b2"), status: 180 });
    world.told();
    world.event("eu-west", { kind: "leg-failed", leg: leg("b2"), status: 408, reason: "Request Timeout" });
    expect(world.told()).toEqual(["us-east: reject-leg a 408"]);
  });

  it("cancels the ringing device when the caller gives up", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.located(phoneRoute("desk", "us-east"));
    world.told();
    world.event("us-east", { kind: "leg-cancelled", leg: leg("a") });
    expect(world.told()).toEqual(["us-east: reject-leg a 487", "us-east: cancel-leg b1"]);
    expect(world.state?.status).toBe("canceled");
  });

  it.each(["a", "b1"])("ends the other leg when %s hangs up, with one end event", (who) => {
    const world = talking();
    world.event("us-east", { kind: "leg-ended", leg: leg(who), cause: "bye" });
    expect(world.told()).toEqual([`us-east: end-leg ${who === "a" ? "b1" : "a"}`]);
    world.event("us-east", { kind: "leg-ended", leg: leg(who === "a" ? "b1" : "a"), cause: "bye" });
    expect(world.events().filter((event) => event === "call.ended")).toHaveLength(1);
    expect(world.state?.status).toBe("completed");
  });
});

describe("a gateway that dies", () => {
  it("hands both legs of a talk to the nearest living gateway under a new epoch", () => {
    const world = talking();
    world.kill("us-east");
    expect(world.commands.every((entry) => entry.epoch === 2)).toBe(true);
    expect(world.told()).toEqual([
      "eu-west: adopt-leg a confirmed",
      "eu-west: adopt-leg b1 confirmed",
      "eu-west: join-leg a local",
      "eu-west: join-leg b1 local",
    ]);
  });

  it("moves only the leg that it carried, and joins the other one anew", () => {
    const world = talking("us-east", "ap-south");
    world.kill("us-east");
    expect(world.told()).toEqual([
      "eu-west: adopt-leg a confirmed",
      "eu-west: join-leg a trunk:ap-south",
      "ap-south: join-leg b1 trunk:eu-west",
    ]);
  });

  it("keeps the promise twice in a row", () => {
    const world = talking();
    world.kill("us-east");
    world.event("eu-west", { kind: "leg-adopted", leg: leg("a"), capsule: capsule("confirmed") });
    world.event("eu-west", { kind: "leg-adopted", leg: leg("b1"), capsule: capsule("confirmed") });
    world.told();
    world.kill("eu-west");
    expect(world.told()).toEqual([
      "ap-south: adopt-leg a confirmed",
      "ap-south: adopt-leg b1 confirmed",
      "ap-south: join-leg a local",
      "ap-south: join-leg b1 local",
    ]);
    expect(world.state?.epoch).toBe(3);
  });

  it("still ends both legs afterwards, once", () => {
    const world = talking();
    world.kill("us-east");
    world.told();
    world.event("eu-west", { kind: "leg-ended", leg: leg("a"), cause: "bye" });
    expect(world.told()).toEqual(["eu-west: end-leg b1"]);
    expect(world.events().filter((event) => event === "call.ended")).toHaveLength(1);
  });

  it("adopts a caller that was not answered, cancels the ringing phone by its old branch and rings it again", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    world.located(phoneRoute("desk", "us-east"));
    const first = world.commands[0]?.command;
    const rung = capsule("calling");
    world.event("us-east", { kind: "leg-ringing", leg: leg("b1"), status: 180, capsule: rung });
    world.told();
    world.kill("us-east");
    const adopt = world.commands.find(
      (entry) => entry.command.kind === "adopt-leg" && entry.command.leg === "b1",
    )?.command;
    const again = world.commands.find((entry) => entry.command.kind === "invite-leg")?.command;
    expect(world.told()).toEqual([
      "eu-west: adopt-leg a ringing",
      "eu-west: adopt-leg b1 calling",
      "eu-west: invite-leg b2",
    ]);
    if (first?.kind !== "invite-leg" || adopt?.kind !== "adopt-leg" || again?.kind !== "invite-leg")
      throw new Error("commands missing");
    expect(adopt.oldViaBranch).toBe(first.viaBranch);
    // The Via in it is what the phone finds its INVITE by.
    expect(adopt.capsule).toEqual(rung);
    expect(again.viaBranch).not.toBe(first.viaBranch);
    expect(again.callId).not.toBe(first.callId);
    world.event("eu-west", { kind: "leg-answered", leg: leg("b2"), capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    expect(world.told()).toEqual([
      "eu-west: confirm-leg b2",
      "eu-west: answer-leg a",
      "eu-west: join-leg a local",
      "eu-west: join-leg b2 local",
    ]);
  });

  it("ignores what the dead gateway still says", () => {
    const world = talking();
    world.kill("us-east");
    world.told();
    world.event("us-east", { kind: "leg-ended", leg: leg("a"), cause: "bye" }, 1);
    expect(world.told()).toEqual([]);
    expect(world.state?.endedAtMs).toBeUndefined();
  });

  it("tries the next gateway when the phone does not follow, and its own one as soon as that is back", () => {
    const world = talking();
    world.kill("us-east");
    world.event("eu-west", { kind: "leg-adopted", leg: leg("b1"), capsule: capsule("confirmed") });
    world.told();
    world.event("eu-west", { kind: "leg-adoption-failed", leg: leg("a"), status: 503, reason: "connection refused" });
    expect(world.told()).toEqual([
      "eu-west: release-leg a",
      "ap-south: adopt-leg a confirmed",
      "ap-south: join-leg a trunk:eu-west",
      "eu-west: join-leg b1 trunk:ap-south",
    ]);
    world.event("ap-south", { kind: "leg-adoption-failed", leg: leg("a"), status: 503, reason: "connection refused" });
    expect(world.told()).toEqual(["ap-south: release-leg a"]);
    expect(world.effects.at(-1)).toEqual({ kind: "retry-soon", afterMs: 150 });
    world.restart("us-east", 2);
    world.nowMs += 400;
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual([
      "us-east: adopt-leg a confirmed",
      "us-east: join-leg a trunk:eu-west",
      "eu-west: join-leg b1 trunk:us-east",
    ]);
  });

  it("goes home to its own restarted gateway when the phone is silent towards the adopter, not when it answered", () => {
    const world = talking("us-east", "ap-south");
    world.kill("us-east");
    world.told();
    world.restart("us-east", 2);
    world.nowMs += 200;
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual([]);
    world.nowMs += 150;
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual([
      "eu-west: release-leg a",
      "us-east: adopt-leg a confirmed",
      "us-east: join-leg a trunk:ap-south",
      "ap-south: join-leg b1 trunk:us-east",
    ]);
    world.event("us-east", { kind: "leg-adopted", leg: leg("a"), capsule: capsule("confirmed") }, undefined, 2);
    world.nowMs += 150;
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual([]);
  });

  it("begins the round of gateways again a second after all of them failed", () => {
    const world = talking("us-east", "eu-west");
    world.kill("us-east");
    world.event("eu-west", { kind: "leg-adoption-failed", leg: leg("a"), status: 503, reason: "x" });
    world.event("ap-south", { kind: "leg-adoption-failed", leg: leg("a"), status: 503, reason: "x" });
    world.told();
    world.nowMs += 900;
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual([]);
    world.nowMs += 200;
    world.feed({ kind: "retry-adoption" });
    expect(world.told()[0]).toBe("eu-west: adopt-leg a confirmed");
  });

  it("counts as answered for its adopter when its gateway died before it could say so", () => {
    const world = new CallWorld();
    world.phoneCalls("echo");
    world.told();
    world.kill("us-east");
    expect(world.told()).toEqual(["eu-west: adopt-leg a answered", "eu-west: join-leg a echo"]);
  });

  it("gives up a leg that no gateway could take for 32 s, and ends the other", () => {
    const world = talking("us-east", "eu-west");
    world.kill("us-east");
    world.event("eu-west", { kind: "leg-adoption-failed", leg: leg("a"), status: 503, reason: "x" });
    world.event("ap-south", { kind: "leg-adoption-failed", leg: leg("a"), status: 503, reason: "x" });
    world.told();
    world.nowMs += 33_000;
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual(["eu-west: end-leg b1"]);
    expect(world.state?.status).toBe("failed");
  });
});
