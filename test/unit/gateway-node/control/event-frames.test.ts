import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { intoFrames } from "../../../../gateway-node/control/event-frames.ts";
import { CALL_EVENT_LIMIT, CONTROL_FRAME_LIMIT } from "../../../../protocol/control-frames.ts";
import type { CallToken, LegId } from "../../../../protocol/ids.ts";

const call = "T".repeat(128) as CallToken;

describe("events into frames", () => {
  it("loses none, keeps their order, and makes no frame that the Worker refuses", () => {
    const lengths = fc.array(fc.integer({ min: 50, max: CALL_EVENT_LIMIT }), { maxLength: 12 });
    const many = fc.array(fc.constant(60), { minLength: 90, maxLength: 230 });
    fc.assert(
      fc.property(fc.oneof(lengths, many), (wanted) => {
        const outgoing = wanted.map((length, index) => {
          const empty = { kind: "webrtc-leg-ready", leg: "a" as LegId, localSdp: "" } as const;
          const event = { ...empty, localSdp: "x".repeat(Math.max(0, length - JSON.stringify(empty).length)) };
          return {
            numbered: { seq: 1_000_000 + index, epoch: 1_000_000, event },
            length: JSON.stringify(event).length,
          };
        });
        const frames = intoFrames(outgoing);
        expect(frames.flat()).toEqual(outgoing.map(({ numbered }) => numbered));
        for (const events of frames) {
          const text = JSON.stringify({ kind: "call-events", call, ackCommand: 1_000_000, events });
          expect(text.length).toBeLessThanOrEqual(CONTROL_FRAME_LIMIT);
          expect(events.length).toBeLessThanOrEqual(100);
        }
      }),
      { numRuns: 25 },
    );
  });
});
