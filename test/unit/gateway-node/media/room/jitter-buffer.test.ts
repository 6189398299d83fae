import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AudioPacket, IDLE, JitterBuffer } from "../../../../../gateway-node/media/room/jitter-buffer.ts";

const FRAME = 160;
const START_MS = 1_700_000_000_000;
/** Octets that decode to themselves and one more: nothing that was sent is 0, so silence shows. */
const DECODE = Int16Array.from({ length: 256 }, (_, code) => code + 1);
/** What is sent counts up, so that places can be told: 251 has no factor in common with a frame. */
const PERIOD = 251;

function packet(
  number: number,
  { samples = FRAME, ...changes }: Partial<AudioPacket> & { samples?: number } = {},
): AudioPacket {
  const payload = Uint8Array.from({ length: samples }, (_, at) => (number * samples + at) % PERIOD);
  return {
    ssrc: 1,
    sequence: (60_000 + number) & 0xffff,
    timestamp: (0xfffff000 + number * samples) >>> 0,
    payload,
    decode: DECODE,
    ...changes,
  };
}

interface Arrival {
  readonly atMs: number;
  readonly packet: AudioPacket;
}

interface Course {
  readonly frames: { readonly peak: number; readonly samples: Int16Array }[];
  readonly outcomes: Map<string, number>;
  readonly buffer: JitterBuffer;
  /** Samples made up since the given frame. */
  readonly concealedAt: number[];
}

/** Lets packets arrive and pulls a frame every 20 ms. */
function run(arrivals: readonly Arrival[], frames: number, buffer = new JitterBuffer()): Course {
  const waiting = [...arrivals].sort((a, b) => a.atMs - b.atMs);
  const course: Course = { frames: [], outcomes: new Map(), buffer, concealedAt: [] };
  for (let frame = 0; frame < frames; frame++) {
    const atMs = frame * 20 + 13;
    while ((waiting[0]?.atMs ?? Infinity) <= atMs) {
      const arrival = waiting.shift()!;
      const outcome = buffer.push(arrival.packet, START_MS + arrival.atMs);
      course.outcomes.set(outcome, (course.outcomes.get(outcome) ?? 0) + 1);
    }
    const samples = new Int16Array(FRAME);
    const peak = buffer.pull(samples, START_MS + atMs);
    course.frames.push({ peak, samples: peak === IDLE ? new Int16Array(FRAME) : samples });
    course.concealedAt.push(buffer.concealedSamples);
  }
  return course;
}

function steady(count: number, delayMs: (number: number) => number | undefined): Arrival[] {
  return Array.from({ length: count }, (_, number) => number).flatMap((number) => {
    const delay = delayMs(number);
    return delay === undefined ? [] : [{ atMs: number * 20 + delay, packet: packet(number) }];
  });
}

/** How often the sample after one is not the one that was sent after it. */
function breaks(frames: Course["frames"]): number {
  const samples = frames.flatMap(({ samples }) => [...samples]);
  return samples.filter((sample, at) => at > 0 && sample - 1 !== (samples[at - 1]! - 1 + 1) % PERIOD).length;
}

