import { describe, expect, it } from "vitest";
import { parseAccountSid, parseCallSid, parseRegionName } from "#protocol/ids";
import { callPathOf, gatewayMoves } from "../../../../../worker/console/model/call-path.ts";
import type { CallLegRecord, CallRecord } from "../../../../../worker/domain/calls/call-object-api.ts";

const SID = parseCallSid(`CA${"0".repeat(32)}`)!;

function leg(name: string, identity: string, state: string, gateway: string | undefined): CallLegRecord {
  return { leg: name, sid: SID, identity, kind: "browser", state, gateway, region: gateway, epoch: 1 };
}

function record(from: string, to: string, legs: readonly CallLegRecord[]): CallRecord {
  return {
    sid: SID,
    account: parseAccountSid(`AC${"0".repeat(32)}`)!,
    region: parseRegionName("us-east")!,
    status: "in-progress",
    from,
    to,
    epoch: 1,
    createdAtMs: 0,
    legs,
    pending: { requests: 0 },
    log: [],
    summaries: [],
  };
}

describe("the path of a call", () => {
  it("goes from my gateway to the device that answered", () => {
    const legs = [
      leg("a", "alice", "connected", "us-east"),
      leg("b1", "bob", "ended", "ap-south"),
      leg("b2", "bob", "connected", "eu-west"),
    ];
    const path = callPathOf(record("alice", "bob", legs), "alice", true);
    expect(path).toMatchObject({ mine: { gateway: "us-east" }, theirs: { gateway: "eu-west", name: "bob" } });
  });

  it("is the same way backwards for who was called", () => {
    const legs = [leg("a", "alice", "connected", "us-east"), leg("b1", "bob", "connected", "eu-west")];
    const path = callPathOf(record("alice", "bob", legs), "bob", false);
    expect(path).toMatchObject({ mine: { gateway: "eu-west" }, theirs: { gateway: "us-east", name: "alice" } });
  });

  it("tells my two devices apart when I call myself", () => {
    const legs = [leg("a", "alice", "connected", "us-east"), leg("b1", "alice", "connected", "eu-west")];
    const call = record("alice", "alice", legs);
    expect(callPathOf(call, "alice", true)?.mine.gateway).toBe("us-east");
    expect(callPathOf(call, "alice", false)?.mine.gateway).toBe("eu-west");
  });

  it("ends at my own gateway for a number that the platform answers", () => {
    const path = callPathOf(record("alice", "echo", [leg("a", "alice", "connected", "us-east")]), "alice", true);
    expect(path).toMatchObject({ mine: { gateway: "us-east" }, theirs: { kind: "number", name: "echo" } });
  });

  it("goes on from the page that was loaded again", () => {
    const again = leg("t1", "alice", "connected", "ap-south");
    const legs = [leg("a", "alice", "ended", "us-east"), leg("b1", "bob", "connected", "eu-west"), again];
    const path = callPathOf(record("alice", "bob", legs), "alice", true);
    expect(path).toMatchObject({ mine: { gateway: "ap-south" }, theirs: { gateway: "eu-west", name: "bob" } });
  });

  it.each([
    { me: "bob", outgoing: false, left: "a" },
    { me: "alice", outgoing: true, left: "b1" },
  ])("ends at whom $me was transferred to", ({ me, outgoing, left }) => {
    const [a, b] = [leg("a", "alice", "connected", "us-east"), leg("b1", "bob", "connected", "us-east")];
    const legs = [a, b].map((each) => (each.leg === left ? { ...each, state: "ended" } : each));
    const path = callPathOf(
      record("alice", "bob", [...legs, leg("t1", "carol", "connected", "eu-west")]),
      me,
      outgoing,
    );
    expect(path?.theirs).toMatchObject({ name: "carol", gateway: "eu-west" });
  });

  it("is unknown while none of my devices is in the call", () => {
    expect(callPathOf(record("alice", "bob", [leg("a", "alice", "calling", undefined)]), "bob", false)).toBeUndefined();
  });
});

describe("moves between gateways", () => {
  const path = (mine: string | undefined, theirs: string | undefined, state = "connected") =>
    callPathOf(
      record("alice", "bob", [leg("a", "alice", state, mine), leg("b1", "bob", "connected", theirs)]),
      "alice",
      true,
    )!;

  it("are those of either side, and none at first sight", () => {
    expect(gatewayMoves(undefined, path("us-east", "eu-west"))).toEqual([]);
    expect(gatewayMoves(path("us-east", "eu-west"), path("us-east", "eu-west"))).toEqual([]);
    expect(gatewayMoves(path("us-east", "eu-west"), path("eu-west", "ap-south"))).toEqual([
      { whose: "mine", from: "us-east", to: "eu-west" },
      { whose: "theirs", from: "eu-west", to: "ap-south" },
    ]);
  });

  it("are not told while a leg has no gateway", () => {
    expect(gatewayMoves(path("us-east", "eu-west"), path(undefined, "eu-west", "moving"))).toEqual([]);
    expect(path("us-east", "eu-west", "moving").mine.isMoving).toBe(true);
  });
});
