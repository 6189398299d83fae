import type { CallToken } from "#protocol/ids";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { NegotiatedAudio } from "#protocol/media";
import { CALL, Phone, type PlaneFixture, startPlane } from "./media-plane-fixture.ts";

const PCMU: NegotiatedAudio = { codec: "PCMU", payloadType: 0, telephoneEventPayloadType: 101 };
const LOCAL = ["127.0.0.1"];
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function phone(host?: string): Promise<Phone> {
  const one = await Phone.open(host);
  opened.push(one);
  return one;
}

async function plane(gateway: string): Promise<PlaneFixture> {
  const fixture = await startPlane(gateway);
  opened.push(fixture.plane);
  return fixture;
}

/** Opens a leg that is talking to `peer`. */
async function rtpLeg(fixture: PlaneFixture, leg: string, peer: Phone, audio = PCMU): Promise<number> {
  const key = `${CALL}.${leg}`;
  const address = await fixture.plane.openRtpLeg(key, { epoch: 1, allowedHosts: LOCAL });
  fixture.plane.setRtpPeer(key, { host: "127.0.0.1", port: peer.port, audio, allowedHosts: LOCAL, sending: true });
  return address?.port ?? 0;
}

async function joinedPair(
  fixture: PlaneFixture,
  audioB = PCMU,
): Promise<{ a: Phone; b: Phone; portA: number; portB: number }> {
  const [a, b] = [await phone(), await phone()];
  const portA = await rtpLeg(fixture, "a", a);
  const portB = await rtpLeg(fixture, "b1", b, audioB);
  fixture.plane.join(`${CALL}.a`, { kind: "local", leg: "b1" }, 1);
  fixture.plane.join(`${CALL}.b1`, { kind: "local", leg: "a" }, 1);
  return { a, b, portA, portB };
}

