/** A phone that accepts no other address than its own gateway's: its calls wait for that gateway, and it comes back. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { startAddressFilter } from "../support/address-filter.ts";
import { startBaresip } from "../support/baresip.ts";
import { Lab } from "../support/lab.ts";
import { CALLEE_TONE, CALLER_TONE, connect, heardBy, talk } from "../support/phone-talk.ts";
import type { PhonePair } from "../support/phone-talk.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";

let lab: Lab;
let stack: Stack;
beforeEach(async () => {
  lab = new Lab();
  stack = await lab.own(startStack());
});
afterEach(() => lab.close());

it.each(["us-east", "eu-west"])(
  "is adopted by its own gateway, started again, when the other side is on %s; both go on talking",
  async (calleeGateway) => {
    const filter = await lab.own(startAddressFilter(stack.sip("us-east", "udp")));
    const pair: PhonePair = {
      caller: await lab.own(
        startBaresip({ ...stack.user("alice"), gateway: filter.inside, toneFrequency: CALLER_TONE }),
      ),
      callee: await lab.own(
        startBaresip({ ...stack.user("bob"), gateway: stack.sip(calleeGateway, "udp"), toneFrequency: CALLEE_TONE }),
      ),
    };
    await Promise.all([pair.caller.waitRegistered(), pair.callee.waitRegistered()]);
    await connect(pair);
    await talk(1_500);
    await stack.killGateway("us-east");
    await talk(4_000);
    const untilMs = Date.now();
    const callerHears = await heardBy(pair.caller, CALLEE_TONE, untilMs);
    const calleeHears = await heardBy(pair.callee, CALLER_TONE, untilMs);
    expect(filter.dropped()).toBeGreaterThan(0);
    expect(callerHears.longestSilenceMs).toBeLessThanOrEqual(1_000);
    expect(calleeHears.longestSilenceMs).toBeLessThanOrEqual(1_000);

    const { sid } = await findCall(stack, "alice", "bob");
    const call = await readCall(stack, sid);
    expect(call.legs.find(({ leg }) => leg === "a")).toMatchObject({ gateway: "us-east", state: "connected" });

    await pair.callee.hangup();
    await pair.caller.waitClosed();
    const ended = await waitUntil("the end of the call", async () => {
      const now = await readCall(stack, sid);
      return now.endedAtMs !== undefined && now;
    });
    expect(ended.log.filter(({ event }) => event === "call.ended")).toHaveLength(1);
  },
);
