/**
 * The one 20 ms clock of everything that generates media here: players and rooms. It keeps to a fixed grid, so nothing
 * drifts. After a stall it makes up for at most 60 ms: phones would drop a longer burst, or play it late for ever.
 */
import type { MediaContext, MediaTimer } from "./media-plane-options.ts";
import type { WakeWatch } from "./wake-watch.ts";

export const FRAME_MS = 20;
/** Samples of a frame at 8 kHz, and its octets in G.711. */
export const FRAME_SAMPLES = 160;
const MAX_BURST_FRAMES = 3;

export interface FrameTask {
  /** `frame` counts by one every 20 ms, over skipped frames too; `atMs` is when the grid wanted it. */
  onFrame(frame: number, atMs: number): void;
}

export class FrameScheduler {
  readonly #context: Pick<MediaContext, "clock" | "count">;
  readonly #wakeWatch: Pick<WakeWatch, "slept">;
  readonly #tasks = new Set<FrameTask>();
  readonly #originMs: number;
  #next = 0;
  #timer: MediaTimer | undefined;

  constructor(context: Pick<MediaContext, "clock" | "count">, wakeWatch: Pick<WakeWatch, "slept">) {
    this.#context = context;
    this.#wakeWatch = wakeWatch;
    this.#originMs = context.clock.nowMs();
  }

  get tasks(): number {
    return this.#tasks.size;
  }

  /** `task` runs from the next frame of the grid on. */
  add(task: FrameTask): void {
    this.#tasks.add(task);
    if (this.#timer !== undefined) return;
    this.#next = this.#frameAt(this.#context.clock.nowMs()) + 1;
    this.#arm();
  }

  remove(task: FrameTask): void {
    this.#tasks.delete(task);
    if (this.#tasks.size > 0) return;
    this.#timer?.clear();
    this.#timer = undefined;
  }

  #tick(): void {
    const nowMs = this.#context.clock.nowMs();
    const due = this.#frameAt(nowMs);
    // After a sleep the legs may be others' by now, who play to them already.
    const allowed = this.#wakeWatch.slept(nowMs) ? 0 : MAX_BURST_FRAMES;
    const skipped = due + 1 - this.#next - allowed;
    if (skipped > 0) {
      this.#context.count("media.frames-skipped", skipped);
      this.#next += skipped;
    }
    // Armed before the work: whatever goes wrong in it, the others are played on.
    const first = this.#next;
    this.#next = Math.max(first, due + 1);
    this.#arm();
    for (let frame = first; frame <= due; frame++) this.#run(frame);
  }

  #run(frame: number): void {
    const atMs = this.#originMs + frame * FRAME_MS;
    const faults: unknown[] = [];
    for (const task of this.#tasks) {
      try {
        task.onFrame(frame, atMs);
      } catch (error) {
        // A fault of ours ends the task that has it and no other.
        this.remove(task);
        faults.push(error);
      }
    }
    if (faults.length > 0) throw faults[0];
  }

  #arm(): void {
    const delayMs = this.#originMs + this.#next * FRAME_MS - this.#context.clock.nowMs();
    // Timers count whole milliseconds; rounded down, each frame would take two of them.
    this.#timer = this.#context.clock.setTimer(Math.max(0, Math.ceil(delayMs)), () => this.#tick());
  }

  #frameAt(nowMs: number): number {
    return Math.floor((nowMs - this.#originMs) / FRAME_MS);
  }
}
