/** When a call is woken: by memory for what is near, by the object's alarm for what is far. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CallClock } from "../../../../../worker/objects/call/call-clock.ts";

let alarms: (number | "none")[];
let woken: number[];

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  alarms = [];
  woken = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function clock(): CallClock {
  const storage = {
    setAlarm: async (atMs: number) => void alarms.push(atMs),
    deleteAlarm: async () => void alarms.push("none"),
  };
  return new CallClock(storage, () => void woken.push(Date.now()));
}

describe("the clock of a call", () => {
  it("asks for nothing when there is nothing to wait for", () => {
    const one = clock();
    one.resume(undefined);
    one.watch(undefined);
    vi.advanceTimersByTime(100_000);
    expect({ alarms, woken }).toEqual({ alarms: [], woken: [] });
  });

  it("counts less than ten seconds itself, and forgets what is no longer waited for", () => {
    const one = clock();
    one.watch(1_009_000);
    one.watch(1_003_000);
    vi.advanceTimersByTime(3_000);
    expect(woken).toEqual([1_003_000]);
    one.watch(1_008_000);
    one.watch(undefined);
    vi.advanceTimersByTime(10_000);
    expect({ alarms, woken }).toEqual({ alarms: [], woken: [1_003_000] });
  });

  it("leaves ten seconds and more to one alarm, and takes it back", () => {
    const one = clock();
    one.watch(1_010_000);
    one.watch(1_010_000);
    one.watch(1_030_000);
    one.watch(undefined);
    vi.advanceTimersByTime(60_000);
    expect({ alarms, woken }).toEqual({ alarms: [1_010_000, 1_030_000, "none"], woken: [] });
  });

  it("stands behind retries with an alarm, before a later deadline, which is set again after it", () => {
    const one = clock();
    one.watch(1_060_000);
    one.backstop();
    expect(alarms).toEqual([1_060_000, 1_010_000]);
    vi.advanceTimersByTime(10_000);
    one.alarmFired();
    one.watch(1_060_000);
    expect(alarms).toEqual([1_060_000, 1_010_000, 1_060_000]);
  });

  it("that is loaded again waits for what is near at once, and trusts the alarm that was set for what is far", () => {
    clock().resume(1_004_000);
    clock().resume(999_000);
    clock().resume(1_060_000);
    vi.advanceTimersByTime(5_000);
    expect({ alarms, woken }).toEqual({ alarms: [], woken: [1_000_000, 1_004_000] });
  });
});
