import { describe, expect, it } from "vitest";
import { parseReplaces } from "../../../../sip/dialog/replaces.ts";

describe("a Replaces header field", () => {
  it("names a dialog by Call-ID and both tags, in any order (RFC 3891 section 6.1)", () => {
    expect(parseReplaces("425928@bobster.example.org;to-tag=7743;from-tag=6472")).toEqual({
      callId: "425928@bobster.example.org",
      toTag: "7743",
      fromTag: "6472",
      earlyOnly: false,
    });
    expect(parseReplaces("12adf2f34456gs5 ; From-Tag=23431 ; to-tag=12345 ; early-only")).toEqual({
      callId: "12adf2f34456gs5",
      toTag: "12345",
      fromTag: "23431",
      earlyOnly: true,
    });
  });

  it.each([
    ["no parameters", "a@b"],
    ["no Call-ID", ";to-tag=1;from-tag=2"],
    ["one tag only", "a@b;to-tag=1"],
    ["a tag without a value", "a@b;to-tag;from-tag=2"],
    ["a tag twice", "a@b;to-tag=1;to-tag=2;from-tag=3"],
    ["a second value", "a@b;to-tag=1;from-tag=2, c@d;to-tag=1;from-tag=2"],
    ["a Call-ID of two words", "a b;to-tag=1;from-tag=2"],
  ])("with %s is malformed", (_what, value) => {
    expect(parseReplaces(value)).toBeUndefined();
  });
});
