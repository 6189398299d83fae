/** One period of a tone's cadence as linear samples. It begins and ends in silence, so that it repeats without a seam. */
import type { Tone } from "./tone-table.ts";

const SAMPLES_PER_MS = 8;
/** About -13 dBm0 for all frequencies together: what exchanges send (ITU-T E.180, -10 dBm0 with 5 dB to spare). */
const PEAK = 7_000;
/** Edges of this length do not click and are far within the tolerance of any cadence. */
const EDGE_SAMPLES = 3 * SAMPLES_PER_MS;
const MODULATION_DEPTH = 0.85;

export function synthesizeTone(tone: Tone): Int16Array {
  const samples = new Int16Array(tone.cadenceMs.reduce((sum, ms) => sum + ms, 0) * SAMPLES_PER_MS);
  let start = 0;
  for (const [turn, ms] of tone.cadenceMs.entries()) {
    const end = start + ms * SAMPLES_PER_MS;
    if (turn % 2 === 0) sound(tone, samples.subarray(start, end));
    start = end;
  }
  return samples;
}

function sound({ hertz, modulationHertz }: Tone, samples: Int16Array): void {
  for (let at = 0; at < samples.length; at++) {
    let sum = 0;
    for (const frequency of hertz) sum += wave(frequency, at);
    const swell =
      modulationHertz === undefined ? 1 : (1 + MODULATION_DEPTH * wave(modulationHertz, at)) / (1 + MODULATION_DEPTH);
    samples[at] = Math.round((PEAK / hertz.length) * sum * swell * edge(at, samples.length));
  }
}

function wave(hertz: number, at: number): number {
  return Math.sin((2 * Math.PI * hertz * at) / (1000 * SAMPLES_PER_MS));
}

/** 0 at both ends of a burst, 1 in between. */
function edge(at: number, length: number): number {
  return Math.min(1, at / EDGE_SAMPLES, (length - 1 - at) / EDGE_SAMPLES);
}
