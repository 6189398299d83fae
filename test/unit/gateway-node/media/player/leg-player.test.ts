import { describe, expect, test } from "vitest";
import type { MediaSource } from "#protocol/media";
import { decodeG711, encodeG711 } from "../../../../../gateway-node/media/codecs/g711.ts";
import { LegPlayer } from "../../../../../gateway-node/media/player/leg-player.ts";
import { SourceLibrary } from "../../../../../gateway-node/media/player/source-library.ts";
import { createLab, FRAME, type GeneratedLab, Listener, negotiated } from "../generated-audio.ts";

const library = new SourceLibrary();

function play(lab: GeneratedLab, sink: Listener, source: MediaSource, anchorMs: number, loop = true): LegPlayer {
  const join = { kind: "player", source, loop, anchorMs } as const;
  const player = new LegPlayer({ join, library, sink: () => sink, count: lab.count });
  lab.scheduler.add(player);
  return player;
}

/** What `source` sounds like in PCMU from `position` on, `count` samples of it. */
function excerpt(source: MediaSource, position: number, count: number): Int16Array {
  const round = decodeG711("PCMU", encodeG711("PCMU", library.samples(source)));
  return Int16Array.from({ length: count }, (_, at) => round[(position + at) % round.length] ?? 0);
}

describe("a player", () => {
  test("plays from where the source is by now, one packet every 20 ms on one time line", () => {
    const lab = createLab();
    const sink = new Listener(lab.clock);
    play(lab, sink, "music", lab.clock.nowMs() - 7_003);
    lab.clock.advance(400);
    expect(sink.frames.length).toBe(20);
    // The first frame of the grid is 20 ms later.
    expect(sink.heard()).toEqual(excerpt("music", (7_003 + 20) * 8, 20 * FRAME));
    for (const [at, frame] of sink.frames.entries()) {
      expect((frame.timestamp - sink.frames[0]!.timestamp) >>> 0).toBe(at * FRAME);
      expect((frame.sequence - sink.frames[0]!.sequence) & 0xffff).toBe(at);
    }
  });

  test("goes on at an adopter where it is by then, though their grids differ", () => {
    const [old, adopter] = [createLab(1_700_000_000_000), createLab(1_700_000_003_013)];
    const anchorMs = 1_700_000_000_000 - 23_000;
    const [before, after] = [new Listener(old.clock), new Listener(adopter.clock)];
    play(old, before, "music", anchorMs);
    old.clock.advance(3_000);
    play(adopter, after, "music", anchorMs);
    adopter.clock.advance(3_000);
    for (const sink of [before, after]) {
      const position = (sink.frames[0]!.atMs - anchorMs) * 8;
      expect(sink.heard()).toEqual(excerpt("music", position, sink.frames.length * FRAME));
    }
  });

  test("repeats without a gap when it loops, and ends in silence when it does not", () => {
    const lab = createLab();
    const [looping, once] = [new Listener(lab.clock), new Listener(lab.clock)];
    play(lab, looping, "busy-uk", lab.clock.nowMs() + 20);
    play(lab, once, "busy-uk", lab.clock.nowMs() + 20, false);
    lab.clock.advance(3_000);
    expect(looping.heard()).toEqual(excerpt("busy-uk", 0, 150 * FRAME));
    expect(once.frames.length).toBe(Math.ceil(750 / 20));
    const heard = once.heard();
    expect(heard.subarray(0, 6_000)).toEqual(excerpt("busy-uk", 0, 6_000));
    expect(heard.subarray(6_000).every((sample) => sample === 0)).toBe(true);
  });

  test("starts at once when the clock that set its anchor is ahead", () => {
    const lab = createLab();
    const sink = new Listener(lab.clock);
    play(lab, sink, "ringback-eu", lab.clock.nowMs() + 60_000);
    lab.clock.advance(100);
    expect(sink.heard()).toEqual(excerpt("ringback-eu", 0, 5 * FRAME));
  });

  test("speaks the codec of its leg, follows it when it changes, and waits while nothing can be sent", () => {
    const lab = createLab();
    const sink = new Listener(lab.clock);
    sink.audio = undefined;
    play(lab, sink, "ringback-us", lab.clock.nowMs());
    lab.clock.advance(100);
    expect(sink.frames).toEqual([]);
    sink.audio = negotiated("PCMA");
    lab.clock.advance(100);
    const first = sink.frames[0]!;
    const round = encodeG711("PCMA", library.samples("ringback-us"));
    expect(first.payload).toEqual(Buffer.from(round.subarray(120 * 8, 140 * 8)));
    const { stream } = sink;
    sink.stream = undefined;
    lab.clock.advance(100_000);
    sink.stream = stream;
    lab.clock.advance(20);
    const [last, next] = sink.frames.slice(-2);
    // Time went on, but nothing was lost.
    expect((next!.timestamp - last!.timestamp) >>> 0).toBe(100_020 * 8);
    expect((next!.sequence - last!.sequence) & 0xffff).toBe(1);
  });

  test("leaves out what a stall cost and stays in time", () => {
    const lab = createLab();
    const sink = new Listener(lab.clock);
    const anchorMs = lab.clock.nowMs();
    play(lab, sink, "music", anchorMs);
    lab.clock.advance(200);
    lab.clock.stall(400);
    lab.clock.advance(200);
    expect(sink.frames.length).toBe(10 + 3 + 10);
    const last = sink.frames.at(-1)!;
    expect([...decodeG711("PCMU", last.payload)]).toEqual([...excerpt("music", (last.atMs - anchorMs) * 8, FRAME)]);
  });
});
