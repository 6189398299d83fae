import { expect, it } from "vitest";
import { ArrivalTimeline } from "../../support/arrival-timeline.ts";
import { longestSilenceMs, tone } from "../../support/tone.ts";

const RATE = 8_000;
const heard = tone({ frequency: 700, seconds: 2 });

/** Packets of 20 ms that arrive at the given times; `look` sees them every `everyMs`. */
function timelineOf(arrivalsMs: readonly number[], everyMs = 10): ArrivalTimeline {
  const timeline = new ArrivalTimeline(RATE);
  const last = arrivalsMs.at(-1) ?? 0;
  for (let now = 0; now <= last + everyMs; now += everyMs) {
    timeline.look(50_000 + now, arrivalsMs.filter((at) => at <= now).length * 160);
  }
  return timeline;
}

const steady = Array.from({ length: 100 }, (_, n) => 20 * (n + 1));

it("leaves an unbroken stream unbroken, whatever the jitter within two frames", () => {
  expect(timelineOf(steady).inRealTime(heard)).toEqual(heard);
  const jittered = steady.map((at, n) => at + (n % 3) * 13);
  expect(longestSilenceMs(timelineOf(jittered).inRealTime(heard), RATE, 700)).toBe(0);
});

it.each([100, 250, 1_000])("puts a pause of %i ms back", (pauseMs) => {
  const paused = steady.map((at, n) => (n < 50 ? at : at + pauseMs));
  const found = longestSilenceMs(timelineOf(paused).inRealTime(heard), RATE, 700);
  expect(Math.abs(found - pauseMs)).toBeLessThanOrEqual(20);
});

it("sees no pause where only the observer was late", () => {
  const timeline = new ArrivalTimeline(RATE);
  for (const now of [20, 40, 60, 400, 420, 440]) timeline.look(now, (now / 20) * 160);
  expect(longestSilenceMs(timeline.inRealTime(heard.subarray(0, 22 * 160)), RATE, 700)).toBe(0);
});

it("counts the silence at the end when it is asked to", () => {
  const timeline = timelineOf(steady);
  expect(longestSilenceMs(timeline.inRealTime(heard, 50_000 + 2_500), RATE, 700)).toBe(500);
});

it("is empty when nothing arrived", () => {
  const timeline = new ArrivalTimeline(RATE);
  timeline.look(1, 0);
  expect([timeline.inRealTime(heard).length, timeline.startedAtMs]).toEqual([0, undefined]);
});
