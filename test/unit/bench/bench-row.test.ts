import { expect, it } from "vitest";
import { lessIsBetter, moreIsBetter } from "../../../bench/bench-row.ts";

const row = { name: "relay", unit: "us", peerName: "rtpengine" };

it.each([
  ["half of the peer's time is twice as good", lessIsBetter({ ...row, ours: 10, peer: 20 }).ratio, 2],
  ["half of the peer's calls is half as good", moreIsBetter({ ...row, ours: 10, peer: 20 }).ratio, 0.5],
  ["nothing beside nothing is as good", lessIsBetter({ ...row, ours: 0, peer: 0 }).ratio, 1],
  [
    "nothing beside something is better than a number can say",
    lessIsBetter({ ...row, ours: 0, peer: 60 }).ratio,
    undefined,
  ],
])("%s", (_, ratio, expected) => {
  expect(ratio).toBe(expected);
});

it("has neither figure nor ratio of a peer that is not installed", () => {
  const lonely = lessIsBetter({ ...row, ours: 10, peer: undefined, goal: 1 });
  expect(lonely).toEqual({ ...row, ours: 10, goal: 1 });
  expect("peer" in lonely).toBe(false);
});
