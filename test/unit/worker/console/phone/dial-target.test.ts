import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DIAL_PROBLEM_WORDS, parseDialTarget } from "../../../../../worker/console/phone/dial-target.ts";

const OWN = "demo.nearside.test";

describe("what people type is dialled", () => {
  it.each([
    { typed: "bob", user: "bob" },
    { typed: "  Bob ", user: "bob" },
    { typed: "anna-lena.b", user: "anna-lena.b" },
    { typed: "bob@demo.nearside.test", user: "bob" },
    { typed: "sip:bob@Demo.Nearside.Test", user: "bob" },
    { typed: "+44 20 7946 0000", user: "+442079460000" },
    { typed: "+44 (0)20 7946-0000", user: "+442079460000" },
    { typed: "tel:+1-202-555-0123", user: "+12025550123" },
    { typed: "(202) 555.0123", user: "2025550123" },
    { typed: "030/1234-56", user: "030123456" },
    { typed: "020\u00a07946\u20110000", user: "02079460000" },
    { typed: "*31#", user: "*31#" },
    { typed: "100", user: "100" },
  ])("$typed as $user", ({ typed, user }) => {
    expect(parseDialTarget(typed, OWN)).toEqual({ ok: true, user });
  });

  it.each([
    { typed: "", code: "nothing-typed" },
    { typed: "   ", code: "nothing-typed" },
    { typed: "sip:", code: "nothing-typed" },
    { typed: "bob@example.com", code: "other-domain" },
    { typed: "bob smith", code: "not-a-name-or-number" },
    { typed: "bob;lr", code: "not-a-name-or-number" },
    { typed: "<bob>", code: "not-a-name-or-number" },
    { typed: "()", code: "not-a-name-or-number" },
    { typed: "1".repeat(65), code: "not-a-name-or-number" },
  ] as const)("not $typed: $code", ({ typed, code }) => {
    const target = parseDialTarget(typed, OWN);
    expect(target).toEqual({ ok: false, code });
    expect(DIAL_PROBLEM_WORDS[code]).toMatch(/\.$/);
  });

  it("never makes a target that would need quoting in a SIP URI, except for the hash", () => {
    fc.assert(
      fc.property(fc.string(), (typed) => {
        const target = parseDialTarget(typed, OWN);
        if (target.ok) expect(target.user).toMatch(/^[a-z0-9+*#][a-z0-9._+*#-]*$/);
      }),
    );
  });
});
