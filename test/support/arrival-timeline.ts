/**
 * When audio arrived, as seen from outside: how long a growing recording was at each look.
 * A phone without a sound device writes what it hears packet by packet, so a pause in the network shortens its recording
 * instead of leaving a silence in it. This puts the silence back.
 */

/** Packets may be this late, two frames of 20 ms, without counting as a pause. */
const JITTER_MS = 40;

export class ArrivalTimeline {
  readonly #rate: number;
  readonly #looks: { readonly atMs: number; readonly samples: number }[] = [];

  constructor(rate: number) {
    this.#rate = rate;
  }

  /** Notes the recording's length at a moment; looks at which nothing grew cost nothing. */
  look(atMs: number, samples: number): void {
    if (samples > this.samplesSeen) this.#looks.push({ atMs, samples });
  }

  get samplesSeen(): number {
    return this.#looks.at(-1)?.samples ?? 0;
  }

  /** When the first audio had arrived; place 0 of the real-time recording is the start of its first block. */
  get startedAtMs(): number | undefined {
    const first = this.#looks[0];
    return first === undefined ? undefined : first.atMs - this.#msOf(first.samples);
  }

  get lastArrivalAtMs(): number | undefined {
    return this.#looks.at(-1)?.atMs;
  }

  /**
   * The recording as it would have been heard: every block at the time of its arrival. A look that was late by itself does
   * no harm, because it finds the more audio. `untilMs` adds the silence from the last arrival to that moment.
   */
  inRealTime(recorded: Int16Array, untilMs?: number): Int16Array {
    const startedAtMs = this.startedAtMs;
    if (startedAtMs === undefined) return new Int16Array(0);
    const placed: { readonly at: number; readonly block: Int16Array }[] = [];
    let end = 0;
    let taken = 0;
    for (const { atMs, samples } of this.#looks) {
      const block = recorded.subarray(taken, samples);
      taken = samples;
      const at = this.#samplesIn(atMs - startedAtMs) - block.length;
      const start = at - end > this.#samplesIn(JITTER_MS) ? at : end;
      placed.push({ at: start, block });
      end = start + block.length;
    }
    const length = untilMs === undefined ? end : Math.max(end, this.#samplesIn(untilMs - startedAtMs));
    const out = new Int16Array(length);
    for (const { at, block } of placed) out.set(block, at);
    return out;
  }

  #msOf(samples: number): number {
    return (samples * 1_000) / this.#rate;
  }

  #samplesIn(ms: number): number {
    return Math.round((ms * this.#rate) / 1_000);
  }
}
