import { describe, expect, test } from "vitest";
import { MEDIA_SOURCES, TONE_COUNTRIES, TONE_SIGNALS } from "#protocol/media";
import { decodeG711 } from "../../../../../gateway-node/media/codecs/g711.ts";
import { SourceLibrary } from "../../../../../gateway-node/media/player/source-library.ts";
import { TONE_TABLE, toneOf } from "../../../../../gateway-node/media/player/tone-table.ts";
import { rms, spectrumShare } from "../../../../support/tone.ts";

const RATE = 8_000;
const library = new SourceLibrary();
const ROWS = TONE_COUNTRIES.flatMap((country) =>
  TONE_SIGNALS.map((signal) => ({ source: `${signal}-${country}` as const, ...TONE_TABLE[country][signal] })),
);

/** Bursts of a cadence as spans of milliseconds, and the pauses between them. */
function turns(cadenceMs: readonly number[]): { readonly from: number; readonly to: number; readonly on: boolean }[] {
  let from = 0;
  return cadenceMs.map((ms, turn) => {
    const span = { from, to: from + ms, on: turn % 2 === 0 };
    from += ms;
    return span;
  });
}

describe.each(ROWS)("$source", ({ source, hertz, modulationHertz, cadenceMs }) => {
  test.each(["PCMU", "PCMA"] as const)("sounds at its frequencies in its cadence, in %s", (codec) => {
    const samples = decodeG711(codec, library.encoded(source, codec));
    expect((samples.length / RATE) * 1_000).toBe(turns(cadenceMs).at(-1)?.to);
    for (const { from, to, on } of turns(cadenceMs)) {
      const inside = { from: from + 5, to: to - 5 };
      if (!on) {
        expect(rms(samples, RATE, { from, to })).toBeLessThan(0.001);
        continue;
      }
      expect(rms(samples, RATE, inside)).toBeGreaterThan(0.05);
      const share = hertz.reduce((sum, one) => sum + spectrumShare(samples, RATE, one, inside), 0);
      expect(share).toBeGreaterThan(modulationHertz === undefined ? 0.9 : 0.6);
      // The edges are as sharp as the cadence says, to 5 ms.
      expect(rms(samples, RATE, { from, to: from + 5 })).toBeGreaterThan(0.01);
      expect(rms(samples, RATE, { from: to - 5, to })).toBeGreaterThan(0.01);
    }
  });
});

test.each(["ringback-in", "ringback-jp"] as const)("%s swells at the rate that its table says", (source) => {
  const samples = library.samples(source);
  const modulationHertz = toneOf(source).modulationHertz ?? 0;
  const half = 500 / modulationHertz;
  // Loudest a quarter of a swell after the start, quietest three quarters after it.
  const loud = rms(samples, RATE, { from: half / 2 - 4, to: half / 2 + 4 });
  const quiet = rms(samples, RATE, { from: 1.5 * half - 4, to: 1.5 * half + 4 });
  expect(loud / quiet).toBeGreaterThan(3);
});

test("rows that must not be mixed up differ: 440 Hz and 480 Hz ring in the United States, 400 Hz and 450 Hz in Britain", () => {
  expect(TONE_TABLE.us.ringback).toEqual({ hertz: [440, 480], cadenceMs: [2000, 4000] });
  expect(TONE_TABLE.uk.ringback).toEqual({ hertz: [400, 450], cadenceMs: [400, 200, 400, 2000] });
  expect(TONE_TABLE.eu.ringback).toEqual({ hertz: [425], cadenceMs: [1000, 4000] });
  expect(TONE_TABLE.in.ringback).toEqual({ hertz: [400], modulationHertz: 25, cadenceMs: [400, 200, 400, 2000] });
});

test("the tune lasts 20 to 30 seconds, is never silent, and repeats without a step", () => {
  const tune = library.samples("music");
  const seconds = tune.length / RATE;
  expect(seconds).toBeGreaterThanOrEqual(20);
  expect(seconds).toBeLessThanOrEqual(30);
  for (let from = 0; from < seconds * 1_000; from += 100)
    expect(rms(tune, RATE, { from, to: from + 100 })).toBeGreaterThan(0.02);
  let [steepest, peak] = [0, 0];
  for (const [at, sample] of tune.entries()) {
    peak = Math.max(peak, Math.abs(sample));
    steepest = Math.max(steepest, Math.abs(sample - (tune[at - 1] ?? sample)));
  }
  expect(Math.abs((tune[0] ?? 0) - (tune.at(-1) ?? 0))).toBeLessThan(steepest);
  expect(peak).toBeLessThan(16_000);
});

test("every source that the protocol names can be played", () => {
  for (const source of MEDIA_SOURCES) expect(library.samples(source).length).toBeGreaterThan(0);
  expect(MEDIA_SOURCES.length).toBe(1 + ROWS.length);
});
