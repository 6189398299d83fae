import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CALL, freeUdpPort, ManualClock, Phone, type PlaneFixture, startPlane } from "./media-plane-fixture.ts";

const KEY = `${CALL}.a`;
const LOCAL = ["127.0.0.1"];
let clock: ManualClock;
let fixture: PlaneFixture;
let phone: Phone;

beforeEach(async () => {
  clock = new ManualClock();
  fixture = await startPlane("us-east", { clock });
  phone = await Phone.open();
});

afterEach(async () => {
  await fixture.plane.close();
  phone.close();
});

async function openLeg(sending = true): Promise<number> {
  const address = await fixture.plane.openRtpLeg(KEY, { epoch: 1, allowedHosts: LOCAL });
  const audio = { codec: "PCMU", payloadType: 0 } as const;
  fixture.plane.setRtpPeer(KEY, { host: "127.0.0.1", port: phone.port, audio, allowedHosts: LOCAL, sending });
  return address!.port;
}

describe("silence of a phone", () => {
  test("on a joined leg is a time-out after 30 s, once", async () => {
    await openLeg();
    fixture.plane.join(KEY, { kind: "echo" }, 1);
    clock.advance(29_000);
    expect(fixture.named("timeout")).toEqual([]);
    clock.advance(60_000);
    expect(fixture.named("timeout").map((event) => event.args)).toEqual([[KEY]]);
  });

  test("counts from the last packet", async () => {
    const port = await openLeg();
    fixture.plane.join(KEY, { kind: "echo" }, 1);
    clock.advance(20_000);
    await phone.send(port, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await vi.waitFor(() => expect(phone.received.length).toBe(1));
    expect(fixture.named("flowing").map((event) => event.args)).toEqual([[KEY, 20_000]]);
    clock.advance(29_000);
    expect(fixture.named("timeout")).toEqual([]);
    clock.advance(2_000);
    expect(fixture.named("timeout").length).toBe(1);
  });

  test("is none while it is on hold, and nothing is sent to it", async () => {
    const port = await openLeg(false);
    fixture.plane.join(KEY, { kind: "echo" }, 1);
    await phone.send(port, { payloadType: 0, sequence: 1, timestamp: 0, ssrc: 1 });
    await vi.waitFor(() => expect(fixture.plane.statistics(KEY)?.packetsReceived).toBe(1));
    clock.advance(120_000);
    expect([fixture.named("timeout").length, phone.received.length]).toEqual([0, 0]);
  });

  test("is none before the leg is joined, and its 30 s begin with the join", async () => {
    await openLeg();
    clock.advance(120_000);
    fixture.plane.join(KEY, { kind: "echo" }, 1);
    clock.advance(29_000);
    expect(fixture.named("timeout")).toEqual([]);
    clock.advance(2_000);
    expect(fixture.named("timeout").length).toBe(1);
  });
});

describe("a closed leg", () => {
  test("keeps its port from new legs for a second, deaf and dumb", async () => {
    const first = (await freeUdpPort()) & ~1;
    const small = await startPlane("eu-west", { clock, rtpPorts: [first, first + 1] });
    const address = await small.plane.openRtpLeg(KEY, { epoch: 1, allowedHosts: LOCAL });
    expect(await small.plane.openRtpLeg(`${CALL}.b1`, { epoch: 1, allowedHosts: LOCAL })).toBeUndefined();
    expect(small.counters.get("media.ports-exhausted")).toBe(1);
    small.plane.closeLeg(KEY);
    small.plane.closeLeg(KEY);
    expect(await small.plane.openRtpLeg(`${CALL}.b1`, { epoch: 1, allowedHosts: LOCAL })).toBeUndefined();
    clock.advance(1_000);
    expect(await small.plane.openRtpLeg(`${CALL}.b1`, { epoch: 1, allowedHosts: LOCAL })).toEqual(address);
    await small.plane.close();
  });

  test("before its port was bound gives it back", async () => {
    const opening = fixture.plane.openRtpLeg(KEY, { epoch: 1, allowedHosts: LOCAL });
    fixture.plane.closeLeg(KEY);
    expect(await opening).toBeUndefined();
    expect(fixture.plane.statistics(KEY)).toBeUndefined();
  });

  test("has neither statistics nor peer nor join", () => {
    fixture.plane.join(KEY, { kind: "echo" }, 1);
    fixture.plane.grantLease(KEY, { ssrc: 1, indexLimit: 5, timestamp: 0, atMs: 0 });
    expect(fixture.counters.get("media.join-unknown-leg")).toBe(1);
    expect(fixture.plane.statistics(KEY)).toBeUndefined();
  });
});
