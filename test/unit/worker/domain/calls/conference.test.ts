/** The number `conference`: a room that is mixed at one gateway, for members on any, and outlives it. */
import { describe, expect, it } from "vitest";
import type { GatewayId, LegId } from "#protocol/ids";
import type { RoomEntering } from "../../../../../worker/domain/rooms/room-object-api.ts";
import { ACCOUNT, CallWorld, capsule, instanceOf } from "./call-world.ts";

const leg = (id: string): LegId => id as LegId;
const host = (gateway: string, run = 1) => ({ gateway: gateway as GatewayId, instance: instanceOf(gateway, run) });

/** What the room was asked since the last call. */
function asked(world: CallWorld): readonly (Omit<RoomEntering, "token"> | "left")[] {
  return world.effects.splice(0).flatMap((effect): readonly (Omit<RoomEntering, "token"> | "left")[] => {
    if (effect.kind === "leave-room") return ["left"];
    if (effect.kind !== "enter-room") return [];
    expect(effect.name).toBe("demo");
    return [{ own: effect.own, lost: effect.lost }];
  });
}

/** A phone on `gateway` in a room that is mixed at `mixer`. */
function inside(gateway: string, mixer: string): CallWorld {
  const world = new CallWorld();
  world.phoneCalls("conference", gateway);
  world.feed({ kind: "room-entered", host: host(mixer) });
  world.event(gateway, { kind: "leg-confirmed", leg: leg("a"), capsule: capsule("confirmed") });
  return world;
}

/** A member that was told what to do, and whose room was asked what there was to ask. */
function settled(gateway: string, mixer: string): CallWorld {
  const world = inside(gateway, mixer);
  world.told();
  asked(world);
  return world;
}

function portEpochs(world: CallWorld): readonly number[] {
  return world.commands.flatMap(({ command, epoch }) => (command.kind === "open-room-port" ? [epoch] : []));
}

describe("a caller of the conference", () => {
  it("rings until the room has a place, and is joined inside the gateway that mixes it", () => {
    const world = new CallWorld();
    world.phoneCalls("conference");
    expect(world.told()).toEqual([]);
    expect(asked(world)).toEqual([{ own: host("us-east"), lost: [] }]);
    world.feed({ kind: "room-entered", host: host("us-east") });
    expect(world.commands.at(-1)?.command).toMatchObject({ join: { kind: "room", room: `${ACCOUNT}/demo` } });
    expect(world.told()).toEqual(["us-east: answer-leg a", "us-east: join-leg a room"]);
    expect(world.state?.status).toBe("in-progress");
  });

  it("comes in over the trunk where another gateway mixes it: both ends have one stream and the same epoch", () => {
    const world = inside("eu-west", "us-east");
    const [, port, join] = world.commands;
    expect(port?.command).toEqual({
      kind: "open-room-port",
      leg: "a",
      port: {
        room: `${ACCOUNT}/demo`,
        codec: "PCMU",
        trunk: { gateway: "eu-west", host: "127.0.0.1", port: 5072, stream: world.state?.room?.stream },
      },
    });
    expect(join?.command).toMatchObject({ join: { kind: "trunk", gateway: "us-east", port: 5062 } });
    expect(join?.command).toMatchObject({ join: { stream: world.state?.room?.stream } });
    expect(world.state?.room?.stream).not.toBe(world.state?.trunkStream);
    expect(join?.epoch).toBe(port?.epoch);
    expect(world.told()).toEqual([
      "eu-west: answer-leg a",
      "us-east: open-room-port a trunk:eu-west",
      "eu-west: join-leg a trunk:us-east",
    ]);
  });

  it.each([
    ["room-full", 486, "busy"],
    ["room-unreachable", 503, "failed"],
  ] as const)("is refused when it is %s", (code, status, end) => {
    const world = new CallWorld();
    world.phoneCalls("conference");
    world.feed({ kind: "room-refused", code });
    expect(world.told()).toEqual([`us-east: reject-leg a ${status}`]);
    expect(world.state).toMatchObject({ status: end, endCause: code });
  });

  it("that gave up meanwhile leaves the room, also when it is let in after that", () => {
    const world = new CallWorld();
    world.phoneCalls("conference");
    asked(world);
    world.event("us-east", { kind: "leg-cancelled", leg: leg("a") });
    expect(world.told()).toEqual(["us-east: reject-leg a 487"]);
    expect(asked(world)).toEqual(["left"]);
    world.feed({ kind: "room-entered", host: host("us-east") });
    expect(asked(world)).toEqual(["left"]);
    expect(world.told()).toEqual([]);
  });

  it("leaves with its call: the port is closed and the room told", () => {
    const world = settled("eu-west", "us-east");
    world.event("eu-west", { kind: "leg-ended", leg: leg("a"), cause: "bye" });
    expect(world.told()).toEqual(["us-east: close-room-port a"]);
    expect(asked(world)).toEqual(["left"]);
  });
});

