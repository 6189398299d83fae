import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ADOPTION_LEASE_STEP } from "#protocol/capsule";
import { IndexLease, LEASE_STEP } from "../../../../gateway-node/media/index-lease.ts";
import { LEASE_EXHAUSTED, OutgoingStream } from "../../../../gateway-node/media/outgoing-stream.ts";
import { PacketWindow } from "../../../../gateway-node/media/packet-window.ts";
import { readRtp, rtpPacket } from "./media-plane-fixture.ts";

const START = { ssrc: 99, index: 1000, timestamp: 50_000, atMs: 0 };

function place(
  stream: OutgoingStream,
  sequence: number,
  options: { readonly ssrc?: number; readonly nowMs?: number } = {},
): number {
  return stream.place(
    rtpPacket({ payloadType: 0, sequence, timestamp: sequence * 160, ssrc: options.ssrc ?? 1 }),
    options.nowMs ?? 20,
    true,
  );
}

describe("an outgoing stream", () => {
  test("keeps gaps and reordering of its source, and drops repeats", () => {
    const stream = new OutgoingStream(START);
    expect([500, 501, 504, 503, 503, 505].map((sequence) => place(stream, sequence))).toEqual([
      1000, 1001, 1004, 1003, -1, 1005,
    ]);
  });

  test("goes on at the next number when the source changes, and drops what is late from before", () => {
    const stream = new OutgoingStream(START);
    expect([
      place(stream, 9),
      place(stream, 4000, { ssrc: 2 }),
      place(stream, 3999, { ssrc: 2 }),
      place(stream, 4001, { ssrc: 2 }),
    ]).toEqual([1000, 1001, -1, 1002]);
  });

  test("believes a jump of the source only when a second packet follows on", () => {
    const stream = new OutgoingStream(START);
    expect([
      place(stream, 10),
      place(stream, 20_000),
      place(stream, 11),
      place(stream, 30_000),
      place(stream, 30_001),
    ]).toEqual([1000, -1, 1001, -1, 1002]);
  });

  test("continues its time line over a change of source and marks it", () => {
    const stream = new OutgoingStream(START);
    place(stream, 10, { nowMs: 1000 });
    const packet = rtpPacket({ payloadType: 0, sequence: 1, timestamp: 123_456, ssrc: 5 });
    stream.place(packet, 1500, true);
    expect(readRtp(packet)).toMatchObject({ ssrc: 99, sequence: 1001, timestamp: 50_000 + 8000 + 4000, marker: true });
  });

  test("never gives an index twice, whatever the source does, nor one at or beyond the limit", () => {
    const steps = fc.record({
      sequence: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 0xffff })),
      ssrc: fc.integer({ min: 1, max: 3 }),
      reset: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 200 }), (packets) => {
        const stream = new OutgoingStream(START);
        stream.limit = START.index + 5000;
        const given = new Set<number>();
        for (const { sequence, ssrc, reset } of packets) {
          if (reset) stream.unanchor();
          const packet = rtpPacket({ payloadType: 0, sequence, timestamp: 0, ssrc });
          const index = stream.place(packet, 0, true);
          if (index < 0) continue;
          expect(given.has(index)).toBe(false);
          expect(index).toBeLessThan(stream.limit);
          expect(readRtp(packet)).toMatchObject({ ssrc: 99, sequence: index & 0xffff });
          given.add(index);
        }
      }),
    );
  });

  test("stops at the limit and goes on where it stopped once that is raised", () => {
    const stream = new OutgoingStream(START);
    stream.limit = 1002;
    expect([1, 2, 3, 4].map((sequence) => place(stream, sequence))).toEqual([
      1000,
      1001,
      LEASE_EXHAUSTED,
      LEASE_EXHAUSTED,
    ]);
    stream.limit = 2000;
    expect(place(stream, 5)).toBe(1004);
  });
});

describe("an index lease", () => {
  test("asks once for each step, and uses nothing that was not granted", () => {
    const lease = IndexLease.fresh(100);
    const asked: number[] = [];
    for (let next = 100; next < 100 + 7999; next += 1) {
      const limit = lease.wanted(next);
      if (limit !== undefined) asked.push(limit);
    }
    expect(asked).toEqual([4101 + LEASE_STEP]);
    expect(lease.limit).toBe(100 + LEASE_STEP);
    lease.grant(4101 + LEASE_STEP);
    lease.grant(50);
    expect(lease.limit).toBe(4101 + LEASE_STEP);
  });

  test("asks again when the answer was lost", () => {
    const lease = IndexLease.fresh(0);
    expect(lease.wanted(4001)).toBe(4001 + LEASE_STEP);
    expect(lease.wanted(8000)).toBeUndefined();
    expect(lease.wanted(8001)).toBe(8001 + LEASE_STEP);
  });

  test("keeps three adopters in a row, none of them heard, within reach of the receiver's guess", () => {
    const receiverSaw = 0;
    let stored = receiverSaw + LEASE_STEP;
    for (let adoption = 0; adoption < 3; adoption += 1) stored = IndexLease.adopted(stored).limit;
    expect(stored - receiverSaw).toBeLessThan(0x8000);
    expect(IndexLease.adopted(500).limit).toBe(500 + ADOPTION_LEASE_STEP);
  });
});

test("a packet window agrees with a plain set over any order of marks", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 100 }), (indices) => {
      const window = new PacketWindow();
      const marked = new Set<number>();
      for (const index of indices) {
        const tooOld = index <= Math.max(-1, ...marked) - 64;
        expect(window.isFresh(index)).toBe(!tooOld && !marked.has(index));
        if (!window.isFresh(index)) continue;
        window.mark(index);
        marked.add(index);
      }
    }),
  );
});