describe("a jitter buffer", () => {
  test("gives an even stream back sample by sample, 40 ms late, across the wrap of timestamp and sequence", () => {
    const course = run(
      steady(8_000, () => 5),
      7_900,
    );
    expect(course.buffer.delayMs).toBe(40);
    const first = course.frames.findIndex(({ peak }) => peak > 0);
    // Sent at 0, there at 5, played 40 ms after that: by the frames of 33 (its end) and 53.
    expect(first * 20 + 13).toBe(33);
    expect(breaks(course.frames.slice(first + 1))).toBe(0);
    expect(course.buffer.concealedSamples).toBe(0);
  });

  test.each([80, 240, 320, 480])("takes packets of %i samples", (samples) => {
    const arrivals = Array.from({ length: 200 }, (_, number) => ({
      atMs: (number * samples) / 8 + 3,
      packet: packet(number, { samples }),
    }));
    const course = run(arrivals, Math.floor((200 * samples) / FRAME) - 5);
    const first = course.frames.findIndex(({ peak }) => peak > 0);
    expect(breaks(course.frames.slice(first + 30))).toBe(0);
  });

  test("hears everything of a stream that jitters and is reordered, once it knows how much", () => {
    const delays = fc.array(fc.integer({ min: 0, max: 95 }), { minLength: 400, maxLength: 400 });
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 95 }), delays, (jitterMs, draws) => {
        // The extremes come every second: only what was seen can be known.
        const share = (number: number): number =>
          number % 50 === 0 ? 0 : number % 50 === 9 ? 95 : (draws[number] ?? 0);
        const course = run(
          steady(400, (number) => 30 + (share(number) * jitterMs) / 95),
          390,
        );
        const settled = 75;
        expect(course.concealedAt.at(-1)).toBe(course.concealedAt[settled]);
        expect(course.buffer.delayMs).toBeGreaterThanOrEqual(40);
        expect(course.buffer.delayMs).toBeLessThanOrEqual(120);
        expect(course.buffer.delayMs).toBeLessThanOrEqual(Math.max(40, jitterMs + 20));
      }),
      { numRuns: 40 },
    );
  });

  test("makes up what is lost and nothing else", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 300, maxLength: 300 }), (draws) => {
        const lost = (number: number): boolean => number > 5 && number < 270 && draws[number] === 0;
        const course = run(
          steady(300, (number) => (lost(number) ? undefined : 10)),
          280,
        );
        const losses = draws.filter((_, number) => lost(number)).length;
        expect(course.buffer.concealedSamples).toBeLessThanOrEqual(losses * FRAME);
        expect(course.buffer.concealedSamples).toBeGreaterThanOrEqual(Math.min(losses, 1) * FRAME);
        // Losses leave no other trace; one may lie in two frames.
        expect(course.outcomes.get("late") ?? 0).toBe(0);
        const whole = course.frames.filter(({ samples }) => breaks([{ peak: 1, samples }]) === 0).length;
        expect(whole).toBeGreaterThanOrEqual(280 - 2 * losses - 3);
      }),
      { numRuns: 40 },
    );
  });

  test("a loss is covered by the frame before it, which fades out within 60 ms", () => {
    const course = run(
      steady(100, (number) => (number >= 50 && number < 56 ? undefined : 0)),
      90,
    );
    const sum = ({ samples }: { readonly samples: Int16Array }): number => samples.reduce((all, one) => all + one, 0);
    const gap = course.frames.findIndex((_, at) => (course.concealedAt[at] ?? 0) > 0);
    const before = sum(course.frames[gap - 1]!);
    const levels = course.frames.slice(gap, gap + 6).map((frame) => sum(frame) / before);
    expect(levels[0]).toBeGreaterThan(0.7);
    expect(levels[1]).toBeLessThan(levels[0]!);
    expect(levels[2]).toBeLessThan(levels[1]!);
    expect(levels.slice(3)).toEqual([0, 0, 0]);
    expect(breaks(course.frames.slice(gap + 7))).toBe(0);
  });

  test("waits longer when packets come later, and comes back to 40 ms when they do not any more", () => {
    const spread = (number: number): number => (number > 100 && number < 250 && number % 3 === 0 ? 70 : 0);
    const arrivals = steady(1_000, spread);
    const course = run(arrivals, 200);
    expect(course.buffer.delayMs).toBe(90);
    expect(course.concealedAt[199]).toBe(course.concealedAt[130]);
    const later = run(arrivals, 900);
    expect(later.buffer.delayMs).toBe(40);
    expect(breaks(later.frames.slice(-200))).toBe(0);
    expect(later.concealedAt.at(-1)).toBe(later.concealedAt[130]);
  });

  test("follows a clock that is fast or slow by 200 ppm for ten minutes without a gap", () => {
    for (const factor of [1.0002, 0.9998]) {
      const arrivals = Array.from({ length: 30_000 }, (_, number) => ({
        atMs: number * 20 * factor,
        packet: packet(number),
      }));
      const course = run(arrivals, 29_900);
      expect(course.outcomes.get("late") ?? 0).toBe(0);
      expect(course.buffer.concealedSamples).toBe(0);
    }
  });

  test("goes idle when the sender stops, and takes up again without what was before", () => {
    const talk = steady(50, () => 0);
    const again = Array.from({ length: 50 }, (_, at) => ({
      atMs: 5_000 + at * 20,
      packet: packet(250 + at, { sequence: (60_050 + at) & 0xffff }),
    }));
    const course = run([...talk, ...again], 330);
    const peaks = course.frames.map(({ peak }) => peak);
    expect(peaks[70]).toBe(IDLE);
    expect(peaks[249]).toBe(IDLE);
    const first = peaks.findIndex((peak, at) => at > 100 && peak > 0);
    expect((first - 250) * 20).toBeLessThanOrEqual(60);
    expect(breaks(course.frames.slice(first + 1, first + 45))).toBe(0);
  });

  test("starts anew with another SSRC, with numbers that jumped and proved themselves, and with a clock that was set", () => {
    for (const change of [
      { ssrc: 2 },
      { sequence: 5_000 },
      // Set back by half a second.
      { timestamp: 77 },
    ]) {
      const moved = Array.from({ length: 60 }, (_, at) => {
        const plain = packet(50 + at);
        return {
          atMs: (50 + at) * 20,
          packet: {
            ...plain,
            ssrc: change.ssrc ?? 1,
            sequence: change.sequence === undefined ? plain.sequence : change.sequence + at,
            timestamp: change.timestamp === undefined ? plain.timestamp : change.timestamp + at * FRAME,
          },
        };
      });
      const course = run([...steady(50, () => 0), ...moved], 105);
      expect(course.outcomes.get("unproved") ?? 0).toBe(change.sequence === undefined ? 0 : 1);
      expect(course.outcomes.get("late") ?? 0).toBe(change.timestamp === undefined ? 0 : 3);
      expect(breaks(course.frames.slice(60))).toBe(0);
    }
  });

  test("a packet that comes twice is heard once, and one that is too late never", () => {
    const twice = steady(100, () => 0).flatMap((arrival) => [arrival, { ...arrival, atMs: arrival.atMs + 4 }]);
    const late = { atMs: 1_500, packet: packet(40) };
    const without = twice.filter(({ packet }) => packet.sequence !== late.packet.sequence);
    const course = run([...without, late], 95);
    expect(course.outcomes.get("repeated")).toBe(94);
    expect(course.outcomes.get("late")).toBe(1);
  });

  test("whatever arrives, frames are sound and the end is silence", () => {
    const arrival = fc.record({
      atMs: fc.integer({ min: 0, max: 2_000 }),
      packet: fc.record({
        ssrc: fc.constantFrom(1, 1, 1, 2),
        sequence: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 0xffff })),
        timestamp: fc.oneof(fc.integer({ min: 0, max: 16_000 }), fc.integer({ min: 0, max: 0xffffffff })),
        payload: fc.integer({ min: 1, max: 1_600 }).map((length) => new Uint8Array(length).fill(200)),
        decode: fc.constant(DECODE),
      }),
    });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 60 }), (arrivals) => {
        const course = run(arrivals, 300);
        for (const { samples } of course.frames)
          for (const sample of samples) if (sample < 0 || sample > 201) expect.fail(`made of nothing: ${sample}`);
        expect(course.frames.at(-1)?.peak).toBe(IDLE);
      }),
      { numRuns: 60 },
    );
  });
});
