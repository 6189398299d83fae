import { describe, expect, it } from "vitest";
import {
  longestQuietMs,
  longestSilenceMs,
  rms,
  silences,
  spectrumShare,
  strongTones,
  tone,
  toneStartMs,
} from "../../support/tone.ts";
import { decodeWav, encodeWav } from "../../support/wav.ts";

function joined(...parts: readonly Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

/** Reproducible noise (a linear congruential generator). */
function noise(count: number, amplitude: number): Int16Array {
  let state = 1;
  return Int16Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.round((state / 2 ** 31 - 1) * amplitude * 32_767);
  });
}

/** G.711 µ-law there and back (ITU-T G.711): what a tone has gone through on the wire. */
function throughMuLaw(samples: Int16Array): Int16Array {
  return samples.map((sample) => {
    const magnitude = Math.min(Math.abs(sample) + 132, 32_767);
    const exponent = Math.max(0, Math.floor(Math.log2(magnitude)) - 7);
    const decoded = (((((magnitude >> (exponent + 3)) & 0x0f) << 3) + 132) << exponent) - 132;
    return sample < 0 ? -decoded : decoded;
  });
}

describe.each([8_000, 48_000])("at %i samples a second", (rate) => {
  const make = (frequency: number, seconds: number, amplitude = 0.5): Int16Array =>
    tone({ frequency, seconds, rate, amplitude });

  it("finds all energy of a tone at its own frequency and none elsewhere", () => {
    expect(spectrumShare(make(1_000, 1), rate, 1_000)).toBeGreaterThan(0.99);
    expect(spectrumShare(make(1_000, 1), rate, 1_020)).toBeLessThan(0.01);
    expect(spectrumShare(make(1_000, 1), rate, 440)).toBeLessThan(0.01);
  });

  it("finds each of two tones with its share", () => {
    const [a, b] = [make(440, 1, 0.3), make(1_000, 1, 0.3)];
    const both = a.map((sample, index) => sample + (b[index] ?? 0));
    expect(spectrumShare(both, rate, 440)).toBeCloseTo(0.5, 1);
    expect(spectrumShare(both, rate, 1_000)).toBeCloseTo(0.5, 1);
  });

  it("finds no tone in noise and in silence", () => {
    expect(spectrumShare(noise(rate, 0.5), rate, 1_000)).toBeLessThan(0.05);
    expect(spectrumShare(new Int16Array(rate), rate, 1_000)).toBe(0);
    expect(spectrumShare(new Int16Array(0), rate, 1_000)).toBe(0);
  });

  it("knows a tone that went through G.711", () => {
    expect(spectrumShare(throughMuLaw(make(700, 1)), rate, 700)).toBeGreaterThan(0.99);
    expect(longestSilenceMs(throughMuLaw(make(700, 1)), rate, 700)).toBe(0);
  });

  it("measures a gap to within one step of the grid", () => {
    for (const gapMs of [20, 50, 135, 400]) {
      const samples = joined(make(1_000, 1), new Int16Array((rate * gapMs) / 1_000), make(1_000, 1));
      expect(Math.abs(longestSilenceMs(samples, rate, 1_000) - gapMs)).toBeLessThanOrEqual(10);
    }
  });

  it("counts another tone or noise as silence of the one that is looked for", () => {
    expect(longestSilenceMs(joined(make(1_000, 1), make(400, 0.3), make(1_000, 1)), rate, 1_000)).toBe(300);
    const breath = longestSilenceMs(joined(make(1_000, 1), noise(rate * 0.3, 0.05), make(1_000, 1)), rate, 1_000);
    expect(Math.abs(breath - 300)).toBeLessThanOrEqual(20);
  });

  it("looks for silence only inside the span", () => {
    const samples = joined(new Int16Array(rate), make(1_000, 2), new Int16Array(rate / 10), make(1_000, 1));
    expect(silences(samples, rate, 1_000)).toEqual([
      { atMs: 0, lastsMs: 1_000 },
      { atMs: 3_000, lastsMs: 100 },
    ]);
    expect(longestSilenceMs(samples, rate, 1_000, { from: 1_000 })).toBe(100);
    expect(longestSilenceMs(samples, rate, 1_000, { from: 1_000, to: 3_050 })).toBe(50);
    expect(toneStartMs(samples, rate, 1_000)).toBe(1_000);
  });

  it("calls a recording without the tone one long silence", () => {
    expect(longestSilenceMs(new Int16Array(rate), rate, 1_000)).toBe(1_000);
    expect(toneStartMs(new Int16Array(rate), rate, 1_000)).toBeUndefined();
  });

  it("knows where nothing sounds, whatever else the pitch is", () => {
    const samples = joined(
      make(440, 0.5),
      noise(rate / 10, 0.003),
      make(700, 0.5),
      new Int16Array(rate / 20),
      make(250, 0.2),
    );
    expect(longestQuietMs(samples, rate)).toBe(100);
    expect(longestQuietMs(samples, rate, { from: 700 })).toBe(50);
    expect(longestQuietMs(noise(rate, 0.1), rate)).toBe(0);
  });

  it("names the notes of a tune, and none in noise or silence", () => {
    const tune = [262, 330, 392].map((frequency) => make(frequency, 0.4));
    expect(strongTones(throughMuLaw(joined(...tune)), rate)).toEqual([262, 330, 392]);
    expect(strongTones(make(440, 1), rate)).toEqual([440]);
    expect(strongTones(noise(rate, 0.3), rate)).toEqual([]);
    expect(strongTones(new Int16Array(rate), rate)).toEqual([]);
  });

  it("gives a tone of amplitude 0.5 its root mean square", () => {
    expect(rms(make(1_000, 1), rate)).toBeCloseTo(0.3535, 3);
  });
});

describe("a WAV file", () => {
  const recording = { rate: 8_000, samples: tone({ frequency: 500, seconds: 0.1 }) };
  it("comes back as it was", () => {
    expect(decodeWav(encodeWav(recording))).toEqual(recording);
  });
  it("is read to its end when its recorder was killed before it wrote the lengths", () => {
    const bytes = encodeWav(recording);
    bytes.writeUInt32LE(0, 40);
    expect(decodeWav(bytes)).toEqual(recording);
    bytes.writeUInt32LE(0xffff_ffff, 40);
    expect(decodeWav(bytes)).toEqual(recording);
  });
  it("is refused when it is something else", () => {
    expect(() => decodeWav(Buffer.from("hello, world, this is text"))).toThrow("not a WAV file");
  });
});
