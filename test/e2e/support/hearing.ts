/** What a talker heard of another, judged by the other's tone. */
import { expect } from "vitest";
import { longestSilenceMs, spectrumShare, toneStartMs } from "../../support/tone.ts";
import { waitUntil } from "../../support/wait-until.ts";
import type { Talker } from "./talker.ts";

/** A jitter buffer finds its depth in the first moments of a talk. */
const SETTLING_MS = 500;

/** A stretch of real time: audio has to sound to be heard, and no event says that it has. */
export function talkFor(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until a talker hears a tone at all. */
export async function waitHeard(listener: Talker, frequency: number, timeoutMs = 5_000): Promise<void> {
  await waitUntil(
    `${listener.identity} hears ${frequency} Hz`,
    async () => {
      const recording = await listener.heard().catch(() => undefined);
      return recording !== undefined && toneStartMs(recording.samples, recording.rate, frequency) !== undefined;
    },
    { timeoutMs, everyMs: 100 },
  );
}

export interface Hearing {
  /** Share of the energy that is the tone's. */
  readonly share: number;
  readonly longestSilenceMs: number;
  /** Length of what was judged. */
  readonly judgedMs: number;
}

/** What of a tone a talker heard since `sinceMs` (wall time), from when the tone had settled. */
export async function hearing(listener: Talker, frequency: number, sinceMs = 0, untilMs?: number): Promise<Hearing> {
  const { samples, rate, startedAtMs } = await listener.heard(untilMs);
  const start = toneStartMs(samples, rate, frequency);
  if (start === undefined) return { share: 0, longestSilenceMs: Infinity, judgedMs: 0 };
  const from = Math.max(start + SETTLING_MS, sinceMs - startedAtMs);
  return {
    share: spectrumShare(samples, rate, frequency, { from }),
    longestSilenceMs: longestSilenceMs(samples, rate, frequency, { from }),
    judgedMs: (samples.length * 1_000) / rate - from,
  };
}

export interface HeardLimits {
  readonly forMs?: number;
  readonly silenceMs?: number;
  readonly share?: number;
  readonly sinceMs?: number;
  readonly untilMs?: number | undefined;
}

/** The listener heard the tone, pure and without a break that a person would notice. */
export async function expectHeard(
  listener: Talker,
  frequency: number,
  { forMs = 1_000, silenceMs = 100, share = 0.9, sinceMs = 0, untilMs }: HeardLimits = {},
): Promise<void> {
  const heard = await hearing(listener, frequency, sinceMs, untilMs);
  const who = `${listener.identity}: ${JSON.stringify(heard)}`;
  expect(heard.judgedMs, who).toBeGreaterThanOrEqual(forMs);
  expect(heard.share, who).toBeGreaterThan(share);
  expect(heard.longestSilenceMs, who).toBeLessThanOrEqual(silenceMs);
}

/** From now on the two hear each other. */
export async function expectTalk(one: Talker, other: Talker): Promise<void> {
  await Promise.all([waitHeard(one, other.frequency), waitHeard(other, one.frequency)]);
  const sinceMs = Date.now() + 500;
  await talkFor(2_000);
  for (const [listener, speaker] of [
    [one, other],
    [other, one],
  ] as const) {
    const heard = await hearing(listener, speaker.frequency, sinceMs);
    const who = `${listener.identity} hears ${speaker.identity}: ${JSON.stringify(heard)}`;
    expect(heard.judgedMs, who).toBeGreaterThan(700);
    expect(heard.share, who).toBeGreaterThan(0.9);
  }
}
