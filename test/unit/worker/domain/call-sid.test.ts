import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { createCallSid, dayOf, parseCallSidParts } from "../../../../worker/domain/call-sid.ts";

describe("call SIDs", () => {
  it("say in which region and on which day their call is listed", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 65_535 }),
        fc.stringMatching(/^[0-9a-f]{26}$/),
        (regionIndex, day, randomHex) => {
          const sid = createCallSid({ regionIndex, day, randomHex });
          expect(sid).toMatch(/^CA[0-9a-f]{32}$/);
          expect(parseCallSidParts(sid)).toEqual({ regionIndex, day });
          expect(sid.endsWith(randomHex)).toBe(true);
        },
      ),
    );
  });

  it.each([
    { what: "a region index over one byte", parts: { regionIndex: 256, day: 1, randomHex: "0".repeat(26) } },
    { what: "a day over two bytes", parts: { regionIndex: 1, day: 65_536, randomHex: "0".repeat(26) } },
    { what: "too little randomness", parts: { regionIndex: 1, day: 1, randomHex: "0".repeat(25) } },
  ])("are not made from $what", ({ parts }) => {
    expect(() => createCallSid(parts)).toThrow(RangeError);
  });

  it("counts days in UTC", () => {
    expect(dayOf(Date.UTC(1970, 0, 1, 23, 59, 59, 999))).toBe(0);
    expect(dayOf(Date.UTC(1970, 0, 2))).toBe(1);
  });
});
