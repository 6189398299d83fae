import { describe, expect, it } from "vitest";
import { millisecondsText, qualityOf, readCallFigures } from "../../../../../worker/console/media/call-figures.ts";
import type { CallFigures } from "../../../../../worker/console/media/call-figures.ts";

/** As Chromium lists them. */
function reports(inbound: Readonly<Record<string, unknown>>): readonly Readonly<Record<string, unknown>>[] {
  return [
    { id: "C1", type: "codec", mimeType: "audio/opus" },
    { id: "C2", type: "codec", mimeType: "audio/PCMU" },
    { id: "P1", type: "candidate-pair", nominated: true, currentRoundTripTime: 0.9 },
    { id: "P2", type: "candidate-pair", nominated: true, currentRoundTripTime: 0.042 },
    { id: "T1", type: "transport", selectedCandidatePairId: "P2" },
    { id: "O1", type: "outbound-rtp", kind: "audio", packetsSent: 77, codecId: "C1" },
    { id: "V1", type: "inbound-rtp", kind: "video", packetsReceived: 5 },
    { id: "I1", type: "inbound-rtp", kind: "audio", codecId: "C2", jitter: 0.003, ...inbound },
  ];
}

describe("the figures of a call", () => {
  it("come from the selected pair and the audio that arrives", () => {
    const figures = readCallFigures(reports({ packetsReceived: 100, packetsLost: 0 }), undefined);
    expect(figures).toEqual({
      codec: "G.711 µ-law",
      roundTripMs: 42,
      jitterMs: 3,
      lossShare: 0,
      packetsReceived: 100,
      packetsLost: 0,
      packetsSent: 77,
    });
  });

  it("tell the loss since the look before, not since the beginning", () => {
    const before = readCallFigures(reports({ packetsReceived: 1_000, packetsLost: 500 }), undefined);
    const after = readCallFigures(reports({ packetsReceived: 1_045, packetsLost: 505 }), before);
    expect(after.lossShare).toBeCloseTo(0.1);
  });

  it("tell no loss while nothing is expected, and none for packets that came late", () => {
    const before = readCallFigures(reports({ packetsReceived: 1_000, packetsLost: 5 }), undefined);
    expect(readCallFigures(reports({ packetsReceived: 1_000, packetsLost: 5 }), before).lossShare).toBeUndefined();
    expect(readCallFigures(reports({ packetsReceived: 1_050, packetsLost: 4 }), before).lossShare).toBe(0);
  });

  it("are empty for a call without media", () => {
    expect(readCallFigures([], undefined)).toMatchObject({
      codec: undefined,
      roundTripMs: undefined,
      packetsReceived: 0,
    });
  });
});

describe("the quality of a call", () => {
  const fine: CallFigures = {
    codec: "Opus",
    roundTripMs: 20,
    jitterMs: 2,
    lossShare: 0,
    packetsReceived: 100,
    packetsLost: 0,
    packetsSent: 100,
  };
  it.each([
    { change: {}, quality: "excellent" },
    { change: { roundTripMs: 180 }, quality: "good" },
    { change: { lossShare: 0.02 }, quality: "good" },
    { change: { jitterMs: 60 }, quality: "fair" },
    { change: { roundTripMs: 300 }, quality: "fair" },
    { change: { lossShare: 0.1 }, quality: "poor" },
    { change: { roundTripMs: undefined }, quality: undefined },
    { change: { packetsReceived: 0 }, quality: undefined },
  ] as const)("with $change is $quality", ({ change, quality }) => {
    expect(qualityOf({ ...fine, ...change })).toBe(quality);
  });
});

it("figures below a millisecond are not told more precisely than they are", () => {
  expect([undefined, 0, 0.7, 1.4, 87.6].map(millisecondsText)).toEqual(["–", "< 1 ms", "< 1 ms", "1 ms", "88 ms"]);
});
