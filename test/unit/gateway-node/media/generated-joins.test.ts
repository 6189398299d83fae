import { afterEach, describe, expect, test, vi } from "vitest";
import type { MediaJoin } from "#protocol/media";
import { decodeG711 } from "../../../../gateway-node/media/codecs/g711.ts";
import { SourceLibrary } from "../../../../gateway-node/media/player/source-library.ts";
import { rms, spectrumShare, tone } from "../../../support/tone.ts";
import { FRAME, negotiated, speechPacket } from "./generated-audio.ts";
import { CALL, ManualClock, Phone, type PlaneFixture, startPlane } from "./media-plane-fixture.ts";

const LOCAL = ["127.0.0.1"];
const STREAM = "0123456789abcdef";
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** A phone that talks to a gateway, on a clock that all gateways share. */
class Talker {
  readonly phone: Phone;
  readonly key: string;
  fixture: PlaneFixture;
  port: number;
  speech: Int16Array | undefined;
  #sent = 0;
  #expected = 0;

  constructor(fixture: PlaneFixture, key: string, phone: Phone, port: number) {
    this.fixture = fixture;
    this.key = key;
    this.phone = phone;
    this.port = port;
  }

  join(join: MediaJoin, epoch = 1): void {
    this.fixture.plane.join(this.key, join, epoch);
  }

  /** One packet, if it has anything to say, there for certain when this is settled. */
  async talk(): Promise<void> {
    const number = this.#sent++;
    if (this.speech === undefined) return;
    await this.phone.sendRaw(this.port, speechPacket(this.speech, number));
    this.#expected += 1;
    await soon(() => this.statistics.packetsReceived === this.#expected);
  }

  /** Waits for all that was sent to it. */
  async listen(): Promise<void> {
    await soon(() => this.phone.received.length === this.statistics.packetsSent);
  }

  get statistics(): { readonly packetsReceived: number; readonly packetsSent: number } {
    return this.fixture.plane.statistics(this.key) ?? { packetsReceived: 0, packetsSent: 0 };
  }

  heard(from = 0): Int16Array {
    return decodeG711("PCMU", Buffer.concat(this.phone.received.slice(from).map(({ payload }) => payload)));
  }
}

async function soon(check: () => boolean): Promise<void> {
  await vi.waitUntil(check, { interval: 1, timeout: 2_000 });
}

class World {
  readonly clock = new ManualClock();
  readonly talkers: Talker[] = [];

  async gateway(name: string): Promise<PlaneFixture> {
    const fixture = await startPlane(name, { clock: this.clock });
    opened.push(fixture.plane);
    return fixture;
  }

  async talker(fixture: PlaneFixture, leg: string): Promise<Talker> {
    const phone = await Phone.open();
    opened.push(phone);
    const key = `${CALL}.${leg}`;
    const talker = new Talker(fixture, key, phone, await openLeg(fixture, key, phone));
    this.talkers.push(talker);
    return talker;
  }

  /** Everybody talks and hears, every 20 ms. */
  async pass(ms: number): Promise<void> {
    for (let spent = 0; spent < ms; spent += 20) await this.passFrame(0, () => undefined);
  }

