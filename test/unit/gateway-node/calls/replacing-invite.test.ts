import { beforeEach, describe, expect, it } from "vitest";
import { A, B1, CALL, CallLab, TAG_A, TAG_B } from "../support/call-lab.ts";

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
  lab.control.stored = false;
});

const replacing = (value: string) => lab.invite({ callId: "new@phone", headers: [`Replaces: ${value}`] });

describe("an INVITE with Replaces", () => {
  it.each([
    ["To", `old@phone;to-tag=${TAG_A};from-tag=phone`],
    ["From, as the other side of the dialog sees it", `old@phone;to-tag=phone;from-tag=${TAG_B}`],
  ])("is brought to the call that our tag names in %s, as a leg of its own", async (_where, value) => {
    lab.control.tickets = [];
    const transaction = await replacing(value);
    expect(transaction.statuses).toEqual([]);
    const event = lab.event("replace-received");
    expect(event).toMatchObject({ from: "alice", replaces: value, epoch: 1 });
    expect(event.leg).toMatch(/^r[1-9]\d{0,2}$/);
    expect(event.capsule).toMatchObject({ phase: "ringing", dialog: { localTag: `${CALL}.${event.leg}` } });
    await lab.command({ kind: "answer-leg", leg: event.leg, codec: "PCMU" });
    expect(transaction.statuses).toEqual([200]);
  });

  it("may require the extension", async () => {
    const transaction = await lab.invite({
      headers: [`Replaces: x;to-tag=${TAG_A};from-tag=phone`, "Require: replaces"],
    });
    expect(transaction.statuses).toEqual([]);
    expect(lab.eventKinds()).toEqual(["replace-received"]);
  });

  it.each([
    ["tags that are none of ours", "x;to-tag=1;from-tag=2", 481, "replaces-no-dialog"],
    ["one tag only", `x;to-tag=${TAG_A}`, 400, "replaces-malformed"],
    ["more than a dialog has", `${"x".repeat(1_100)};to-tag=${TAG_A};from-tag=2`, 400, "replaces-malformed"],
  ])("with %s is refused", async (_what, value, status, code) => {
    const transaction = await replacing(value);
    expect(transaction.statuses).toEqual([status]);
    expect(lab.count(`invite.refused.${code}`)).toBe(1);
    expect(lab.eventKinds()).toEqual([]);
  });

  it("gets 481 when the call is not there, and 503 when nobody could say so", async () => {
    const gone = await replacing(`x;to-tag=${TAG_A};from-tag=phone`);
    lab.commands.handleGone(CALL);
    expect(gone.statuses).toEqual([481]);
    const unheard = await replacing(`x;to-tag=${TAG_A};from-tag=phone`);
    await lab.clock.advanceAsync(4_000);
    expect(unheard.statuses).toEqual([503]);
  });

  it("leaves the leg that it replaces alone", async () => {
    lab.control.stored = true;
    await lab.confirmed();
    await replacing(`call-1@phone;to-tag=${TAG_A};from-tag=phone`);
    expect(lab.legs.get(CALL, A)?.gone).toBe(false);
    expect(lab.legs.get(CALL, B1)).toBeUndefined();
    expect(lab.stack.sentMethods()).toEqual([]);
  });
});
