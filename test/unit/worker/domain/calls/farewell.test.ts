import { beforeEach, describe, expect, it } from "vitest";
import type { LegId } from "#protocol/ids";
import { summarizeCall } from "../../../../../worker/domain/calls/call-record.ts";
import { CallWorld, PHONE_AUDIO, capsule, phoneRoute } from "./call-world.ts";

const A = "a" as LegId;
const B1 = "b1" as LegId;
const B2 = "b2" as LegId;

let world: CallWorld;

/** Alice at us-east rings bob at eu-west. */
beforeEach(() => {
  world = new CallWorld();
  world.phoneCalls("bob");
  world.located(phoneRoute("bob-desk", "eu-west"));
  world.event("eu-west", { kind: "leg-ringing", leg: B1, status: 180, capsule: capsule("calling") });
});

function talk(): void {
  world.event("eu-west", { kind: "leg-answered", leg: B1, capsule: capsule("confirmed"), audio: PHONE_AUDIO });
  world.event("us-east", { kind: "leg-confirmed", leg: A, capsule: capsule("confirmed") });
  world.told();
}

/** As far as the call knows, everything that this gateway was told is done. */
function acknowledged(gateway: string): void {
  for (const party of world.state?.parties ?? []) if (party.gateway === gateway) party.outbox = [];
}

const farewells = (): readonly boolean[] =>
  world.commands.flatMap(({ command }) => (command.kind === "adopt-leg" ? [command.farewell === true] : []));

describe("a phone whose gateway died before it could be told that the call is over", () => {
  it("gets its BYE from another one, although the call has ended", () => {
    talk();
    world.event("us-east", { kind: "leg-ended", leg: A, cause: "bye" });
    expect(world.told()).toEqual(["eu-west: end-leg b1"]);
    world.kill("eu-west");
    expect(farewells()).toEqual([true]);
    expect(world.told()).toEqual(["us-east: adopt-leg b1 confirmed", "us-east: end-leg b1"]);
  });

  it("gets it under a new epoch, so that the dead gateway cannot undo it", () => {
    talk();
    const before = world.state?.epoch ?? 0;
    world.event("us-east", { kind: "leg-ended", leg: A, cause: "bye" });
    world.commands = [];
    world.kill("eu-west");
    expect(world.commands.map(({ epoch }) => epoch)).toEqual([before + 1, before + 1]);
  });

  it("gets it once when its gateway has said that it was told", () => {
    talk();
    world.event("us-east", { kind: "leg-ended", leg: A, cause: "bye" });
    acknowledged("eu-west");
    world.told();
    world.kill("eu-west");
    expect(world.told()).toEqual([]);
  });

  it("gets it from its adopter while that is still at it", () => {
    talk();
    world.kill("eu-west");
    world.told();
    world.event("us-east", { kind: "leg-ended", leg: A, cause: "bye" });
    expect(world.told()).toEqual(["us-east: end-leg b1"]);
  });

  it("gets it from its own gateway, back as a new run, when no adopter was found", () => {
    talk();
    world.fleet = world.fleet.map((entry) => (entry.gateway === "ap-south" ? { ...entry, state: "down" } : entry));
    world.kill("eu-west");
    world.event("us-east", { kind: "leg-adoption-failed", leg: B1, status: 408, reason: "no-response" });
    world.told();
    world.restart("eu-west", 2);
    world.event("us-east", { kind: "leg-ended", leg: A, cause: "bye" });
    expect(world.told()).toEqual(["eu-west: adopt-leg b1 confirmed", "eu-west: end-leg b1"]);
  });

  it("waits for a gateway when none is up, and is given up after 32 s", () => {
    talk();
    world.event("us-east", { kind: "leg-ended", leg: A, cause: "bye" });
    world.told();
    world.kill("us-east");
    world.fleet = world.fleet.map((entry) => ({ ...entry, state: "down" }));
    world.kill("eu-west");
    expect(world.told()).toEqual([]);
    expect(world.effects.at(-1)).toEqual({ kind: "retry-soon", afterMs: 150 });
    world.nowMs += 10_000;
    world.restart("ap-south", 2);
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual(["ap-south: adopt-leg b1 confirmed", "ap-south: end-leg b1"]);
  });

  it("is given up after 32 s without any gateway", () => {
    talk();
    world.event("us-east", { kind: "leg-ended", leg: A, cause: "bye" });
    world.fleet = world.fleet.map((entry) => ({ ...entry, state: "down" }));
    world.kill("eu-west");
    world.told();
    world.nowMs += 33_000;
    world.restart("ap-south", 2);
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual([]);
  });

  it("stops ringing by a CANCEL that has the branch of the INVITE", () => {
    world.told();
    world.event("us-east", { kind: "leg-cancelled", leg: A });
    expect(world.told()).toEqual(["us-east: reject-leg a 487", "eu-west: cancel-leg b1"]);
    world.kill("eu-west");
    const [adoption] = world.commands;
    expect(adoption?.command).toMatchObject({ kind: "adopt-leg", oldViaBranch: expect.stringMatching(/^z9hG4bK/) });
    expect(world.told()).toEqual(["us-east: adopt-leg b1 calling"]);
  });

  it("hears the refusal when it called", () => {
    world.told();
    world.event("eu-west", { kind: "leg-failed", leg: B1, status: 486, reason: "Busy Here" });
    expect(world.told()).toEqual(["us-east: reject-leg a 486"]);
    world.kill("us-east");
    expect(world.told()).toEqual(["eu-west: adopt-leg a ringing", "eu-west: reject-leg a 486"]);
  });

  it("is ended, not answered again, when its 200 was ordered and its ACK never seen", () => {
    world.event("eu-west", { kind: "leg-answered", leg: B1, capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    world.event("eu-west", { kind: "leg-ended", leg: B1, cause: "bye" });
    world.told();
    world.kill("us-east");
    expect(world.told()).toEqual(["eu-west: adopt-leg a answered", "eu-west: end-leg a"]);
  });
});

describe("a phone that hung up while no gateway listened", () => {
  it("ends the call by its 481 to the adopter", () => {
    talk();
    world.kill("eu-west");
    world.told();
    world.event("us-east", {
      kind: "leg-adoption-failed",
      leg: B1,
      status: 481,
      reason: "Call/Transaction Does Not Exist",
    });
    expect(world.told()).toEqual(["us-east: end-leg a"]);
    expect(world.state).toMatchObject({ status: "completed", endCause: "callee-gone" });
  });

  it("is not taken for gone when it only does not answer", () => {
    talk();
    world.kill("eu-west");
    world.told();
    world.event("us-east", { kind: "leg-adoption-failed", leg: B1, status: 408, reason: "no-response" });
    expect(world.told()).toEqual([
      "us-east: release-leg b1",
      "ap-south: adopt-leg b1 confirmed",
      "us-east: join-leg a trunk:ap-south",
      "ap-south: join-leg b1 trunk:us-east",
    ]);
  });
});

describe("a device that was rung again by another gateway", () => {
  it("is one call to it in the list, with the outcome of the last ring", () => {
    world.kill("eu-west");
    world.event("us-east", { kind: "leg-answered", leg: B2, capsule: capsule("confirmed"), audio: PHONE_AUDIO });
    if (world.state === undefined) throw new Error("no call");
    const summaries = summarizeCall(world.state);
    expect(summaries.map(({ status }) => status)).toEqual(["in-progress", "in-progress"]);
    expect(new Set(summaries.map(({ sid }) => sid)).size).toBe(2);
  });
});
