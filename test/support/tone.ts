/** Tones and what a recording says about them: which frequency is in it, and where it falls silent. */

export interface ToneOptions {
  readonly frequency: number;
  readonly seconds: number;
  readonly rate?: number;
  /** Peak, of full scale. */
  readonly amplitude?: number;
}

/** Part of a recording, in milliseconds from its start. */
export interface Span {
  readonly from?: number;
  readonly to?: number;
}

export function tone({ frequency, seconds, rate = 8_000, amplitude = 0.5 }: ToneOptions): Int16Array {
  const step = (2 * Math.PI * frequency) / rate;
  return Int16Array.from({ length: Math.round(seconds * rate) }, (_, n) =>
    Math.round(amplitude * 32_767 * Math.sin(n * step)),
  );
}

export function slice(samples: Int16Array, rate: number, { from = 0, to = Infinity }: Span = {}): Int16Array {
  return samples.subarray(
    Math.round((from * rate) / 1_000),
    to === Infinity ? samples.length : Math.round((to * rate) / 1_000),
  );
}

/** Energy of one frequency in a block, as the sum of squares that a tone of that frequency would have (Goertzel). */
function toneEnergy(block: Int16Array, rate: number, frequency: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequency) / rate);
  let before = 0;
  let last = 0;
  for (const sample of block) {
    const now = sample + coefficient * last - before;
    before = last;
    last = now;
  }
  const power = last * last + before * before - coefficient * last * before;
  return block.length === 0 ? 0 : (2 * power) / block.length;
}

function energy(block: Int16Array): number {
  let sum = 0;
  for (const sample of block) sum += sample * sample;
  return sum;
}

function* blocks(samples: Int16Array, size: number): Generator<Int16Array> {
  for (let at = 0; at + size <= samples.length; at += size) yield samples.subarray(at, at + size);
}

/** Root mean square, of full scale. A tone of amplitude 0.5 has 0.354. */
export function rms(samples: Int16Array, rate: number, span: Span = {}): number {
  const part = slice(samples, rate, span);
  return part.length === 0 ? 0 : Math.sqrt(energy(part) / part.length) / 32_768;
}

/** Blocks of 50 ms tell frequencies 20 Hz apart and forgive a jump of phase, as after a lost packet. */
const SPECTRUM_BLOCK_MS = 50;

/** Share of all energy that lies at a frequency: near 1 for the pure tone, near 0 for another tone, noise or silence. */
export function spectrumShare(samples: Int16Array, rate: number, frequency: number, span: Span = {}): number {
  let all = 0;
  let there = 0;
  for (const block of blocks(slice(samples, rate, span), (rate * SPECTRUM_BLOCK_MS) / 1_000)) {
    const blockEnergy = energy(block);
    all += blockEnergy;
    there += Math.min(blockEnergy, toneEnergy(block, rate, frequency));
  }
  return all === 0 ? 0 : there / all;
}

/** The grid on which silence is measured. */
export const SILENCE_GRID_MS = 10;
/** Quieter than this share of the recording's loud blocks counts as silence. */
const SILENCE_SHARE = 0.25;
/** Quieter than this amplitude is silence in any recording: coding noise reaches about 10. */
const SILENCE_FLOOR = 150;

/** Amplitude of a frequency in each block of the grid. */
function toneAmplitudes(samples: Int16Array, rate: number, frequency: number): readonly number[] {
  const size = (rate * SILENCE_GRID_MS) / 1_000;
  return Array.from(blocks(samples, size), (block) => Math.sqrt((2 * toneEnergy(block, rate, frequency)) / size));
}

export interface Silence {
  /** From the start of the recording. */
  readonly atMs: number;
  readonly lastsMs: number;
}

/** Every stretch without the tone, on a grid of 10 ms. "Loud" is judged over the whole recording, silence inside the span. */
export function silences(
  samples: Int16Array,
  rate: number,
  frequency: number,
  { from = 0, to = Infinity }: Span = {},
): readonly Silence[] {
  const amplitudes = toneAmplitudes(samples, rate, frequency);
  const loud = [...amplitudes].sort((a, b) => a - b)[Math.floor(amplitudes.length * 0.9)] ?? 0;
  const limit = Math.max(SILENCE_FLOOR, loud * SILENCE_SHARE);
  const found: Silence[] = [];
  let startMs: number | undefined;
  const first = Math.ceil(from / SILENCE_GRID_MS);
  const last = Math.min(amplitudes.length, Math.floor(to / SILENCE_GRID_MS));
  for (let index = first; index <= last; index++) {
    const atMs = index * SILENCE_GRID_MS;
    const silent = index < last && (amplitudes[index] ?? 0) < limit;
    if (silent) startMs ??= atMs;
    else if (startMs !== undefined) {
      found.push({ atMs: startMs, lastsMs: atMs - startMs });
      startMs = undefined;
    }
  }
  return found;
}

/** The longest stretch without the tone; 0 when it never stops. */
export function longestSilenceMs(samples: Int16Array, rate: number, frequency: number, span: Span = {}): number {
  return silences(samples, rate, frequency, span).reduce((longest, { lastsMs }) => Math.max(longest, lastsMs), 0);
}

/** When the tone first sounds for three blocks in a row, from the start of the recording; `undefined` if never. */
export function toneStartMs(samples: Int16Array, rate: number, frequency: number): number | undefined {
  const amplitudes = toneAmplitudes(samples, rate, frequency);
  const loud = [...amplitudes].sort((a, b) => a - b)[Math.floor(amplitudes.length * 0.9)] ?? 0;
  const limit = Math.max(SILENCE_FLOOR, loud * SILENCE_SHARE);
  const index = amplitudes.findIndex(
    (_, at) => amplitudes.slice(at, at + 3).every((one) => one >= limit) && at + 3 <= amplitudes.length,
  );
  return index < 0 ? undefined : index * SILENCE_GRID_MS;
}

/** The longest stretch in which nothing sounds, of whatever pitch, on the same grid. */
export function longestQuietMs(samples: Int16Array, rate: number, span: Span = {}): number {
  let longest = 0;
  let quiet = 0;
  for (const block of blocks(slice(samples, rate, span), (rate * SILENCE_GRID_MS) / 1_000)) {
    quiet = Math.sqrt((2 * energy(block)) / block.length) < SILENCE_FLOOR ? quiet + SILENCE_GRID_MS : 0;
    longest = Math.max(longest, quiet);
  }
  return longest;
}

/** Blocks of 200 ms tell semitones apart from A3 on. */
const PITCH_BLOCK_MS = 200;
const STRONG_SHARE = 0.2;

/** The semitones from A3 (220 Hz) up two octaves that in some block have a fifth of its energy; as frequencies. */
export function strongTones(samples: Int16Array, rate: number, span: Span = {}): readonly number[] {
  const pitches = Array.from({ length: 25 }, (_, semitone) => 220 * 2 ** (semitone / 12));
  const strong = new Set<number>();
  for (const block of blocks(slice(samples, rate, span), (rate * PITCH_BLOCK_MS) / 1_000)) {
    const all = energy(block);
    if (Math.sqrt((2 * all) / block.length) < SILENCE_FLOOR) continue;
    for (const pitch of pitches) if (toneEnergy(block, rate, pitch) > all * STRONG_SHARE) strong.add(Math.round(pitch));
  }
  return [...strong].sort((a, b) => a - b);
}
