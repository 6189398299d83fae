import { beforeEach, describe, expect, it } from "vitest";
import { A, B1, CallLab } from "../support/call-lab.ts";

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
});

describe("a command that cannot be read", () => {
  it.each([
    ["invite-leg", "leg-failed"],
    ["adopt-leg", "leg-adoption-failed"],
    ["open-webrtc-leg", "webrtc-leg-refused"],
    ["adopt-webrtc-leg", "webrtc-leg-refused"],
  ] as const)("is to the Call object a %s that did not work: %s", async (of, answer) => {
    await lab.command({ kind: "unreadable", leg: B1, of }, 4);
    expect(lab.control.events).toMatchObject([{ kind: answer, leg: "b1", status: 500, epoch: 4 }]);
    expect(lab.count(`calls.command-unreadable.${of}`)).toBe(1);
  });

  it("ends the leg that it was for", async () => {
    await lab.confirmed();
    await lab.command({ kind: "unreadable", leg: A, of: "join-leg" });
    expect(lab.event("leg-ended").leg).toBe("a");
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
  });

  it.each([
    ["its kind is of a later release", undefined],
    ["the talk does not need it", "notify-leg"],
  ] as const)("does nothing when %s", async (_why, of) => {
    await lab.confirmed();
    const before = lab.eventKinds().length;
    await lab.command({ kind: "unreadable", leg: A, of });
    expect(lab.eventKinds()).toHaveLength(before);
    expect(lab.legs.size).toBe(1);
  });
});
