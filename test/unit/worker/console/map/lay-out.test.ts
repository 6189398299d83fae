import { describe, expect, it } from "vitest";
import type { Me } from "../../../../../worker/console/api/types.ts";
import { landCells } from "../../../../../worker/console/map/land.ts";
import { layOut } from "../../../../../worker/console/map/lay-out.ts";
import { percentIn, project, viewAround } from "../../../../../worker/console/map/projection.ts";
import type { CallPath, PathEnd } from "../../../../../worker/console/model/call-path.ts";

const ME: Me = {
  identity: "alice",
  sipDomain: "demo.nearside.test",
  mayReceive: true,
  region: "us-east",
  place: null,
  regions: [
    { name: "us-east", latitude: 39.04, longitude: -77.49 },
    { name: "eu-west", latitude: 53.35, longitude: -6.26 },
    { name: "ap-south", latitude: 19.08, longitude: 72.88 },
  ],
  numbers: [],
  gateways: [],
};

function end(name: string, gateway: string, kind: PathEnd["kind"] = "browser"): PathEnd {
  return { name, gateway, region: gateway, kind, isMoving: false, codec: "PCMU" };
}

const ACROSS: CallPath = { mine: end("alice", "us-east"), theirs: end("bob", "eu-west") };

describe("the map of a call", () => {
  it("shows both gateways, both people and the three parts of the way", () => {
    const { nodes, hops } = layOut(ME, ACROSS, 3);
    expect(nodes.filter(({ kind }) => kind !== "region").map(({ kind, label }) => `${kind} ${label}`)).toEqual([
      "gateway us-east",
      "me You",
      "gateway eu-west",
      "peer bob",
    ]);
    expect(hops.map(({ kind }) => kind)).toEqual(["access", "trunk", "access"]);
  });

  it("has one gateway and no trunk for neighbours, and no other person for a number", () => {
    const near = layOut(ME, { mine: end("alice", "us-east"), theirs: end("bob", "us-east") }, 3);
    expect(near.hops.map(({ kind }) => kind)).toEqual(["access", "access"]);
    const echo = layOut(ME, { mine: end("alice", "us-east"), theirs: end("echo", "us-east", "number") }, 3);
    expect(echo.nodes.map(({ kind }) => kind)).not.toContain("peer");
  });

  it.each([1, 1.7, 3])("keeps every point of the path inside the picture, %s times as wide as high", (aspect) => {
    for (const theirs of ["us-east", "eu-west", "ap-south"]) {
      const { view, nodes } = layOut(ME, { mine: end("alice", "us-east"), theirs: end("bob", theirs) }, aspect);
      expect(view.width / view.height).toBeCloseTo(aspect);
      for (const { at } of nodes) {
        const { x, y } = percentIn(view, at);
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
        expect(Math.max(x, y)).toBeLessThanOrEqual(100);
      }
    }
  });

  it("draws me where the edge says that I am", () => {
    const place = { latitude: 40.7, longitude: -74 };
    const { nodes } = layOut({ ...ME, place }, ACROSS, 3);
    expect(nodes.find(({ kind }) => kind === "me")?.at).toEqual(project(place));
  });

  it("shows where I enter while there is no call", () => {
    expect(layOut(ME, undefined, 3).nodes.map(({ label }) => label)).toContain("us-east");
  });
});

it("a view never leaves the map for points at its rim", () => {
  const view = viewAround([project({ latitude: 70, longitude: 175 })], 2);
  expect(view.left + view.width).toBeLessThanOrEqual(180);
});

it("land is where it should be", () => {
  const cells = new Set(landCells().map(({ latitude, longitude }) => `${latitude} ${longitude}`));
  expect(cells.size).toBe(3_710);
  // Kansas, Mali and the outback; not the middle of three oceans.
  for (const cell of ["39 -99", "17 -1", "-25 133"]) expect(cells).toContain(cell);
  for (const cell of ["31 -41", "-5 75", "1 -151"]) expect(cells).not.toContain(cell);
});
