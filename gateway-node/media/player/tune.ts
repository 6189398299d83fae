/**
 * The tune of the number `music`: the first eight bars of the prelude in C major, BWV 846 (J. S. Bach, 1722), plucked
 * softly. It is rendered once for each process, and the last notes ring on into the start: no seam when it repeats.
 */

const RATE = 8_000;
/** A semiquaver at 80 crotchets a minute. */
const NOTE_SAMPLES = 1_500;
const NOTES_IN_BAR = 16;
/** How long a plucked note can be heard. */
const RING_SAMPLES = 10_000;
const ATTACK_SAMPLES = 80;
/** The last samples of a note go to nothing, whatever is left of it. */
const RELEASE_SAMPLES = 800;
const DECAY_PER_SAMPLE = Math.exp(-3.2 / RING_SAMPLES);
/** Overtones give the low notes, which telephones do not carry, something to be heard by. */
const OVERTONES = [1, 0.45, 0.2, 0.08];
const PEAK = 9_000;

/** Each bar is one chord of five notes, low to high, as semitones over A4 (440 Hz). */
const BARS: readonly (readonly number[])[] = [
  [-9, -5, -2, 3, 7],
  [-9, -7, 0, 5, 8],
  [-10, -7, -2, 5, 8],
  [-9, -5, -2, 3, 7],
  [-9, -5, 0, 7, 12],
  [-9, -7, -3, 0, 5],
  [-10, -7, -2, 5, 10],
  [-10, -9, -5, -2, 3],
];
/** Which notes of the chord follow each other; every bar has this twice. */
const FIGURE = [0, 1, 2, 3, 4, 2, 3, 4];

const WAVE_SIZE = 2_048;
const WAVE = Float64Array.from({ length: WAVE_SIZE }, (_, at) =>
  OVERTONES.reduce((sum, gain, order) => sum + gain * Math.sin((2 * Math.PI * (order + 1) * at) / WAVE_SIZE), 0),
);

export function renderTune(): Int16Array {
  const mix = new Float64Array(BARS.length * NOTES_IN_BAR * NOTE_SAMPLES);
  // A gateway renders while it relays: each pitch is computed once.
  const plucked = new Map<number, Float64Array>();
  let start = 0;
  for (const chord of BARS) {
    for (let turn = 0; turn < NOTES_IN_BAR; turn++) {
      const semitones = chord[FIGURE[turn % FIGURE.length] ?? 0] ?? 0;
      const note = plucked.get(semitones) ?? pluck(440 * 2 ** (semitones / 12));
      plucked.set(semitones, note);
      add(mix, note, start);
      start += NOTE_SAMPLES;
    }
  }
  return toSamples(mix);
}

function pluck(hertz: number): Float64Array {
  const note = new Float64Array(RING_SAMPLES);
  const step = (hertz * WAVE_SIZE) / RATE;
  let phase = 0;
  let level = 1;
  for (let at = 0; at < RING_SAMPLES; at++) {
    const edge = Math.min(1, at / ATTACK_SAMPLES, (RING_SAMPLES - at) / RELEASE_SAMPLES);
    note[at] = (WAVE[Math.trunc(phase)] ?? 0) * level * edge;
    level *= DECAY_PER_SAMPLE;
    phase = (phase + step) % WAVE_SIZE;
  }
  return note;
}

/** What reaches past the end is heard at the start of the next round. */
function add(mix: Float64Array, note: Float64Array, start: number): void {
  let to = start;
  for (let at = 0; at < note.length; at++) {
    if (to === mix.length) to = 0;
    mix[to] = (mix[to] ?? 0) + (note[at] ?? 0);
    to += 1;
  }
}

function toSamples(mix: Float64Array): Int16Array {
  let peak = 0;
  for (let at = 0; at < mix.length; at++) peak = Math.max(peak, Math.abs(mix[at] ?? 0));
  const samples = new Int16Array(mix.length);
  for (let at = 0; at < mix.length; at++) samples[at] = Math.round(((mix[at] ?? 0) / peak) * PEAK);
  return samples;
}
