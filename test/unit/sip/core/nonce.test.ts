import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkNonce,
  createNonce,
  equalInConstantTime,
  NonceCounter,
  nonceExpiresAtMs,
} from "../../../../sip/core/nonce.ts";

const hmacHex = (key: string, text: string) => createHmac("sha256", key).update(text).digest("hex");
const made = { key: "fleet key", hmacHex, context: "demo.example 192.0.2.7" };
const nowMs = 1_750_000_000_000;
const lifetimeMs = 60_000;
const nonce = createNonce({ ...made, nowMs, random: "00112233445566ff" });

describe("checkNonce", () => {
  it.each([
    ["at once", 0, "valid"],
    ["at the end of its lifetime", lifetimeMs, "valid"],
    ["after it", lifetimeMs + 1, "stale"],
    ["a day later", 86_400_000, "stale"],
    ["with a clock that runs behind the maker's", -lifetimeMs, "valid"],
    ["with a clock that runs far behind", -lifetimeMs - 1, "stale"],
  ])("judges a nonce presented %s (%s ms): %s", (_, afterMs, verdict) => {
    expect(checkNonce(nonce, { ...made, nowMs: nowMs + afterMs, lifetimeMs })).toBe(verdict);
  });

  it.each([
    ["another key", { key: "other" }],
    ["another realm or source", { context: "demo.example 192.0.2.8" }],
  ])("finds a nonce made with %s forged", (_, other) => {
    expect(checkNonce(nonce, { ...made, ...other, nowMs, lifetimeMs })).toBe("forged");
  });

  it("finds a forged nonce forged even when its time is over", () => {
    const old = createNonce({ ...made, key: "other", nowMs: 1, random: "00112233" });
    expect(checkNonce(old, { ...made, nowMs, lifetimeMs })).toBe("forged");
  });

  it("notices a change of any character", () => {
    fc.assert(
      fc.property(fc.nat(nonce.length - 1), fc.stringMatching(/^[0-9a-gA-F ]$/), (at, character) => {
        fc.pre(nonce[at] !== character);
        const changed = nonce.slice(0, at) + character + nonce.slice(at + 1);
        expect(checkNonce(changed, { ...made, nowMs, lifetimeMs })).toBe("forged");
      }),
    );
  });

  it.each(["", "abc", nonce.slice(1), `${nonce}0`, "0".repeat(200)])("takes %j for forged", (text) => {
    expect(checkNonce(text, { ...made, nowMs, lifetimeMs })).toBe("forged");
  });

  it("knows any nonce that it made, for every time and randomness", () => {
    const hex = fc.stringMatching(/^[0-9a-f]{8,64}$/);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 43 }), hex, (atMs, random) => {
        const text = createNonce({ ...made, nowMs: atMs, random });
        expect(checkNonce(text, { ...made, nowMs: atMs, lifetimeMs })).toBe("valid");
        expect(nonceExpiresAtMs(text, lifetimeMs)).toBe(atMs + lifetimeMs);
      }),
    );
  });

  it("is not made without randomness: that is our own mistake", () => {
    expect(() => createNonce({ ...made, nowMs, random: "" })).toThrow(TypeError);
  });
});

describe("NonceCounter", () => {
  const at = (now: number, expiresAtMs = 100) => ({ nowMs: now, expiresAtMs });

  it("accepts growing counts, also with gaps, and refuses a count that it saw", () => {
    const counter = new NonceCounter(10);
    expect([1, 2, 5, 5, 4, 1, 6].map((count) => counter.accept("a", count, at(0)))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      true,
    ]);
  });

  it("counts each nonce by itself", () => {
    const counter = new NonceCounter(10);
    expect(["a", "b", "a"].map((one) => counter.accept(one, 1, at(0)))).toEqual([true, true, false]);
  });

  it("refuses the count 0 and an expired nonce", () => {
    const counter = new NonceCounter(10);
    expect(counter.accept("a", 0, at(0))).toBe(false);
    expect(counter.accept("a", 1, at(101))).toBe(false);
  });

  it("forgets a nonce when it has expired", () => {
    const counter = new NonceCounter(10);
    counter.accept("a", 1, at(0, 100));
    counter.accept("b", 1, at(101, 200));
    expect(counter.size).toBe(1);
  });

  it("refuses a nonce that it had to forget for want of room, and takes younger ones", () => {
    const counter = new NonceCounter(2);
    counter.accept("a", 1, at(0, 100));
    counter.accept("b", 1, at(0, 101));
    counter.accept("c", 1, at(0, 102));
    expect(counter.size).toBe(2);
    expect(counter.accept("a", 2, at(0, 100))).toBe(false);
    expect(counter.accept("b", 2, at(0, 101))).toBe(true);
    expect(counter.accept("d", 1, at(0, 103))).toBe(true);
  });

  it("never accepts the same use twice nor grows beyond its limit, whatever the order", () => {
    const use = fc.record({ nonce: fc.nat(6), count: fc.integer({ min: 1, max: 4 }), now: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(use, { maxLength: 60 }), (uses) => {
        const counter = new NonceCounter(3);
        const accepted = new Set<string>();
        for (const { nonce: name, count, now } of uses.toSorted((a, b) => a.now - b.now)) {
          if (!counter.accept(String(name), count, { nowMs: now, expiresAtMs: 5 + name * 3 })) continue;
          expect(accepted).not.toContain(`${name} ${count}`);
          accepted.add(`${name} ${count}`);
        }
        expect(counter.size).toBeLessThanOrEqual(3);
      }),
    );
  });
});

describe("equalInConstantTime", () => {
  it.each([
    ["", "", true],
    ["abc", "abc", true],
    ["abc", "abd", false],
    ["abc", "ab", false],
    ["ab", "abab", false],
    ["", "a", false],
    ["a", "", false],
  ])("compares %j with %j", (a, b, equal) => {
    expect(equalInConstantTime(a, b)).toBe(equal);
  });
});
