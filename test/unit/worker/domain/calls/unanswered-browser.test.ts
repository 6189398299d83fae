import { expect, it } from "vitest";
import type { LegId } from "#protocol/ids";
import { browserRoute, CallWorld } from "./call-world.ts";

const B1 = "b1" as LegId;

it("a browser that answers neither yes nor no is cancelled, and its caller hears 408", () => {
  const world = new CallWorld();
  world.phoneCalls("bob");
  world.located(browserRoute("tab", "us-east"));
  world.event("us-east", { kind: "webrtc-leg-ready", leg: B1, localSdp: "v=0" });
  world.said();
  world.told();
  world.event("us-east", { kind: "webrtc-leg-refused", leg: B1, status: 408, reason: "no-answer" });
  expect(world.said()).toEqual(["b1: CANCEL sip:tab@abc.invalid;transport=ws SIP/2.0"]);
  expect(world.told()).toEqual(["us-east: reject-leg a 408"]);
  expect(world.state).toMatchObject({ status: "no-answer", endCause: "callee-refused" });
});
