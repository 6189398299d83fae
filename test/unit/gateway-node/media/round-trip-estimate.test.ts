import { describe, expect, it } from "vitest";
import { RoundTripEstimate } from "../../../../gateway-node/media/round-trip-estimate.ts";

function after(...samples: readonly number[]): number | undefined {
  const estimate = new RoundTripEstimate();
  for (const sample of samples) estimate.add(sample);
  return estimate.lateAfterMs;
}

describe("the estimate of a round trip (RFC 6298 section 2)", () => {
  it("says nothing before the first sample", () => {
    expect(after()).toBeUndefined();
  });

  it("allows three times the first sample", () => {
    expect(after(100)).toBe(300);
  });

  it("comes close to a way that does not vary", () => {
    expect(after(...Array.from({ length: 40 }, () => 100))).toBeCloseTo(100, 1);
  });

  it("allows for what varies", () => {
    const samples = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? 80 : 120));
    expect(after(...samples)).toBeGreaterThan(150);
  });
});