describe("RTP legs joined in one gateway", () => {
  test("audio passes both ways, each under its own SSRC, with gaps kept", async () => {
    const { a, b, portA, portB } = await joinedPair(await plane("us-east"));
    for (const sequence of [10, 11, 14])
      await a.send(portA, { payloadType: 0, sequence, timestamp: sequence * 160, ssrc: 1 });
    await b.send(portB, { payloadType: 0, sequence: 500, timestamp: 7, ssrc: 2 });
    await vi.waitFor(() => expect([b.received.length, a.received.length]).toEqual([3, 1]));
    const [first, second, third] = b.received;
    expect(second!.sequence - first!.sequence).toBe(1);
    expect(third!.sequence - first!.sequence).toBe(4);
    expect((third!.timestamp - first!.timestamp) >>> 0).toBe(640);
    expect(first!.ssrc).not.toBe(1);
    expect(a.received[0]!.ssrc).not.toBe(first!.ssrc);
    expect(first!.payload).toEqual(Buffer.alloc(160, 10));
  });

  test("audio passes between legs of two calls that are linked", async () => {
    const fixture = await plane("us-east");
    const { a, b, portA, portB } = await joinedPair(fixture);
    const other = "j".repeat(44) as CallToken;
    const c = await phone();
    const key = `${other}.a`;
    const address = await fixture.plane.openRtpLeg(key, { epoch: 1, allowedHosts: LOCAL });
    fixture.plane.setRtpPeer(key, {
      host: "127.0.0.1",
      port: c.port,
      audio: PCMU,
      allowedHosts: LOCAL,
      sending: true,
    });
    fixture.plane.join(key, { kind: "local", leg: "b1", call: CALL as CallToken }, 1);
    fixture.plane.join(`${CALL}.b1`, { kind: "local", leg: "a", call: other }, 1);
    await b.send(portB, { payloadType: 0, sequence: 1, timestamp: 160, ssrc: 2 });
    await c.send(address?.port ?? 0, { payloadType: 0, sequence: 9, timestamp: 7, ssrc: 3 });
    await vi.waitFor(() => expect([b.received.length, c.received.length]).toEqual([1, 1]));
    fixture.plane.join(`${CALL}.a`, { kind: "none" }, 1);
    await a.send(portA, { payloadType: 0, sequence: 1, timestamp: 160, ssrc: 1 });
    await c.send(address?.port ?? 0, { payloadType: 0, sequence: 10, timestamp: 167, ssrc: 3 });
    await vi.waitFor(() => expect(b.received.length).toBe(2));
    expect([a.received.length, c.received.length]).toEqual([0, 1]);
  });

  test("audio passes again after one of them heard ringback and the other nothing", async () => {
    const fixture = await plane("us-east");
    const { a, b, portA, portB } = await joinedPair(fixture);
    fixture.plane.join(`${CALL}.a`, { kind: "player", source: "ringback-us", loop: true, anchorMs: Date.now() }, 1);
    fixture.plane.join(`${CALL}.b1`, { kind: "none" }, 1);
    await vi.waitFor(() => expect(a.received.length).toBeGreaterThan(2));
    fixture.plane.join(`${CALL}.a`, { kind: "local", leg: "b1" }, 1);
    fixture.plane.join(`${CALL}.b1`, { kind: "local", leg: "a" }, 1);
    await a.send(portA, { payloadType: 0, sequence: 3, timestamp: 480, ssrc: 1 });
    await b.send(portB, { payloadType: 0, sequence: 77, timestamp: 7, ssrc: 2 });
    await vi.waitFor(() => expect(b.received.length).toBe(1));
    await vi.waitFor(() => expect(a.received.at(-1)?.payload).toEqual(Buffer.alloc(160, 77)));
    expect(a.received.at(-1)?.sequence).toBe(((a.received.at(-2)?.sequence ?? 0) + 1) & 0xffff);
  });

  test("payload types are translated for audio and DTMF, and unknown ones dropped", async () => {
    const fixture = await plane("us-east");
    const { a, b, portA } = await joinedPair(fixture, {
      codec: "PCMU",
      payloadType: 96,
      telephoneEventPayloadType: 110,
    });
    await a.send(portA, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await a.send(portA, {
      payloadType: 101,
      sequence: 2,
      timestamp: 160,
      ssrc: 1,
      payload: Buffer.from([5, 10, 0, 160]),
    });
    await a.send(portA, { payloadType: 13, sequence: 3, timestamp: 320, ssrc: 1 });
    await vi.waitFor(() => expect(fixture.counters.get("media.unknown-payload-type")).toBe(1));
    expect(b.received.map((packet) => packet.payloadType)).toEqual([96, 110]);
  });

  test("the peer's address is learnt once, and another source is neither heard nor sent to", async () => {
    const fixture = await plane("us-east");
    const { a, b, portA, portB } = await joinedPair(fixture);
    const [natted, intruder] = [await phone(), await phone()];
    await natted.send(portB, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 9 });
    await vi.waitFor(() => expect(a.received.length).toBe(1));
    await intruder.send(portB, { payloadType: 0, sequence: 2, timestamp: 160, ssrc: 9 });
    await vi.waitFor(() => expect(fixture.counters.get("media.unexpected-source")).toBe(1));
    await a.send(portA, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await vi.waitFor(() => expect(natted.received.length).toBe(1));
    expect([a.received.length, b.received.length, intruder.received.length]).toEqual([1, 0, 0]);
  });

  test("a source outside the expected hosts is never learnt", async () => {
    const fixture = await plane("us-east");
    const { a, portB } = await joinedPair(fixture);
    const stranger = await phone("127.0.0.9");
    await stranger.send(portB, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 9 });
    await vi.waitFor(() => expect(fixture.counters.get("media.unexpected-source")).toBe(1));
    expect(a.received).toEqual([]);
  });

  test.each([
    ["is learnt", "one of this machine's addresses", "127.0.0.7", 1],
    ["is not", "another machine's", "203.0.113.7", 0],
  ])("a source with the leg's own address %s when the peer signals %s", async (_what, _whose, signalled, heard) => {
    const fixture = await plane("us-east");
    const { a, b, portB } = await joinedPair(fixture);
    const peer = { host: signalled, port: b.port, audio: PCMU, allowedHosts: [signalled], sending: true };
    fixture.plane.setRtpPeer(`${CALL}.b1`, peer);
    await b.send(portB, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 9 });
    await vi.waitFor(() =>
      expect([a.received.length, fixture.counters.get("media.unexpected-source") ?? 0]).toEqual([heard, 1 - heard]),
    );
  });

  test("new signalling moves the peer and learns it anew", async () => {
    const fixture = await plane("us-east");
    const { a, b, portA, portB } = await joinedPair(fixture);
    await b.send(portB, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 9 });
    await vi.waitFor(() => expect(a.received.length).toBe(1));
    const moved = await phone();
    fixture.plane.setRtpPeer(`${CALL}.b1`, {
      host: "127.0.0.1",
      port: moved.port,
      audio: PCMU,
      allowedHosts: LOCAL,
      sending: true,
    });
    await a.send(portA, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await vi.waitFor(() => expect(moved.received.length).toBe(1));
    await moved.send(portB, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 10 });
    await vi.waitFor(() => expect(a.received.length).toBe(2));
    expect(fixture.named("flowing").length).toBe(3);
    expect(a.received[1]!.sequence).toBe((a.received[0]!.sequence + 1) & 0xffff);
  });

  test("echo returns the audio, and none drops it", async () => {
    const fixture = await plane("us-east");
    const a = await phone();
    const port = await rtpLeg(fixture, "a", a);
    fixture.plane.join(`${CALL}.a`, { kind: "echo" }, 1);
    await a.send(port, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await vi.waitFor(() => expect(a.received.length).toBe(1));
    fixture.plane.join(`${CALL}.a`, { kind: "none" }, 1);
    await a.send(port, { payloadType: 0, sequence: 2, timestamp: 160, ssrc: 1 });
    await vi.waitFor(() => expect(fixture.plane.statistics(`${CALL}.a`)?.packetsReceived).toBe(2));
    expect(fixture.plane.statistics(`${CALL}.a`)).toEqual({
      packetsReceived: 2,
      packetsSent: 1,
      bytesReceived: 344,
      trunkPacketsSent: 0,
      trunkPacketsReceived: 0,
    });
  });

  test("a join with a lower epoch than the leg's is refused", async () => {
    const fixture = await plane("us-east");
    await fixture.plane.openRtpLeg(`${CALL}.a`, { epoch: 3, allowedHosts: LOCAL });
    fixture.plane.join(`${CALL}.a`, { kind: "echo" }, 2);
    expect(fixture.counters.get("media.stale-epoch")).toBe(1);
  });

  test("opening a leg again keeps its port, under the same or a higher epoch", async () => {
    const { plane: media } = await plane("us-east");
    const first = await media.openRtpLeg(`${CALL}.a`, { epoch: 1, allowedHosts: LOCAL });
    expect(await media.openRtpLeg(`${CALL}.a`, { epoch: 1, allowedHosts: LOCAL })).toEqual(first);
    expect(await media.openRtpLeg(`${CALL}.a`, { epoch: 2, allowedHosts: LOCAL })).toEqual(first);
    expect(first!.port % 2).toBe(0);
  });
});

