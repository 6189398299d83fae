import { afterEach, describe, expect, test, vi } from "vitest";
import type { MediaJoin } from "#protocol/media";
import { decodeG711 } from "../../../../gateway-node/media/codecs/g711.ts";
import { SourceLibrary } from "../../../../gateway-node/media/player/source-library.ts";
import { rms, spectrumShare, tone } from "../../../support/tone.ts";
import { FRAME, negotiated, speechPacket } from "./generated-audio.ts";
import { CALL, ManualClock, Phone, type PlaneFixture, startPlane } from "./media-plane-fixture.ts";

const LOCAL = ["127.0.0.1"];
const TONES = { a: 500, b1: 700 } as const;
type LegName = keyof typeof TONES;

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

class Side {
  readonly name: LegName;
  readonly gateway: PlaneFixture;
  readonly phone: Phone;
  port = 0;
  #sent = 0;

  constructor(name: LegName, gateway: PlaneFixture, phone: Phone) {
    this.name = name;
    this.gateway = gateway;
    this.phone = phone;
  }

  get key(): string {
    return `${CALL}.${this.name}`;
  }

  /** Its newest description: whether it takes media. */
  describe(sending: boolean, host = "127.0.0.1"): void {
    const peer = { host, port: this.phone.port, audio: negotiated("PCMU"), allowedHosts: LOCAL, sending };
    this.gateway.plane.setRtpPeer(this.key, peer);
  }

  async talk(): Promise<void> {
    const packets = this.statistics.packetsReceived;
    await this.phone.sendRaw(
      this.port,
      speechPacket(tone({ frequency: TONES[this.name], seconds: 1 }), this.#sent++, "PCMU", this.name === "a" ? 1 : 2),
    );
    await vi.waitUntil(() => this.statistics.packetsReceived > packets, { interval: 1, timeout: 2_000 });
  }

  get statistics(): { readonly packetsReceived: number; readonly packetsSent: number } {
    return this.gateway.plane.statistics(this.key) ?? { packetsReceived: 0, packetsSent: 0 };
  }

  heard(from: number): Int16Array {
    return decodeG711("PCMU", Buffer.concat(this.phone.received.slice(from).map(({ payload }) => payload)));
  }
}

class Conversation {
  readonly clock = new ManualClock();
  readonly sides: Side[] = [];

  static async open(gateways: "one" | "two"): Promise<Conversation> {
    const talk = new Conversation();
    const here = await talk.#start("us-east");
    const there = gateways === "one" ? here : await talk.#start("eu-west");
    const [a, b] = [await talk.#side("a", here), await talk.#side("b1", there)];
    const trunkTo = (fixture: PlaneFixture): MediaJoin => ({
      kind: "trunk",
      gateway: fixture.gateway,
      host: "127.0.0.1",
      port: fixture.trunkPort,
      stream: "0123456789abcdef",
    });
    here.plane.join(a.key, gateways === "one" ? { kind: "local", leg: "b1" } : trunkTo(there), 1);
    there.plane.join(b.key, gateways === "one" ? { kind: "local", leg: "a" } : trunkTo(here), 1);
    return talk;
  }

  async #start(name: string): Promise<PlaneFixture> {
    const fixture = await startPlane(name, { clock: this.clock });
    opened.push(fixture.plane);
    return fixture;
  }

  async #side(name: LegName, gateway: PlaneFixture): Promise<Side> {
    const phone = await Phone.open();
    opened.push(phone);
    const side = new Side(name, gateway, phone);
    const address = await gateway.plane.openRtpLeg(side.key, { epoch: 1, allowedHosts: LOCAL });
    side.port = address?.port ?? 0;
    side.describe(true);
    this.sides.push(side);
    return side;
  }

