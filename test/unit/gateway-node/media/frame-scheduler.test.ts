import { describe, expect, test } from "vitest";
import { createLab } from "./generated-audio.ts";

/** A task that notes when it ran and for which frame. */
function recorder(lab: ReturnType<typeof createLab>): {
  readonly runs: [number, number][];
  onFrame(frame: number): void;
} {
  const runs: [number, number][] = [];
  const startMs = lab.clock.nowMs();
  return { runs, onFrame: (frame) => void runs.push([frame, lab.clock.nowMs() - startMs]) };
}

describe("the frame scheduler", () => {
  test("runs every 20 ms of one grid, whenever a task came", () => {
    const lab = createLab();
    const [early, late] = [recorder(lab), recorder(lab)];
    lab.scheduler.add(early);
    lab.clock.advance(47);
    lab.scheduler.add(late);
    lab.clock.advance(40);
    expect(early.runs).toEqual([
      [1, 20],
      [2, 40],
      [3, 60],
      [4, 80],
    ]);
    expect(late.runs).toEqual([
      [3, 60],
      [4, 80],
    ]);
  });

  test("does not drift, though its timers count whole milliseconds and are late", () => {
    const lab = createLab(1_700_000_000_000.4);
    const task = recorder(lab);
    lab.scheduler.add(task);
    for (let turn = 0; turn < 50_000; turn++) lab.clock.advance(0.73);
    const expected = Math.floor((50_000 * 0.73) / 20);
    expect(Math.abs(task.runs.length - expected)).toBeLessThanOrEqual(1);
    for (const [frame, atMs] of task.runs) expect(atMs - frame * 20).toBeLessThan(2);
  });

  test.each([
    { stallMs: 45, runs: 2, skipped: 0 },
    { stallMs: 65, runs: 3, skipped: 0 },
    { stallMs: 85, runs: 3, skipped: 1 },
    { stallMs: 500, runs: 3, skipped: 22 },
  ])("makes up for at most 60 ms of a stall of $stallMs ms", ({ stallMs, runs, skipped }) => {
    const lab = createLab();
    const task = recorder(lab);
    lab.scheduler.add(task);
    lab.clock.advance(20);
    task.runs.length = 0;
    lab.clock.stall(stallMs);
    expect(task.runs.length).toBe(runs);
    expect(lab.counters.get("media.frames-skipped") ?? 0).toBe(skipped);
    const last = task.runs.at(-1)?.[0] ?? 0;
    expect(last).toBe(1 + runs + skipped);
    lab.clock.advance(20);
    expect(task.runs.at(-1)?.[0]).toBe(last + 1);
  });

  test("plays nothing while its process may have slept: the legs may be others' by now", () => {
    const lab = createLab();
    const task = recorder(lab);
    lab.scheduler.add(task);
    lab.asleep = true;
    lab.clock.advance(100);
    expect(task.runs).toEqual([]);
    lab.asleep = false;
    lab.clock.advance(20);
    expect(task.runs).toEqual([[6, 120]]);
  });

  test("a fault in a task ends that task, is not hidden, and nobody else loses a frame", () => {
    const lab = createLab();
    const task = recorder(lab);
    lab.scheduler.add({
      onFrame: () => {
        throw new RangeError("ours");
      },
    });
    lab.scheduler.add(task);
    expect(() => lab.clock.advance(20)).toThrow("ours");
    lab.clock.advance(40);
    expect(task.runs.map(([frame]) => frame)).toEqual([1, 2, 3]);
  });

  test("leaves no timer behind when the last task is gone", () => {
    const lab = createLab();
    const task = recorder(lab);
    lab.scheduler.add(task);
    lab.scheduler.remove(task);
    expect(lab.clock.armed).toBe(0);
    lab.clock.advance(33);
    lab.scheduler.add(task);
    lab.clock.advance(20);
    expect(task.runs).toEqual([[2, 40]]);
  });
});
