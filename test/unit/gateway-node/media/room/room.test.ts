import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CodecName } from "#protocol/media";
import { ROOM_MEMBER_LIMIT } from "#protocol/media";
import { MAX_SPEAKERS } from "../../../../../gateway-node/media/room/room.ts";
import type { RoomMember } from "../../../../../gateway-node/media/room/room-member.ts";
import { RoomTable } from "../../../../../gateway-node/media/room/room-table.ts";
import { soften } from "../../../../../gateway-node/media/room/mixer.ts";
import { rms, silences, spectrumShare, tone } from "../../../../support/tone.ts";
import { createLab, FRAME, type GeneratedLab, Listener, negotiated, speechPacket } from "../generated-audio.ts";
import { rtpPacket } from "../media-plane-fixture.ts";

const RATE = 8_000;

interface Person {
  readonly listener: Listener;
  readonly member: RoomMember;
  readonly codec: CodecName;
  speech: Int16Array | undefined;
  sent: number;
}

class Gathering {
  readonly lab: GeneratedLab = createLab();
  readonly rooms = new RoomTable(this.lab, this.lab.scheduler);
  readonly people: Person[] = [];

  enter(codec: CodecName = "PCMU", room = "one"): Person {
    const listener = new Listener(this.lab.clock, codec);
    const member = this.rooms.enter(room, () => listener);
    if (member === undefined) throw new RangeError("the room is full");
    const person: Person = { listener, member, codec, speech: undefined, sent: 0 };
    this.people.push(person);
    return person;
  }

  /** Everybody who has something to say sends a packet every 20 ms. */
  talk(ms: number): void {
    for (let spent = 0; spent < ms; spent += 20) {
      for (const person of this.people) {
        if (person.speech !== undefined)
          person.member.receive(
            speechPacket(person.speech, person.sent, person.codec),
            negotiated(person.codec),
            this.lab.clock.nowMs(),
          );
        person.sent += 1;
      }
      this.lab.clock.advance(20);
    }
  }
}

function voice(frequency: number, amplitude = 0.2): Int16Array {
  return tone({ frequency, seconds: 1, amplitude });
}

