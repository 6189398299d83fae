import { afterEach, describe, expect, test, vi } from "vitest";
import type { NegotiatedAudio } from "#protocol/media";
import { TOUCH_TONES } from "#protocol/touch-tone";
import { TouchToneDetector } from "../../../../gateway-node/media/touch-tone-detector.ts";
import { CALL, ManualClock, Phone, type PlaneFixture, rtpPacket, startPlane } from "./media-plane-fixture.ts";

const LOCAL = ["127.0.0.1"];

interface EventFields {
  readonly code: number;
  readonly timestamp: number;
  readonly duration?: number;
  readonly ends?: boolean;
  readonly sequence?: number;
  readonly ssrc?: number;
  readonly payloadType?: number;
}

function eventFields({ code, timestamp, duration = 160, ends = false, ...rest }: EventFields) {
  const payload = Buffer.from([code, (ends ? 0x80 : 0) | 10, duration >>> 8, duration & 0xff]);
  return { payloadType: 101, sequence: 1, ssrc: 9, timestamp, payload, ...rest };
}

const eventPacket = (fields: EventFields): Buffer => rtpPacket(eventFields(fields));

describe("a key in telephone-events", () => {
  const heard = (...events: readonly EventFields[]): readonly string[] => {
    const detector = new TouchToneDetector();
    return events.flatMap((event) => detector.hear(eventPacket(event)) ?? []);
  };

  test("is heard once, however many packets it has and whichever of them are lost", () => {
    const packets = [160, 320, 480, 640].map((duration) => ({ code: 5, timestamp: 800, duration }));
    const end = { code: 5, timestamp: 800, duration: 800, ends: true };
    expect(heard(...packets, end, end, end)).toEqual(["5"]);
    expect(heard(...packets.slice(2), end)).toEqual(["5"]);
    expect(heard(end)).toEqual(["5"]);
  });

  test("is every one of the sixteen, and neither flash nor a fax tone", () => {
    const codes = Array.from({ length: 40 }, (_, code) => ({ code, timestamp: code * 4_000 }));
    expect(heard(...codes)).toEqual([...TOUCH_TONES]);
  });

  test("comes again when it is pressed again, without the end of the first if that was lost", () => {
    expect(heard({ code: 1, timestamp: 0, ends: true }, { code: 1, timestamp: 2_400 })).toEqual(["1", "1"]);
    expect(heard({ code: 1, timestamp: 0 }, { code: 1, timestamp: 2_400 })).toEqual(["1", "1"]);
  });

  test("that is held for longer than its field counts is one key (RFC 4733 section 2.5.1.3)", () => {
    const segments = [0, 0xffff, 2 * 0xffff].map((timestamp) => ({ code: 8, timestamp, duration: 0xffff }));
    expect(heard(...segments)).toEqual(["8"]);
  });

  test("is not heard again when a late packet of it comes after the next", () => {
    const [one, two] = [
      { code: 1, timestamp: 0xffff_ff00 },
      { code: 2, timestamp: 0x900 },
    ];
    expect(heard(one, two, { ...one, ends: true })).toEqual(["1", "2"]);
  });

  test("is heard from a source that began its time anew", () => {
    expect(heard({ code: 1, timestamp: 900_000 }, { code: 2, timestamp: 100 })).toEqual(["1", "2"]);
    expect(heard({ code: 1, timestamp: 900 }, { code: 2, timestamp: 800, ssrc: 10 })).toEqual(["1", "2"]);
  });

  test("needs four octets", () => {
    const detector = new TouchToneDetector();
    const short = rtpPacket({ payloadType: 101, sequence: 1, timestamp: 1, ssrc: 1, payload: Buffer.from([1, 2, 3]) });
    expect(detector.hear(short)).toBeUndefined();
  });
});

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

interface OpenLeg {
  readonly key: string;
  readonly phone: Phone;
  readonly port: number;
}

