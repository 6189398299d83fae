import { describe, expect, it } from "vitest";
import { parseAccountSid, parseCallSid, parseEndpointId } from "#protocol/ids";
import type { CallSid } from "#protocol/ids";
import { ownCalls } from "../../../../../worker/domain/call-index/own-calls.ts";
import type { CallStatus, CallSummary } from "../../../../../worker/domain/calls/call-object-api.ts";

const account = parseAccountSid(`AC${"a".repeat(32)}`)!;
const me = parseEndpointId("alice")!;

function sid(digit: string): CallSid {
  return parseCallSid(`CA${digit.repeat(32)}`)!;
}

function leg(own: string, from: string, to: string, status: CallStatus, more: Partial<CallSummary> = {}): CallSummary {
  const direction = more.parentSid === undefined ? "inbound" : "outbound-dial";
  return { sid: sid(own), account, from, to, status, direction, createdAtMs: 10, updatedAtMs: 10, ...more };
}

describe("the calls of one identity", () => {
  it.each([
    { status: "completed", outcome: "answered" },
    { status: "in-progress", outcome: "in-progress" },
    { status: "ringing", outcome: "in-progress" },
    { status: "queued", outcome: "in-progress" },
    { status: "busy", outcome: "busy" },
    { status: "no-answer", outcome: "no-answer" },
    { status: "canceled", outcome: "canceled" },
    { status: "failed", outcome: "failed" },
  ] as const)(
    "an outgoing call that is $status is $outcome, one entry for all devices that rang",
    ({ status, outcome }) => {
      const legs = [
        leg("1", "client:alice", "client:bob", status),
        leg("2", "client:alice", "client:bob", "completed", { parentSid: sid("1") }),
        leg("3", "client:alice", "client:bob", "canceled", { parentSid: sid("1") }),
      ];
      expect(ownCalls(me, legs)).toMatchObject([{ sid: sid("1"), direction: "outgoing", peer: "bob", outcome }]);
    },
  );

  it.each([
    { what: "one device answered", statuses: ["canceled", "completed"], answered: 1, outcome: "answered" },
    { what: "one device said no", statuses: ["canceled", "busy"], answered: -1, outcome: "declined" },
    { what: "the caller gave up", statuses: ["canceled", "canceled"], answered: -1, outcome: "missed" },
    { what: "nobody answered", statuses: ["no-answer"], answered: -1, outcome: "missed" },
    { what: "it rings", statuses: ["ringing"], answered: -1, outcome: "in-progress" },
  ] as const)("an incoming call is $outcome when $what", ({ statuses, answered, outcome }) => {
    const legs = [
      leg("1", "client:bob", "client:alice", "completed", { answeredAtMs: 20 }),
      ...statuses.map((status, index) =>
        leg(String(index + 2), "client:bob", "client:alice", status, {
          parentSid: sid("1"),
          answeredAtMs: index === answered ? 20 : undefined,
        }),
      ),
    ];
    expect(ownCalls(me, legs)).toMatchObject([{ sid: sid("1"), direction: "incoming", peer: "bob", outcome }]);
  });

  it("a call that reached none of my devices was missed", () => {
    const [call] = ownCalls(me, [leg("1", "client:bob", "client:alice", "no-answer")]);
    expect(call).toMatchObject({ direction: "incoming", outcome: "missed" });
  });

  it("a number stays as it was dialled, and the newest call comes first", () => {
    const legs = [
      leg("1", "client:alice", "echo", "completed", { createdAtMs: 10 }),
      leg("2", "client:alice", "+442079460000", "failed", { createdAtMs: 30 }),
    ];
    expect(ownCalls(me, legs).map(({ peer }) => peer)).toEqual(["+442079460000", "echo"]);
  });

  it("the same leg found twice counts once", () => {
    const toMyself = leg("1", "client:alice", "client:alice", "completed");
    expect(ownCalls(me, [toMyself, toMyself])).toHaveLength(1);
  });
});