describe("a room", () => {
  test.each([
    { codecs: ["PCMU", "PCMU", "PCMU"] as const },
    { codecs: ["PCMA", "PCMA", "PCMA"] as const },
    { codecs: ["PCMU", "PCMA", "PCMU"] as const },
  ])("each of three hears the two others and not itself, in $codecs", ({ codecs }) => {
    const gathering = new Gathering();
    const frequencies = [400, 700, 1_100];
    for (const [at, codec] of codecs.entries()) gathering.enter(codec).speech = voice(frequencies[at] ?? 0);
    gathering.talk(3_000);
    for (const [at, { listener }] of gathering.people.entries()) {
      expect(listener.frames.length).toBe(150);
      const heard = listener.heard();
      for (const [of, frequency] of frequencies.entries()) {
        const share = spectrumShare(heard, RATE, frequency, { from: 200 });
        if (of === at) expect(share).toBeLessThan(0.005);
        else {
          expect(share).toBeGreaterThan(0.45);
          expect(silences(heard, RATE, frequency, { from: 200 })).toEqual([]);
        }
      }
      // Both at the level at which they were sent: neither is turned down because the other speaks.
      expect(rms(heard, RATE, { from: 200 })).toBeCloseTo(0.2, 1);
    }
  });

  test("who listens only hears all who speak, and they do not notice", () => {
    const gathering = new Gathering();
    const [one, two, quiet, quietA] = [
      gathering.enter(),
      gathering.enter(),
      gathering.enter(),
      gathering.enter("PCMA"),
    ];
    one.speech = voice(500);
    two.speech = voice(900);
    gathering.talk(1_000);
    for (const { listener } of [quiet, quietA])
      for (const frequency of [500, 900])
        expect(spectrumShare(listener.heard(), RATE, frequency, { from: 200 })).toBeGreaterThan(0.45);
    expect(spectrumShare(one.listener.heard(), RATE, 900, { from: 200 })).toBeGreaterThan(0.98);
  });

  test("nobody speaking is silence that is sent, so that phones do not give up", () => {
    const gathering = new Gathering();
    const [a, b] = [gathering.enter(), gathering.enter("PCMA")];
    gathering.talk(200);
    expect(a.listener.frames.every(({ payload }) => payload.equals(Buffer.alloc(FRAME, 0xff)))).toBe(true);
    expect(b.listener.frames.every(({ payload }) => payload.equals(Buffer.alloc(FRAME, 0xd5)))).toBe(true);
    expect([a.listener.frames.length, b.listener.frames.length]).toEqual([10, 10]);
  });

  test("rooms do not hear each other", () => {
    const gathering = new Gathering();
    gathering.enter().speech = voice(600);
    const other = gathering.enter("PCMU", "two");
    gathering.talk(500);
    expect(rms(other.listener.heard(), RATE)).toBe(0);
  });

  test("touch tones are not mixed but dropped and counted, and other payloads too", () => {
    const gathering = new Gathering();
    const [a, b] = [gathering.enter(), gathering.enter()];
    for (const [at, payloadType] of [101, 101, 13].entries())
      a.member.receive(
        rtpPacket({ payloadType, sequence: at, timestamp: 0, ssrc: 1, payload: Buffer.from([5, 10, 0, 160]) }),
        negotiated("PCMU"),
        gathering.lab.clock.nowMs(),
      );
    gathering.talk(200);
    expect(rms(b.listener.heard(), RATE)).toBe(0);
    expect(gathering.lab.counters.get("media.room-event-dropped")).toBe(2);
    expect(gathering.lab.counters.get("media.unknown-payload-type")).toBe(1);
  });

  test("a packet whose padding or extension does not fit is dropped and counted", () => {
    const gathering = new Gathering();
    const a = gathering.enter();
    const padded = rtpPacket({ payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    padded[0] = 0xa0;
    padded[padded.length - 1] = 255;
    a.member.receive(padded, negotiated("PCMU"), gathering.lab.clock.nowMs());
    const empty = rtpPacket({ payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1, payload: Buffer.alloc(0) });
    a.member.receive(empty, negotiated("PCMU"), gathering.lab.clock.nowMs());
    expect(gathering.lab.counters.get("media.malformed")).toBe(2);
  });

  test("of many who speak the loudest six are heard", () => {
    const gathering = new Gathering();
    const frequencies = [300, 500, 700, 900, 1_100, 1_300, 1_500, 1_700];
    for (const [at, frequency] of frequencies.entries()) gathering.enter().speech = voice(frequency, 0.02 + 0.01 * at);
    const quiet = gathering.enter();
    gathering.talk(1_000);
    const heard = quiet.listener.heard();
    const audible = frequencies.filter((frequency) => spectrumShare(heard, RATE, frequency, { from: 300 }) > 0.02);
    expect(audible).toEqual(frequencies.slice(-MAX_SPEAKERS));
  });

  test("six who shout at once are loud and not broken", () => {
    const gathering = new Gathering();
    for (let at = 0; at < 6; at++) gathering.enter().speech = voice(500, 0.9);
    const quiet = gathering.enter();
    gathering.talk(600);
    const heard = quiet.listener.heard();
    expect(spectrumShare(heard, RATE, 500, { from: 200 })).toBeGreaterThan(0.8);
    expect(silences(heard, RATE, 500, { from: 200 })).toEqual([]);
  });

  test("one who leaves is heard no more, and neither hears anything; with the last one goes the room", () => {
    const gathering = new Gathering();
    const [a, b] = [gathering.enter(), gathering.enter()];
    a.speech = voice(500);
    gathering.talk(400);
    gathering.rooms.leave("one", a.member);
    const before = [a.listener.frames.length, b.listener.frames.length] as const;
    gathering.talk(400);
    expect(a.listener.frames.length).toBe(before[0]);
    expect(b.listener.frames.slice(before[1]).every(({ payload }) => payload.every((code) => code === 0xff))).toBe(
      true,
    );
    gathering.rooms.leave("one", b.member);
    gathering.rooms.leave("one", b.member);
    expect(gathering.lab.scheduler.tasks).toBe(0);
    expect(gathering.lab.clock.armed).toBe(0);
  });

  test("holds twenty and no more", () => {
    const gathering = new Gathering();
    for (let at = 0; at < ROOM_MEMBER_LIMIT; at++) gathering.enter();
    expect(() => gathering.enter()).toThrow("full");
    expect(gathering.lab.counters.get("media.room-full")).toBe(1);
  });

  test("a member that is on hold or not negotiated costs the others nothing", () => {
    const gathering = new Gathering();
    const [a, b] = [gathering.enter(), gathering.enter()];
    a.listener.stream = undefined;
    b.speech = voice(500);
    gathering.talk(200);
    expect(a.listener.frames).toEqual([]);
    expect(b.listener.frames.length).toBe(10);
  });
});

test("soft clipping leaves quiet sums alone, never reaches full scale, and keeps the order of samples", () => {
  const sample = fc.integer({ min: -200_000, max: 200_000 });
  fc.assert(
    fc.property(sample, sample, (a, b) => {
      if (Math.abs(a) <= 24_000) expect(soften(a)).toBe(a);
      expect(Math.abs(soften(a))).toBeLessThan(32_768);
      expect(soften(-a) + soften(a)).toBe(0);
      if (a < b) expect(soften(a)).toBeLessThanOrEqual(soften(b));
    }),
  );
});