async function legAt(fixture: PlaneFixture, name: string, audio: NegotiatedAudio, sending = true): Promise<OpenLeg> {
  const phone = await Phone.open();
  opened.push(phone);
  const key = `${CALL}.${name}`;
  const address = await fixture.plane.openRtpLeg(key, { epoch: 1, allowedHosts: LOCAL });
  const peer = { host: "127.0.0.1", port: phone.port, audio, allowedHosts: LOCAL, sending };
  fixture.plane.setRtpPeer(key, peer);
  return { key, phone, port: address?.port ?? 0 };
}

async function pair(
  numbers: readonly [number | undefined, number | undefined] = [101, 96],
): Promise<{ fixture: PlaneFixture; clock: ManualClock; a: OpenLeg; b: OpenLeg }> {
  const clock = new ManualClock();
  const fixture = await startPlane("us-east", { clock });
  opened.push(fixture.plane);
  const [a, b] = await Promise.all(
    numbers.map((telephoneEventPayloadType, at) =>
      legAt(fixture, ["a", "b1"][at] ?? "", {
        codec: "PCMU",
        payloadType: 0,
        ...(telephoneEventPayloadType === undefined ? {} : { telephoneEventPayloadType }),
      }),
    ),
  );
  if (a === undefined || b === undefined) throw new Error("a pair is two");
  fixture.plane.join(a.key, { kind: "local", leg: "b1" }, 1);
  fixture.plane.join(b.key, { kind: "local", leg: "a" }, 1);
  return { fixture, clock, a, b };
}

async function got(phone: Phone, count: number): Promise<void> {
  await vi.waitUntil(() => phone.received.length >= count, { interval: 1, timeout: 2_000 });
}

describe("a telephone-event between two legs", () => {
  test("keeps its octets, marker and one time, under the number of the other leg, and is reported once", async () => {
    const { fixture, a, b } = await pair();
    await a.phone.send(a.port, { payloadType: 0, sequence: 10, timestamp: 1_000, ssrc: 9 });
    for (const [at, duration] of [160, 320, 480].entries()) {
      const event = eventFields({ code: 11, timestamp: 1_160, duration, sequence: 11 + at, ends: at === 2 });
      await a.phone.send(a.port, { ...event, marker: at === 0 });
    }
    await got(b.phone, 4);
    const [audio, ...events] = b.phone.received;
    expect(events.map(({ payloadType, marker }) => [payloadType, marker])).toEqual([
      [96, true],
      [96, false],
      [96, false],
    ]);
    expect(events.map(({ timestamp }) => (timestamp - (audio?.timestamp ?? 0)) >>> 0)).toEqual([160, 160, 160]);
    expect(events.map(({ payload }) => payload.readUInt16BE(2))).toEqual([160, 320, 480]);
    expect(fixture.named("digit").map(({ args }) => args)).toEqual([[a.key, "#"]]);
  });

  test("comes back from echo", async () => {
    const { fixture, a } = await pair();
    fixture.plane.join(a.key, { kind: "echo" }, 1);
    await a.phone.send(a.port, eventFields({ code: 3, timestamp: 5 }));
    await got(a.phone, 1);
    expect(a.phone.received[0]).toMatchObject({ payloadType: 101 });
    expect(a.phone.received[0]?.payload[0]).toBe(3);
  });

  test.each(["player", "none", "hold"] as const)("is reported with nobody there to relay it to: %s", async (join) => {
    const { fixture, a } = await pair();
    if (join === "player") fixture.plane.join(a.key, { kind: "player", source: "music", loop: true, anchorMs: 0 }, 1);
    else if (join === "none") fixture.plane.join(a.key, { kind: "none" }, 1);
    else {
      const audio = { codec: "PCMU", payloadType: 0, telephoneEventPayloadType: 101 } as const;
      const peer = { host: "127.0.0.1", port: a.phone.port, audio, allowedHosts: LOCAL, sending: false };
      fixture.plane.setRtpPeer(a.key, peer);
    }
    await a.phone.send(a.port, eventFields({ code: 0, timestamp: 5 }));
    await vi.waitUntil(() => fixture.named("digit").length === 1, { interval: 1, timeout: 2_000 });
  });
});

