import { describe, expect, it } from "vitest";
import { ASLEEP_LIMIT_MS, WAKE_TICK_MS, WakeWatch } from "../../../../gateway-node/media/wake-watch.ts";

describe("a process that was stopped", () => {
  const tickUntil = (watch: WakeWatch, fromMs: number, toMs: number): void => {
    for (let atMs = fromMs; atMs <= toMs; atMs += WAKE_TICK_MS) watch.tick(atMs);
  };

  it("is awake as long as its timers run, however long nothing came", () => {
    const watch = new WakeWatch(1_000);
    expect(watch.slept(1_000)).toBe(false);
    tickUntil(watch, 1_000, 60_000);
    expect(watch.slept(60_000 + WAKE_TICK_MS)).toBe(false);
  });

  it("forgives a pause that a talk would not notice much", () => {
    const watch = new WakeWatch(0);
    expect(watch.slept(ASLEEP_LIMIT_MS)).toBe(false);
    watch.tick(ASLEEP_LIMIT_MS);
    expect(watch.slept(ASLEEP_LIMIT_MS)).toBe(false);
  });

  it("has slept when its sockets are read before its timers ran", () => {
    const watch = new WakeWatch(0);
    expect(watch.slept(ASLEEP_LIMIT_MS + 1)).toBe(true);
  });

  it("has slept when its timers ran first, and is awake one tick later", () => {
    const watch = new WakeWatch(0);
    watch.tick(5_000);
    expect(watch.slept(5_000)).toBe(true);
    expect(watch.slept(5_000 + WAKE_TICK_MS - 1)).toBe(true);
    watch.tick(5_000 + WAKE_TICK_MS);
    expect(watch.slept(5_000 + WAKE_TICK_MS)).toBe(false);
  });
});