describe("a member whose own gateway dies", () => {
  it("comes in from the next one, under a higher epoch at both ends", () => {
    const world = settled("ap-south", "us-east");
    world.kill("ap-south");
    expect(portEpochs(world)).toEqual([2]);
    expect(world.told()).toEqual([
      "eu-west: adopt-leg a confirmed",
      "us-east: open-room-port a trunk:eu-west",
      "eu-west: join-leg a trunk:us-east",
    ]);
    expect(asked(world)).toEqual([]);
  });

  it("needs no port any more when the room's gateway adopts it", () => {
    const world = settled("eu-west", "us-east");
    world.fleet = world.fleet.map((entry) => (entry.gateway === "ap-south" ? { ...entry, state: "down" } : entry));
    world.kill("eu-west");
    expect(world.told()).toEqual([
      "us-east: adopt-leg a confirmed",
      "us-east: close-room-port a",
      "us-east: join-leg a room",
    ]);
  });
});

describe("the death of the gateway that mixes the room", () => {
  it("lets a member on another gateway ask for the room again, and follow it", () => {
    const world = settled("eu-west", "us-east");
    world.kill("us-east");
    expect(world.told()).toEqual([]);
    const [question] = asked(world);
    expect(question).toEqual({
      own: host("eu-west"),
      lost: expect.arrayContaining([instanceOf("us-east")]),
    });
    world.feed({ kind: "room-entered", host: host("ap-south") });
    expect(portEpochs(world)).toEqual([2]);
    expect(world.told()).toEqual(["ap-south: open-room-port a trunk:eu-west", "eu-west: join-leg a trunk:ap-south"]);
  });

  it("moves a member that it carried first, so that the room may meet there", () => {
    const world = settled("us-east", "us-east");
    world.kill("us-east");
    expect(world.told()).toEqual(["eu-west: adopt-leg a confirmed"]);
    expect(asked(world)).toMatchObject([{ own: host("eu-west") }]);
    world.feed({ kind: "room-entered", host: host("eu-west") });
    expect(world.told()).toEqual(["eu-west: join-leg a room"]);
  });

  it("is found out by whoever is let in there: it says so, and does not go", () => {
    const world = new CallWorld();
    world.phoneCalls("conference", "eu-west");
    asked(world);
    world.restart("us-east", 2);
    world.feed({ kind: "room-entered", host: host("us-east", 1) });
    expect(world.told()).toEqual([]);
    expect(asked(world)).toEqual([{ own: host("eu-west"), lost: [instanceOf("us-east", 1)] }]);
    world.feed({ kind: "room-entered", host: host("us-east", 2) });
    expect(world.told()).toContain("us-east: open-room-port a trunk:eu-west");
  });

  it("is asked about again until it is known, when commands for it cannot be handed over", () => {
    const world = settled("eu-west", "us-east");
    world.feed({ kind: "gateway-unreachable", gateway: host("us-east").gateway });
    expect(world.effects).toContainEqual(expect.objectContaining({ kind: "retry-soon" }));
    expect(asked(world)).toEqual([]);
    world.nowMs += 150;
    world.fleet = world.fleet.map((entry) => (entry.gateway === "us-east" ? { ...entry, state: "down" } : entry));
    world.feed({ kind: "retry-adoption" });
    expect(asked(world)).toMatchObject([{ own: host("eu-west") }]);
    expect(world.state?.epoch).toBe(2);
  });

  it("with no Room object to ask keeps asking, and ends the call after 32 s", () => {
    const world = settled("eu-west", "us-east");
    world.kill("us-east");
    for (let tries = 0; tries < 3; tries += 1) {
      expect(asked(world)).toHaveLength(1);
      world.feed({ kind: "room-refused", code: "room-unreachable" });
      world.effects.splice(0);
      world.nowMs += 150;
      world.feed({ kind: "retry-adoption" });
    }
    world.nowMs += 33_000;
    world.feed({ kind: "retry-adoption" });
    expect(world.told()).toEqual(["eu-west: end-leg a"]);
    expect(world.state).toMatchObject({ status: "failed", endCause: "room-lost" });
  });
});
