import { describe, expect, it } from "vitest";
import { wordsForEnd, wordsForMicrophone } from "../../../../../worker/console/phone/call-end.ts";

describe("what is said when a call does not come about", () => {
  it.each([
    { status: 404, title: "“bob” was not found", again: false },
    { status: 408, title: "bob did not answer", again: true },
    { status: 480, title: "bob is not reachable now", again: true },
    { status: 482, title: "Calls to bob are forwarded in a circle", again: false },
    { status: 484, title: "The number is incomplete", again: false },
    { status: 486, title: "bob is busy", again: true },
    { status: 488, title: "bob's phone and this browser share no audio format", again: true },
    { status: 603, title: "bob declined the call", again: true },
    { status: 403, title: "You may not make this call", again: true },
    { status: 500, title: "The call did not go through", again: true },
  ])("$status is told as «$title», with what to do", ({ status, title, again }) => {
    const words = wordsForEnd({ kind: "refused", status }, "bob");
    expect(words).toMatchObject({ title, again, tone: "problem" });
    expect(words.advice).toMatch(/\.$/);
    if (status !== 500) expect(words.advice).not.toContain(String(status));
  });

  it.each([
    { retryAfterSeconds: undefined, within: "5 seconds" },
    { retryAfterSeconds: 1, within: "a second" },
    { retryAfterSeconds: 30, within: "30 seconds" },
    { retryAfterSeconds: 60, within: "a minute" },
    { retryAfterSeconds: 90, within: "2 minutes" },
  ])("503 with Retry-After $retryAfterSeconds advises another try in $within", ({ retryAfterSeconds, within }) => {
    expect(wordsForEnd({ kind: "refused", status: 503, retryAfterSeconds }, "bob").advice).toContain(`in ${within}.`);
  });

  it.each(["NotAllowedError", "NotFoundError", "NotReadableError", "SomethingNew"])(
    "a microphone that fails with %s is told with what to do",
    (name) => {
      expect(wordsForEnd({ kind: "no-microphone", name }, "bob")).toEqual(wordsForMicrophone(name));
      expect(wordsForMicrophone(name).advice).toMatch(/call again\.$|under Audio\.$/);
    },
  );

  it("every end has its own title", () => {
    const ends = [
      wordsForEnd({ kind: "hung-up", by: "me" }, "bob"),
      wordsForEnd({ kind: "hung-up", by: "them" }, "bob"),
      wordsForEnd({ kind: "cancelled" }, "bob"),
      wordsForEnd({ kind: "missed" }, "bob"),
      wordsForEnd({ kind: "declined" }, "bob"),
      wordsForEnd({ kind: "answered-elsewhere" }, "bob"),
      wordsForEnd({ kind: "transferred", to: "carol" }, "bob"),
      wordsForEnd({ kind: "ended-meanwhile" }, "bob"),
      wordsForEnd({ kind: "no-network" }, "bob"),
      wordsForEnd({ kind: "no-media" }, "bob"),
    ];
    expect(new Set(ends.map(({ title }) => title)).size).toBe(ends.length);
  });
});