  /** 20 ms in which something happens after a part of them. */
  async passFrame(partMs: number, happen: () => void): Promise<void> {
    for (const talker of this.talkers) await talker.talk();
    this.clock.advance(partMs);
    happen();
    this.clock.advance(20 - partMs);
    for (const talker of this.talkers) await talker.listen();
  }
}

async function openLeg(fixture: PlaneFixture, key: string, phone: Phone, epoch = 1): Promise<number> {
  const address = await fixture.plane.openRtpLeg(key, { epoch, allowedHosts: LOCAL });
  const peer = { host: "127.0.0.1", port: phone.port, audio: negotiated("PCMU"), allowedHosts: LOCAL, sending: true };
  fixture.plane.setRtpPeer(key, peer);
  return address?.port ?? 0;
}

function voice(frequency: number): Int16Array {
  return tone({ frequency, seconds: 1, amplitude: 0.2 });
}

describe("joins of a leg", () => {
  test("change in the middle of a call without a gap of more than 20 ms", async () => {
    const world = new World();
    const gateway = await world.gateway("us-east");
    const [a, b] = [await world.talker(gateway, "a"), await world.talker(gateway, "b1")];
    a.speech = voice(500);
    b.speech = voice(700);
    b.join({ kind: "none" });
    const joins: readonly MediaJoin[] = [
      { kind: "echo" },
      { kind: "player", source: "music", loop: true, anchorMs: 900_000 },
      { kind: "room", room: "r" },
      { kind: "player", source: "ringback-us", loop: true, anchorMs: 1_000_000 },
      { kind: "player", source: "music", loop: true, anchorMs: 900_000 },
      { kind: "echo" },
      { kind: "room", room: "r" },
      { kind: "echo" },
    ];
    for (const [at, join] of joins.entries()) {
      await world.passFrame((at * 7) % 20, () => a.join(join));
      await world.pass(180);
    }
    const { received } = a.phone;
    expect(received.length).toBeGreaterThan(joins.length * 9);
    for (const [at, packet] of received.entries()) {
      const before = received[at - 1];
      if (before === undefined) continue;
      expect((packet.sequence - before.sequence) & 0xffff).toBe(1);
      const step = (packet.timestamp - before.timestamp) | 0;
      expect(step).toBeGreaterThanOrEqual(FRAME);
      expect(step).toBeLessThanOrEqual(2 * FRAME);
    }
    expect(new Set(received.map(({ ssrc }) => ssrc)).size).toBe(1);
  });

  test("a player that is told again what it plays goes on, and what the leg says goes nowhere", async () => {
    const world = new World();
    const gateway = await world.gateway("us-east");
    const a = await world.talker(gateway, "a");
    a.speech = voice(500);
    const music: MediaJoin = { kind: "player", source: "music", loop: true, anchorMs: 1_000_000 - 5_000 };
    a.join(music);
    await world.pass(100);
    a.join({ ...music });
    await world.pass(100);
    const samples = decodeG711("PCMU", new SourceLibrary().encoded("music", "PCMU"));
    expect(a.heard()).toEqual(samples.subarray(5_020 * 8, 5_020 * 8 + 10 * FRAME));
    gateway.plane.closeLeg(a.key);
    const count = a.phone.received.length;
    world.clock.advance(200);
    await a.phone.sendRaw(a.port, Buffer.alloc(1));
    expect(a.phone.received.length).toBe(count);
  });

  test("an adopter's tune goes on where the dead gateway's would be", async () => {
    const world = new World();
    const [dead, adopter] = [await world.gateway("us-east"), await world.gateway("eu-west")];
    const a = await world.talker(dead, "a");
    const music: MediaJoin = { kind: "player", source: "music", loop: true, anchorMs: 990_007 };
    a.join(music);
    await world.pass(400);
    const before = a.phone.received.length;
    await dead.plane.close();
    world.talkers.length = 0;
    world.clock.advance(313);
    await openLeg(adopter, a.key, a.phone, 2);
    adopter.plane.join(a.key, music, 2);
    world.clock.advance(400);
    await soon(() => a.phone.received.length === before + 20);
    const samples = decodeG711("PCMU", new SourceLibrary().encoded("music", "PCMU"));
    // The adopter's first frame is the next of its own grid, which began with the clock.
    const position = (1_000_000 + 720 - 990_007) * 8;
    expect(a.heard(before)).toEqual(samples.subarray(position, position + 20 * FRAME));
  });
});

describe("a room with a member on another gateway", () => {
  const PORT = { room: "r", codec: "PCMU" } as const;

  async function gathering(): Promise<{ world: World; host: PlaneFixture; far: PlaneFixture; people: Talker[] }> {
    const world = new World();
    const [host, far] = [await world.gateway("us-east"), await world.gateway("eu-west")];
    const people = [await world.talker(host, "a"), await world.talker(host, "b1"), await world.talker(far, "c")];
    for (const [at, person] of people.entries()) person.speech = voice([400, 700, 1_100][at] ?? 0);
    people[0]!.join({ kind: "room", room: "r" });
    people[1]!.join({ kind: "room", room: "r" });
    people[2]!.join(trunkTo(host));
    host.plane.openRoomPort(people[2]!.key, { ...PORT, trunk: trunkTo(far) }, 1);
    return { world, host, far, people };
  }

  function trunkTo(fixture: PlaneFixture): Extract<MediaJoin, { kind: "trunk" }> {
    return { kind: "trunk", gateway: fixture.gateway, host: "127.0.0.1", port: fixture.trunkPort, stream: STREAM };
  }

  function expectAllHeard(people: readonly Talker[], from: number): void {
    for (const [at, person] of people.entries()) {
      const heard = person.heard(from);
      for (const [of, frequency] of [400, 700, 1_100].entries()) {
        const share = spectrumShare(heard, 8_000, frequency);
        if (of === at) expect(share).toBeLessThan(0.01);
        else expect(share).toBeGreaterThan(0.4);
      }
    }
  }

  test("each of three hears the two others and not itself", async () => {
    const { world, people } = await gathering();
    await world.pass(1_200);
    expectAllHeard(people, 15);
  });

  test("keeps it when its leg moves to a third gateway, and an older epoch changes nothing", async () => {
    const { world, host, far, people } = await gathering();
    await world.pass(200);
    const third = await world.gateway("ap-south");
    await far.plane.close();
    const moved = people[2]!;
    const phone = await Phone.open();
    opened.push(phone);
    const successor = new Talker(third, moved.key, phone, await openLeg(third, moved.key, phone, 2));
    successor.speech = moved.speech;
    successor.join(trunkTo(host), 2);
    host.plane.openRoomPort(moved.key, { ...PORT, trunk: trunkTo(third) }, 2);
    host.plane.openRoomPort(moved.key, { ...PORT, trunk: trunkTo(far) }, 1);
    host.plane.closeRoomPort(moved.key, 1);
    expect(host.counters.get("media.stale-epoch")).toBe(2);
    world.talkers[2] = successor;
    const from = people[0]!.phone.received.length;
    await world.pass(800);
    for (const person of [people[0]!, people[1]!])
      expect(spectrumShare(person.heard(from + 10), 8_000, 1_100)).toBeGreaterThan(0.4);
    expect(spectrumShare(successor.heard(10), 8_000, 400)).toBeGreaterThan(0.4);
  });

  test("does not hear it any more when its port is closed", async () => {
    const { world, host, people } = await gathering();
    await world.pass(200);
    host.plane.closeRoomPort(people[2]!.key, 1);
    host.plane.closeRoomPort(people[2]!.key, 1);
    const from = people[0]!.phone.received.length;
    await world.pass(200);
    expect(spectrumShare(people[0]!.heard(from + 8), 8_000, 1_100)).toBeLessThan(0.01);
    expect(rms(people[0]!.heard(from + 8), 8_000)).toBeGreaterThan(0.05);
    await soon(() => (host.counters.get("trunk.unknown-stream") ?? 0) > 5);
  });

  test("refuses a port whose stream or gateway has no proper name", async () => {
    const { host } = await gathering();
    host.plane.openRoomPort(`${CALL}.d`, { ...PORT, trunk: { ...trunkTo(host), stream: "zz" } }, 1);
    host.plane.openRoomPort(`${CALL}.d`, { ...PORT, trunk: { ...trunkTo(host), gateway: "NO WAY" } }, 1);
    expect(host.counters.get("media.bad-join")).toBe(2);
  });
});