  side(name: LegName): Side {
    const found = this.sides.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no side ${name}`);
    return found;
  }

  /** What went over the trunk is still on its way: waits until nothing more comes. */
  async arrived(): Promise<void> {
    const count = (): number => this.sides.reduce((sum, { phone }) => sum + phone.received.length, 0);
    for (let before = -1; before !== count();) {
      before = count();
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** What each side heard in 400 ms in which both talk without a pause: the share of the other's voice, and loudness. */
  async listen(): Promise<
    Record<LegName, { readonly voice: number; readonly loud: number; readonly packets: number }>
  > {
    const from = this.sides.map(({ phone }) => phone.received.length);
    for (let frame = 0; frame < 20; frame += 1) {
      await Promise.all(this.sides.map((side) => side.talk()));
      this.clock.advance(20);
    }
    await this.arrived();
    const [a, b1] = this.sides.map((side, at) => {
      const samples = side.heard(from[at] ?? 0);
      const voice = spectrumShare(samples, 8_000, TONES[side.name === "a" ? "b1" : "a"]);
      return { voice, loud: rms(samples, 8_000), packets: samples.length / FRAME };
    });
    if (a === undefined || b1 === undefined) throw new Error("two sides talk");
    return { a, b1 };
  }
}

const NOTHING = { voice: 0, loud: 0, packets: 0 };

describe.each(["one", "two"] as const)("hold over %s gateway(s)", (gateways) => {
  test("lets the held side hear music and never the holder, who hears nothing, and ends with the next packet", async () => {
    const talk = await Conversation.open(gateways);
    expect((await talk.listen()).b1.voice).toBeGreaterThan(0.9);
    talk.side("a").describe(false);
    const held = await talk.listen();
    expect(held.a).toEqual(NOTHING);
    expect(held.b1.packets).toBeGreaterThanOrEqual(18);
    expect(held.b1.loud).toBeGreaterThan(0.02);
    expect(held.b1.voice).toBeLessThan(0.2);
    talk.side("a").describe(true);
    const resumed = await talk.listen();
    for (const side of ["a", "b1"] as const) {
      expect(resumed[side].packets).toBeGreaterThanOrEqual(18);
      expect(resumed[side].voice).toBeGreaterThan(0.9);
    }
  });

  test.each([
    ["a", "b1"],
    ["b1", "a"],
  ] as const)("of both sides ends as each of them resumes: %s, then %s", async (first, second) => {
    const talk = await Conversation.open(gateways);
    talk.side("a").describe(false);
    talk.side("b1").describe(false);
    expect(await talk.listen()).toEqual({ a: NOTHING, b1: NOTHING });
    talk.side(first).describe(true);
    const half = await talk.listen();
    expect(half[second]).toEqual(NOTHING);
    expect(half[first].loud).toBeGreaterThan(0.02);
    expect(half[first].voice).toBeLessThan(0.2);
    talk.side(second).describe(true);
    const whole = await talk.listen();
    expect(whole.a.voice).toBeGreaterThan(0.9);
    expect(whole.b1.voice).toBeGreaterThan(0.9);
  });

  test("is one stream with what was before and after, without a gap in its numbers", async () => {
    const talk = await Conversation.open(gateways);
    await talk.listen();
    talk.side("a").describe(false);
    await talk.listen();
    talk.side("a").describe(true);
    await talk.listen();
    const { received } = talk.side("b1").phone;
    expect(new Set(received.map(({ ssrc }) => ssrc)).size).toBe(1);
    for (const [at, packet] of received.entries()) {
      const before = received[at - 1];
      if (before === undefined) continue;
      expect((packet.sequence - before.sequence) & 0xffff).toBe(1);
      expect((packet.timestamp - before.timestamp) | 0).toBeGreaterThanOrEqual(FRAME / 2);
    }
  });
});

describe("hold", () => {
  test("keeps the held side's time-out away from the holder, and goes on at an adopter where the music is", async () => {
    const talk = await Conversation.open("one");
    const holder = talk.side("a");
    holder.describe(false, "0.0.0.0");
    for (let second = 0; second < 40; second += 1) {
      await talk.side("b1").talk();
      talk.clock.advance(1_000);
      await talk.arrived();
    }
    expect(holder.gateway.named("timeout")).toEqual([]);
    const music = decodeG711("PCMU", new SourceLibrary().encoded("music", "PCMU"));
    talk.clock.advance(20);
    const held = talk.side("b1");
    await talk.arrived();
    const position = (talk.clock.nowMs() * 8) % music.length;
    expect(held.heard(held.phone.received.length - 1)).toEqual(
      Int16Array.from({ length: FRAME }, (_, at) => music[(position + at) % music.length] ?? 0),
    );
  });

  test("in a room is silence for the others", async () => {
    const talk = await Conversation.open("one");
    for (const side of talk.sides) side.gateway.plane.join(side.key, { kind: "room", room: "r" }, 1);
    await talk.listen();
    talk.side("a").describe(false);
    await talk.listen();
    const { a, b1 } = await talk.listen();
    expect(a).toEqual(NOTHING);
    expect(b1.loud).toBeLessThan(0.001);
  });

  test("does not play over a trunk that leads to a room", async () => {
    const talk = await Conversation.open("two");
    const { gateway, key } = talk.side("a");
    const far = talk.side("b1").gateway;
    const join = { kind: "trunk", gateway: far.gateway, host: "127.0.0.1", port: far.trunkPort } as const;
    gateway.plane.join(key, { ...join, stream: "fedcba9876543210", room: true }, 1);
    talk.side("a").describe(false);
    expect((await talk.listen()).b1).toEqual(NOTHING);
    expect(far.counters.get("trunk.unknown-stream")).toBeUndefined();
  });
});
