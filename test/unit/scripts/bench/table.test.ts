import { expect, it } from "vitest";
import { encodeBenchTable, encodeFigure, missedGoals } from "../../../../scripts/bench/table.ts";

const row = { name: "parse", unit: "us", ours: 3.7123, peer: 846, peerName: "sip.js", ratio: 228.6 };

it("prints one aligned line for each row and marks a missed goal", () => {
  const rows = [
    { ...row, goal: 100, note: "1,481 bytes" },
    { ...row, name: "relay", goal: 500 },
  ];
  expect(encodeBenchTable(rows).split("\n")).toEqual([
    "measured  unit  ours  peer  ratio  goal         beside  note",
    "parse     us    3.71  846   229x   100x         sip.js  1,481 bytes",
    "relay     us    3.71  846   229x   500x MISSED  sip.js",
  ]);
});

it("prints a row whose peer is not installed without figures of it, and takes its goal for none", () => {
  const lonely = { name: "relay", unit: "us", ours: 30, peerName: "rtpengine", goal: 1 };
  expect(encodeBenchTable([lonely]).split("\n")[1]).toBe("relay     us    30    -     -      1x    rtpengine");
  expect(missedGoals([lonely])).toEqual([]);
});

it.each([
  [0.012345, "0.0123"],
  [12.345, "12.3"],
  [267_432, "267,432"],
  [0, "0"],
  [Number.NaN, "NaN"],
])("writes %d as %s", (figure, text) => {
  expect(encodeFigure(figure)).toBe(text);
});

it("complains about each goal that was missed, and takes no figure for a missed one", () => {
  expect(missedGoals([row, { ...row, goal: 300 }, { ...row, ratio: Number.NaN, goal: 1 }])).toEqual([
    "goal missed: parse: 229x of 300x",
    "goal missed: parse: NaNx of 1x",
  ]);
});
