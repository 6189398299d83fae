/** A phone that knows no more than the README's line, on the machine that `npm start` runs on. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { startBaresip } from "../support/baresip.ts";
import { nonLoopbackAddress } from "../support/browser/firefox.ts";
import { Lab } from "../support/lab.ts";
import { heardBy, talk } from "../support/phone-talk.ts";
import { startStack } from "../support/stack.ts";
import { routesOf } from "../support/stack-api.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

it("hears itself at echo, though it signals an address of the machine and its RTP comes from 127.0.0.1", async () => {
  const stack = await lab.own(startStack());
  const phone = await lab.own(
    startBaresip({ ...stack.user("bob"), gateway: stack.sip("us-east"), host: "0.0.0.0", toneFrequency: 500 }),
  );
  await phone.waitRegistered();
  const [route] = await routesOf(stack, "bob");
  // Without another address there is nothing to mix up; the call must work all the same.
  expect(route?.contact).toContain(nonLoopbackAddress() ?? "127.0.0.1");
  await phone.dial(`sip:echo@${stack.account().sipDomain}`);
  await phone.waitEstablished();
  await talk(1_500);
  const heard = await heardBy(phone, 500);
  expect(heard.share).toBeGreaterThan(0.95);
  expect(heard.lastsMs).toBeGreaterThan(1_000);
});
