import { describe, expect, it } from "vitest";
import { wordsForTransfer } from "../../../../../worker/console/phone/transfer.ts";

describe("what is said of a transfer of bob to carol", () => {
  it.each([
    { kind: "asked", words: "Connecting bob with carol…" },
    { kind: "ringing", words: "It rings at carol, as bob hears. You may hang up, or wait for the answer." },
  ] as const)("while it is $kind: «$words»", ({ kind, words }) => {
    expect(wordsForTransfer({ kind, to: "carol" }, "bob")).toBe(words);
  });

  it.each([
    { status: 403, reason: "only you can be a part." },
    { status: 404, reason: "“carol” was not found." },
    { status: 408, reason: "carol did not answer." },
    { status: 480, reason: "carol is not reachable now." },
    { status: 481, reason: "has not answered yet." },
    { status: 486, reason: "carol is busy." },
    { status: 488, reason: "The phones of bob and carol share no audio format." },
    { status: 491, reason: "Another transfer of this call is under way" },
    { status: 503, reason: "Try again in a few seconds." },
    { status: 500, reason: "(500). Try again." },
  ])("when it failed with $status: $reason", ({ status, reason }) => {
    const words = wordsForTransfer({ kind: "failed", to: "carol", status }, "bob");
    expect(words).toContain(reason);
    expect(words).toMatch(/ Your call goes on as it was\.$/);
  });
});