describe("a key that the gateway presses", () => {
  test("is one event with its end three times, in the stream of the audio around it", async () => {
    const { fixture, clock, a, b } = await pair();
    const speak = async (from: number, count: number): Promise<void> => {
      for (let at = from; at < from + count; at += 1) {
        const before = fixture.plane.statistics(a.key)?.packetsReceived ?? 0;
        await a.phone.send(a.port, { payloadType: 0, sequence: at, timestamp: at * 160, ssrc: 9 });
        await vi.waitUntil(() => (fixture.plane.statistics(a.key)?.packetsReceived ?? 0) > before, { interval: 1 });
        clock.advance(20);
      }
    };
    await speak(1, 5);
    expect(fixture.plane.sendDigit(b.key, "7", 100)).toBe(true);
    await speak(6, 20);
    await got(b.phone, fixture.plane.statistics(b.key)?.packetsSent ?? 0);
    const { received } = b.phone;
    const events = received.filter(({ payloadType }) => payloadType === 96);
    expect(events.map(({ payload }) => [payload[0], payload.readUInt16BE(2), (payload[1] ?? 0) >= 0x80])).toEqual([
      [7, 160, false],
      [7, 320, false],
      [7, 480, false],
      [7, 640, false],
      [7, 800, true],
      [7, 800, true],
      [7, 800, true],
    ]);
    expect(events.map(({ marker }) => marker)).toEqual([true, false, false, false, false, false, false]);
    expect(new Set(events.map(({ timestamp }) => timestamp)).size).toBe(1);
    expect(new Set(received.map(({ ssrc }) => ssrc)).size).toBe(1);
    for (const [at, packet] of received.entries()) {
      const before = received[at - 1];
      if (before !== undefined) expect((packet.sequence - before.sequence) & 0xffff).toBe(1);
    }
    // Audio paused for the key, and its time went on: 25 frames of the clock in all.
    const audio = received.filter(({ payloadType }) => payloadType === 0);
    const span = ((audio.at(-1)?.timestamp ?? 0) - (audio[0]?.timestamp ?? 0)) >>> 0;
    expect(Math.abs(span - 24 * 160)).toBeLessThanOrEqual(160);
    expect(fixture.counters.get("media.yielded")).toBeGreaterThanOrEqual(6);
  });

  test("waits for the one before it, with a pause between", async () => {
    const { fixture, clock, b } = await pair();
    for (const digit of ["1", "2"] as const) fixture.plane.sendDigit(b.key, digit, 80);
    for (let frame = 0; frame < 30; frame += 1) clock.advance(20);
    await got(b.phone, 12);
    const starts = b.phone.received.filter(({ marker }) => marker);
    expect(starts.map(({ payload }) => payload[0])).toEqual([1, 2]);
    const [one = 0, two = 0] = starts.map(({ timestamp }) => timestamp);
    expect((two - one) >>> 0).toBeGreaterThanOrEqual((80 + 40) * 8);
  });

  test("is refused where no telephone-event was negotiated, on hold, and past 32 that wait", async () => {
    const { fixture, a, b } = await pair([101, undefined]);
    expect(fixture.plane.sendDigit(b.key, "1", 80)).toBe(false);
    expect(fixture.plane.sendDigit(`${CALL}.x`, "1", 80)).toBe(false);
    const presses = Array.from({ length: 33 }, () => fixture.plane.sendDigit(a.key, "1", 80));
    expect(presses.filter((taken) => taken)).toHaveLength(32);
  });

  test("gives way to audio again when its leg ends in the middle of it", async () => {
    const { fixture, clock, b } = await pair();
    fixture.plane.sendDigit(b.key, "1", 200);
    clock.advance(60);
    fixture.plane.closeLeg(b.key);
    const sent = b.phone.received.length;
    clock.advance(400);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(b.phone.received.length - sent).toBeLessThanOrEqual(3);
  });
});
