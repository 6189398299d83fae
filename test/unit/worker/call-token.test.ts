import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { callTag, parseCallTag, parseCallToken, parseLegId, parseRegionName } from "../../../protocol/ids.ts";
import { openCallToken, sealCallToken } from "../../../worker/call-token.ts";

const KEY = "11".repeat(32);
const name = fc.record({
  objectId: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  region: fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/).map((text) => parseRegionName(text)!),
});

describe("call tokens", () => {
  it("open to what was sealed, and are legal tokens, tags and URI user parts", () => {
    fc.assert(
      fc.property(name, (given) => {
        const token = sealCallToken(KEY, given);
        expect(openCallToken(KEY, token)).toEqual(given);
        expect(parseCallToken(token)).toBe(token);
        expect(parseCallTag(callTag(token, parseLegId("b12")!))?.call).toBe(token);
      }),
    );
  });

  it("open under no other key", () => {
    fc.assert(
      fc.property(name, (given) => {
        expect(openCallToken("22".repeat(32), sealCallToken(KEY, given))).toBeUndefined();
      }),
    );
  });

  it("do not open after any single character was changed", () => {
    fc.assert(
      fc.property(name, fc.nat(), fc.constantFrom("A", "Z", "a", "z", "0", "9", "-", "_"), (given, at, character) => {
        const token = sealCallToken(KEY, given);
        const index = at % token.length;
        const changed = parseCallToken(token.slice(0, index) + character + token.slice(index + 1))!;
        if (changed !== token) expect(openCallToken(KEY, changed)).toBeUndefined();
      }),
    );
  });

  it("do not open when cut or lengthened", () => {
    const token = sealCallToken(KEY, { objectId: "ab".repeat(32), region: parseRegionName("us-east")! });
    for (const text of [token.slice(0, -1), token.slice(0, 64), `${token}A`, "A".repeat(40), "_".repeat(128)]) {
      expect(openCallToken(KEY, parseCallToken(text)!)).toBeUndefined();
    }
  });

  it("are not made of a name that is none", () => {
    const region = parseRegionName("us-east")!;
    expect(() => sealCallToken(KEY, { objectId: "ab", region })).toThrow(TypeError);
    expect(() => sealCallToken("short", { objectId: "ab".repeat(32), region })).toThrow(TypeError);
  });
});
