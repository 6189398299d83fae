/** The driver of the stack itself: ports of its own, and peers that find it. */
import { afterEach, beforeEach, expect, it } from "vitest";
import { startBaresip } from "../../support/baresip.ts";
import { portIsFree } from "../../support/free-port.ts";
import { Lab } from "../../support/lab.ts";
import { startStack } from "../../support/stack.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

it("starts on ports of its own, serves phones and REST, and leaves nothing behind", async () => {
  const stack = await lab.own(startStack());
  const gateway = stack.sip("eu-west");
  expect(Object.keys(stack.description.gateways).sort()).toEqual(["ap-south", "eu-west", "us-east"]);
  expect(gateway.port).not.toBe(5070);
  const phone = await lab.own(startBaresip({ ...stack.user("alice"), gateway }));
  await phone.waitRegistered();
  expect((await stack.request(`/2010-04-01/Accounts/${stack.account().sid}/Calls.json`)).status).toBe(200);
  const pids = [stack.description.worker.pid, ...Object.values(stack.description.gateways).map(({ pid }) => pid)];
  await stack.close();
  for (const pid of pids) expect(() => process.kill(pid ?? 0, 0)).toThrow("ESRCH");
  expect(await portIsFree(gateway.host, gateway.port)).toBe(true);
});

it("runs two stacks side by side and kills a gateway of one", async () => {
  const [one, two] = await Promise.all([lab.own(startStack()), lab.own(startStack({ restart: false }))]);
  const { pid } = await one.killGateway("us-east");
  expect((await one.waitGatewayBack("us-east", pid)).pid).not.toBe(pid);
  await two.killGateway("us-east");
  await expect(two.waitGatewayBack("us-east", two.gateway("us-east").pid ?? 0, 1_500)).rejects.toThrow("not within");
  expect(two.account().sid).not.toBe(one.account().sid);
});
