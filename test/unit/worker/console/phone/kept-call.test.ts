import { describe, expect, it } from "vitest";
import { parseKeptCalls, replacesHeaders } from "../../../../../worker/console/phone/kept-call.ts";
import type { KeptCall } from "../../../../../worker/console/phone/kept-call.ts";

const CALL: KeptCall = {
  dialog: { callId: "abc", localTag: "mine", remoteTag: "theirs" },
  peer: "Bob",
  peerIdentity: "bob",
  direction: "outgoing",
  sid: "CA1",
  answeredAtMs: 1,
  muted: false,
  held: true,
  shown: true,
};
const LEFT = { identity: "alice", sipDomain: "demo.example", leftAtMs: 2, calls: [CALL] };

describe("a talk that the page before this one had", () => {
  it("is asked for by the other side's view of its dialog", () => {
    expect(replacesHeaders(CALL)).toEqual(["Replaces: abc;to-tag=theirs;from-tag=mine", "Require: replaces"]);
  });

  it("is read as it was written", () => {
    expect(parseKeptCalls(JSON.stringify(LEFT))).toEqual(LEFT);
  });

  it.each(["", "null", "[]", "{}", '{"identity":"alice"}', '{"calls":[{}]}'])("is none in «%s»", (text) => {
    expect(parseKeptCalls(text)).toBeUndefined();
  });

  it.each([
    ["without its dialog", { ...CALL, dialog: undefined }],
    ["without a tag", { ...CALL, dialog: { ...CALL.dialog, remoteTag: undefined } }],
    ["without the other side", { ...CALL, peerIdentity: undefined }],
    ["without the time of its answer", { ...CALL, answeredAtMs: undefined }],
  ])("is left out %s", (_, call) => {
    expect(parseKeptCalls(JSON.stringify({ ...LEFT, calls: [call, CALL] }))?.calls).toEqual([CALL]);
  });
});