describe("RTP legs joined over the trunk", () => {
  const STREAM = "00112233445566ff";

  async function trunkPair(): Promise<{
    one: PlaneFixture;
    two: PlaneFixture;
    a: Phone;
    b: Phone;
    portA: number;
    portB: number;
  }> {
    const [one, two] = [await plane("us-east"), await plane("eu-west")];
    const [a, b] = [await phone(), await phone()];
    const portA = await rtpLeg(one, "a", a);
    const portB = await rtpLeg(two, "b1", b);
    one.plane.join(
      `${CALL}.a`,
      { kind: "trunk", gateway: "eu-west", host: "127.0.0.1", port: two.trunkPort, stream: STREAM },
      1,
    );
    two.plane.join(
      `${CALL}.b1`,
      { kind: "trunk", gateway: "us-east", host: "127.0.0.1", port: one.trunkPort, stream: STREAM },
      1,
    );
    return { one, two, a, b, portA, portB };
  }

  test("audio and DTMF cross both ways", async () => {
    const { one, two, a, b, portA, portB } = await trunkPair();
    await a.send(portA, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await a.send(portA, {
      payloadType: 101,
      sequence: 2,
      timestamp: 160,
      ssrc: 1,
      payload: Buffer.from([1, 10, 0, 160]),
    });
    await b.send(portB, { payloadType: 0, sequence: 9, timestamp: 0, ssrc: 2 });
    await vi.waitFor(() => expect([a.received.length, b.received.length]).toEqual([1, 2]));
    expect(b.received.map((packet) => packet.payloadType)).toEqual([0, 101]);
    expect(b.received[0]!.payload).toEqual(Buffer.alloc(160, 1));
    expect(one.plane.statistics(`${CALL}.a`)).toMatchObject({ trunkPacketsSent: 2, trunkPacketsReceived: 1 });
    expect(two.plane.statistics(`${CALL}.b1`)).toMatchObject({ trunkPacketsSent: 1, trunkPacketsReceived: 2 });
  });

  test("an unknown stream, a tampered frame and an impostor's pong are dropped and counted", async () => {
    const { one, a, portA, two } = await trunkPair();
    two.plane.closeLeg(`${CALL}.b1`);
    await a.send(portA, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await vi.waitFor(() => expect(two.counters.get("trunk.unknown-stream")).toBe(1));
    const media = Buffer.concat([Buffer.from([1, 1, 0, 1]), Buffer.from(STREAM, "hex"), Buffer.alloc(182, 0x80)]);
    await a.sendRaw(one.trunkPort, media);
    await vi.waitFor(() => expect(one.counters.get("trunk.forged")).toBe(1));
    await a.sendRaw(one.trunkPort, Buffer.concat([Buffer.from([1, 3]), Buffer.alloc(60)]));
    await vi.waitFor(() => expect(one.counters.get("trunk.unauthenticated")).toBe(1));
    await a.sendRaw(one.trunkPort, Buffer.from("hello"));
    await vi.waitFor(() => expect(one.counters.get("trunk.malformed")).toBe(1));
  });

  test("the other end moves to a new gateway and the stream goes on", async () => {
    const { one, two, a, b, portA } = await trunkPair();
    const three = await plane("ap-south");
    await a.send(portA, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await vi.waitFor(() => expect(b.received.length).toBe(1));
    await two.plane.close();
    const c = await phone();
    const key = `${CALL}.b1`;
    const address = await three.plane.openRtpLeg(key, { epoch: 2, allowedHosts: LOCAL });
    three.plane.setRtpPeer(key, { host: "127.0.0.1", port: c.port, audio: PCMU, allowedHosts: LOCAL, sending: true });
    three.plane.join(
      key,
      { kind: "trunk", gateway: "us-east", host: "127.0.0.1", port: one.trunkPort, stream: STREAM },
      2,
    );
    one.plane.join(
      `${CALL}.a`,
      { kind: "trunk", gateway: "ap-south", host: "127.0.0.1", port: three.trunkPort, stream: STREAM },
      1,
    );
    await a.send(portA, { payloadType: 0, sequence: 2, timestamp: 160, ssrc: 1 });
    await vi.waitFor(() => expect(c.received.length).toBe(1));
    await c.send(address!.port, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 3 });
    await vi.waitFor(() => expect(a.received.length).toBe(1));
  });
});

describe("trunk keep-alives", () => {
  test("a probe finds a living gateway, and none where another gateway or nobody answers", async () => {
    const [one, two] = [await plane("us-east"), await plane("eu-west")];
    const target = { gateway: two.gateway, host: "127.0.0.1", port: two.trunkPort };
    expect(await one.plane.probe(target)).toBe(true);
    expect(await one.plane.probe({ ...target, gateway: one.gateway })).toBe(false);
    await two.plane.close();
    expect(await one.plane.probe(target)).toBe(false);
  });

  test("a probe over a long way waits for its round trip, as the map says and then as it was measured", async () => {
    const [one, two] = [await plane("us-east"), await plane("eu-west")];
    const way = await openDelay(two.trunkPort, 120);
    try {
      const far = { gateway: two.gateway, host: "127.0.0.1", port: way.port };
      expect(await one.plane.probe(far)).toBe(false);
      expect(await one.plane.probe(far, 500)).toBe(true);
      one.plane.watchNeighbours([far]);
      await vi.waitFor(async () => expect(await one.plane.probe(far)).toBe(true), { timeout: 2000 });
    } finally {
      way.close();
    }
  });

  test("a neighbour that falls silent is reported once", async () => {
    const [one, two] = [await plane("us-east"), await plane("eu-west")];
    one.plane.watchNeighbours([{ gateway: two.gateway, host: "127.0.0.1", port: two.trunkPort }]);
    expect(await one.plane.probe({ gateway: two.gateway, host: "127.0.0.1", port: two.trunkPort })).toBe(true);
    await two.plane.close();
    await vi.waitFor(() => expect(one.named("silent").length).toBe(1), { timeout: 2000 });
    expect(one.named("silent")[0]!.args[0]).toBe("eu-west");
  });
});

/** A way to a port of this machine on which each datagram takes half of `roundTripMs`. */
async function openDelay(to: number, roundTripMs: number): Promise<{ readonly port: number; close(): void }> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  let from: number | undefined;
  const timers = new Set<NodeJS.Timeout>();
  socket.on("message", (octets, { port }) => {
    if (port !== to) from = port;
    const target = port === to ? from : to;
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (target !== undefined) socket.send(octets, target, "127.0.0.1", () => {});
    }, roundTripMs / 2);
    timers.add(timer);
  });
  const close = (): void => {
    for (const timer of timers) clearTimeout(timer);
    socket.close();
  };
  return { port: socket.address().port, close };
}
