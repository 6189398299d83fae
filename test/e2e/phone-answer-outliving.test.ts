/** A gateway dies in the very moment in which it answers: what it did last was not told to anybody. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { startBaresip } from "../support/baresip.ts";
import { Lab } from "../support/lab.ts";
import { heardBy, talk } from "../support/phone-talk.ts";
import { startStack } from "../support/stack.ts";
import { findCall, readCall } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

// The phone has acknowledged the 200 whose SDP names the dead gateway's port; the capsule may say that it still rings.
it.each([0, 60])("a phone hears itself at echo though its gateway died %i ms after the answer", async (afterMs) => {
  const stack = await lab.own(startStack());
  const at = stack.sip("us-east");
  const phone = await lab.own(startBaresip({ ...stack.user("bob"), gateway: at, toneFrequency: 500 }));
  await phone.waitRegistered();
  await phone.dial(`sip:echo@${stack.account().sipDomain}`);
  await phone.waitEstablished();
  await talk(afterMs);
  await stack.killGateway("us-east");
  await talk(5_000);
  const heard = await heardBy(phone, 500);
  expect(heard.share).toBeGreaterThan(0.9);
  expect(heard.lastsMs).toBeGreaterThan(2_500);
  await phone.hangup();
  const { sid } = await findCall(stack, "bob", "echo");
  const call = await waitUntil("the call's end", async () => {
    const now = await readCall(stack, sid);
    return now.endedAtMs !== undefined && now;
  });
  expect(call).toMatchObject({ status: "completed", endCause: "caller-bye" });
  expect(call.log.filter(({ event }) => event === "call.ended")).toHaveLength(1);
});
