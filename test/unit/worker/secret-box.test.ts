import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { decodeBase64, decodeHex, encodeBase64Url, encodeHex } from "../../../worker/encoding.ts";
import { SecretBox } from "../../../worker/secret-box.ts";

describe("secrets at rest", () => {
  const box = new SecretBox("ab".repeat(32), "account-1");

  it("open to what was sealed, in no other box and after no change", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.nat(), (secret, at) => {
        const sealed = box.seal(secret);
        expect(box.open(sealed)).toBe(new TextDecoder().decode(new TextEncoder().encode(secret)));
        expect(new SecretBox("ab".repeat(32), "account-2").open(sealed)).toBeUndefined();
        expect(new SecretBox("cd".repeat(32), "account-1").open(sealed)).toBeUndefined();
        const bytes = decodeBase64(sealed)!;
        bytes[at % bytes.length]! ^= 1;
        expect(box.open(encodeBase64Url(bytes))).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  it("never look the same twice", () => {
    expect(box.seal("same")).not.toBe(box.seal("same"));
  });

  it.each(["", "short", "not base64!"])("do not open from %j", (text) => {
    expect(box.open(text)).toBeUndefined();
  });
});

describe("bytes as text", () => {
  it("go there and back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(encodeBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
        expect(decodeBase64(Buffer.from(bytes).toString("base64"))).toEqual(Uint8Array.from(bytes));
        expect(decodeHex(encodeHex(bytes))).toEqual(Uint8Array.from(bytes));
      }),
    );
  });

  it.each(["a", "abcde", "a b=", "===="])("base64 that is none: %j", (text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});
