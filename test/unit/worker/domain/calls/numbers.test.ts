/** The platform's own numbers: documents that a call carries out. */
import { describe, expect, it } from "vitest";
import type { LegId } from "#protocol/ids";
import type { MediaJoin } from "#protocol/media";
import type { InstructionAction } from "../../../../../worker/domain/instructions/instruction-state.ts";
import { CallWorld, capsule } from "./call-world.ts";
import { following } from "./document-world.ts";

const leg = (id: string): LegId => id as LegId;

/** Every join that the caller's gateways were told, in order. */
function joins(world: CallWorld): readonly MediaJoin[] {
  return world.commands.flatMap(({ command }) => (command.kind === "join-leg" ? [command.join] : []));
}

describe("a number", () => {
  it("plays music from the moment of the answer, and goes on where it is by then after each move", () => {
    const world = new CallWorld();
    world.phoneCalls("music");
    const music = { kind: "player", source: "music", loop: true, anchorMs: world.nowMs };
    expect(joins(world)).toEqual([music]);
    expect(world.told()).toEqual(["us-east: answer-leg a", "us-east: join-leg a player"]);
    world.event("us-east", { kind: "leg-confirmed", leg: leg("a"), capsule: capsule("confirmed") });
    for (const [dead, next] of [
      ["us-east", "eu-west"],
      ["eu-west", "ap-south"],
    ] as const) {
      world.nowMs += 7_000;
      world.kill(dead);
      expect(joins(world)).toEqual([music]);
      expect(world.told()).toEqual([`${next}: adopt-leg a confirmed`, `${next}: join-leg a player`]);
      world.event(next, { kind: "leg-adopted", leg: leg("a"), capsule: capsule("confirmed") });
    }
  });

  it("is found in any case of letters, and shown as it was dialled", () => {
    const world = new CallWorld();
    world.phoneCalls("Echo");
    expect(world.told()).toEqual(["us-east: answer-leg a", "us-east: join-leg a echo"]);
    expect(world.state).toMatchObject({ status: "in-progress", to: "Echo" });
    expect(world.effects).not.toContainEqual(expect.objectContaining({ kind: "locate" }));
  });

  it("is left by hanging up, once", () => {
    const world = new CallWorld();
    world.phoneCalls("music");
    world.told();
    world.event("us-east", { kind: "leg-ended", leg: leg("a"), cause: "bye" });
    expect(world.told()).toEqual([]);
    expect(world.state).toMatchObject({ status: "completed", endCause: "caller-bye" });
  });
});

describe("an action of a document", () => {
  /** As if a document had asked for it after its answer. */
  function ask(...actions: InstructionAction[]): CallWorld {
    const world = new CallWorld();
    world.phoneCalls("music");
    world.told();
    if (world.state !== undefined) world.state.actions = actions;
    world.feed({ kind: "retry-adoption" });
    return world;
  }

  it.each([
    ["<Say>hello</Say>", "say-unsupported"],
    ['<Play digits="1"/>', "play-digits-unsupported"],
    ["<Play>https://example.test/a.wav</Play>", "play-unsupported"],
    ['<Play loop="3">nearside:music</Play>', "play-unsupported"],
    ['<Play loop="0">nearside:nothing</Play>', "play-unsupported"],
  ])("that cannot be carried out yet is left out, and the log says which: %s", (verb, code) => {
    const world = following(`${verb}<Echo/>`);
    expect(world.told()).toEqual(["us-east: join-leg a echo"]);
    expect(world.state?.log.find(({ event }) => event === "instruction.skipped")?.detail).toBe(code);
  });

  it.each([
    [{ kind: "hangup" } as const, "completed", "hangup"],
    [{ kind: "hangup", failure: 11_200 } as const, "failed", "instruction-failed"],
  ])("ends the call: %j", (action, status, endCause) => {
    const world = ask(action);
    expect(world.told()).toEqual(["us-east: end-leg a"]);
    expect(world.state).toMatchObject({ status, endCause });
  });

  it("changes what the caller hears, with the new start", () => {
    const world = ask({ kind: "play", url: "nearside:ringback-uk", loop: 1_000 });
    expect(joins(world)).toEqual([{ kind: "player", source: "ringback-uk", loop: true, anchorMs: world.nowMs }]);
  });

  it("is refused with its own words while the caller still rings", () => {
    const world = new CallWorld();
    world.phoneCalls("bob");
    if (world.state !== undefined)
      world.state.actions = [{ kind: "reject", status: 486, reason: "Busy Here", callStatus: "busy" }];
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual(["us-east: reject-leg a 486"]);
    expect(world.state).toMatchObject({ status: "busy", endCause: "rejected" });
  });
});
