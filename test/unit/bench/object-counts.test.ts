import { expect, it } from "vitest";
import { billedRequests, byClass, countsSince, perTime } from "../../../bench/support/object-counts.ts";

const counts = {
  "requests Call gatewayEvents": 16,
  "requests Gateway message leg-ringing": 40,
  "requests Gateway deliver": 2,
  "requests Gateway message heartbeat": 6,
  "requests Region report": 6,
  "rows Call put": 18,
  "rows Gateway exec": 4,
  "woken Call": 2,
};

it("counts what a call caused, and not what goes on without any", () => {
  expect(perTime(counts, "requests", 2)).toBe(29);
  expect(perTime(counts, "rows", 2)).toBe(11);
});

it("bills twenty messages as one request", () => {
  expect(billedRequests(counts, 2)).toBe(10);
});

it("names who was asked, most first, messages apart", () => {
  expect(byClass(counts, "requests", 2)).toBe("Gateway messages 20, Call 8, Gateway 1");
  expect(byClass(counts, "rows", 2)).toBe("Call 9, Gateway 2");
});

it("tells what changed between two readings, new names included", () => {
  expect(countsSince({ a: 1, b: 2 }, { a: 1, b: 5, c: 7 })).toEqual({ b: 3, c: 7 });
});
