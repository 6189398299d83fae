/** What is heard while nobody talks: made here, so that nothing has to be loaded. */
import { audioContext } from "./audio-context.ts";

interface Cadence {
  readonly hertz: readonly number[];
  /** Milliseconds of sound and silence in turn; then it starts again. */
  readonly pattern: readonly number[];
}

/** ITU-T E.180 supplement 2: what callers are used to hear while it rings over there. */
const RINGBACK: readonly (readonly [regions: RegExp, cadence: Cadence])[] = [
  [/^(us|ca|mx)-/, { hertz: [440, 480], pattern: [2_000, 4_000] }],
  [/^(uk|gb|ie|eu-west|ap-south|au|nz)/, { hertz: [400, 450], pattern: [400, 200, 400, 2_000] }],
];
const RINGBACK_ELSEWHERE: Cadence = { hertz: [425], pattern: [1_000, 4_000] };

export function ringbackFor(region: string): Cadence {
  return RINGBACK.find(([regions]) => regions.test(region))?.[1] ?? RINGBACK_ELSEWHERE;
}

/** Rows and columns of the keypad (ITU-T Q.23). */
const KEY_HERTZ: Readonly<Record<string, readonly [number, number]>> = {
  "1": [697, 1_209],
  "2": [697, 1_336],
  "3": [697, 1_477],
  "4": [770, 1_209],
  "5": [770, 1_336],
  "6": [770, 1_477],
  "7": [852, 1_209],
  "8": [852, 1_336],
  "9": [852, 1_477],
  "*": [941, 1_209],
  "0": [941, 1_336],
  "#": [941, 1_477],
};

const QUIET = 0.05;
/** Without a slope, switching on and off is a click. */
const SLOPE_SECONDS = 0.012;

export function playKey(key: string): void {
  const hertz = KEY_HERTZ[key];
  if (hertz !== undefined) beep(hertz, { atSeconds: 0, seconds: 0.12, gain: QUIET });
}

/** Something that sounds until it is stopped. */
export interface Sound {
  stop(): void;
}

export function playRingback(region: string): Sound {
  const { hertz, pattern } = ringbackFor(region);
  return repeat(total(pattern), () => {
    const sounds: Sound[] = [];
    let atMs = 0;
    for (const [index, ms] of pattern.entries()) {
      if (index % 2 === 0) sounds.push(beep(hertz, { atSeconds: atMs / 1_000, seconds: ms / 1_000, gain: QUIET }));
      atMs += ms;
    }
    return sounds;
  });
}

const RING_NOTES = [659.26, 783.99, 987.77, 783.99] as const;
const RING_EVERY_MS = 2_800;

/** Four soft notes, twice, and a pause to breathe. */
export function playRing(): Sound {
  return repeat(RING_EVERY_MS, () =>
    [...RING_NOTES, ...RING_NOTES].map((hertz, index) =>
      beep([hertz, hertz * 2], { atSeconds: index * 0.17, seconds: 0.16, gain: 0.12 }),
    ),
  );
}

const KNOCK_EVERY_MS = 5_000;

/** A second call knocks, quietly, into the first. */
export function playKnocks(): Sound {
  return repeat(KNOCK_EVERY_MS, () =>
    [0, 0.16].map((atSeconds) => beep([880], { atSeconds, seconds: 0.09, gain: 0.07 })),
  );
}

function repeat(everyMs: number, play: () => readonly Sound[]): Sound {
  let sounds = play();
  const timer = setInterval(() => {
    sounds = play();
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      for (const sound of sounds) sound.stop();
    },
  };
}

function beep(
  hertz: readonly number[],
  { atSeconds, seconds, gain }: { readonly atSeconds: number; readonly seconds: number; readonly gain: number },
): Sound {
  const context = audioContext();
  const start = context.currentTime + atSeconds;
  const volume = context.createGain();
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(gain, start + SLOPE_SECONDS);
  volume.gain.setValueAtTime(gain, start + Math.max(SLOPE_SECONDS, seconds - SLOPE_SECONDS));
  volume.gain.linearRampToValueAtTime(0, start + seconds);
  volume.connect(context.destination);
  const oscillators = hertz.map((frequency) => {
    const oscillator = context.createOscillator();
    oscillator.frequency.value = frequency;
    oscillator.connect(volume);
    oscillator.start(start);
    oscillator.stop(start + seconds + SLOPE_SECONDS);
    return oscillator;
  });
  return {
    stop() {
      for (const oscillator of oscillators) oscillator.disconnect();
      volume.disconnect();
    },
  };
}

function total(pattern: readonly number[]): number {
  return pattern.reduce((sum, ms) => sum + ms, 0);
}
