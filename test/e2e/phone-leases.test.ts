/** What becomes of registrations in the minute that they are granted. Each waits for most of it, so all do at the same time. */
import { afterAll, describe, expect, it } from "vitest";
import { startBaresip } from "../support/baresip.ts";
import { Lab } from "../support/lab.ts";
import { startPair } from "../support/phone-talk.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { gatewayFigure, routesOf } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";

const lab = new Lab();
afterAll(() => lab.close());

async function figures(stack: Stack, gateway: string): Promise<{ readonly absorbed: number; readonly toEdge: number }> {
  const [absorbed, toEdge] = await Promise.all([
    gatewayFigure(stack, gateway, "register.absorbed"),
    gatewayFigure(stack, gateway, "register.to-edge"),
  ]);
  return { absorbed, toEdge };
}

describe.concurrent("a registration", () => {
  it("is refreshed without a word to the edge, over every transport and in its own time", async () => {
    const stack = await lab.own(startStack());
    const read = async (gateway: string) => await figures(stack, gateway);
    const GATEWAYS = ["us-east", "eu-west", "ap-south"] as const;
    const TRANSPORTS = { "us-east": "udp", "eu-west": "tcp", "ap-south": "tls" } as const;
    const before = await Promise.all(GATEWAYS.map(read));
    const phones = await Promise.all(
      GATEWAYS.map(async (gateway) => {
        const transport = TRANSPORTS[gateway];
        const at = { gateway: stack.sip(gateway, transport), transport };
        return await lab.own(startBaresip({ ...stack.user("carol"), ...at, registerSeconds: 60 }));
      }),
    );
    await Promise.all(phones.map((phone) => phone.waitRegistered()));
    const registered = await Promise.all(GATEWAYS.map(read));
    expect(registered).toEqual(before.map(({ absorbed, toEdge }) => ({ absorbed, toEdge: toEdge + 1 })));
    // baresip refreshes after nine tenths of the minute that is granted at least.
    await waitUntil(
      "three refreshes",
      async () =>
        (await Promise.all(GATEWAYS.map(read))).every(({ absorbed }, at) => absorbed > (before[at]?.absorbed ?? 0)),
      { timeoutMs: 60_000, everyMs: 250 },
    );
    expect(await Promise.all(GATEWAYS.map(read))).toEqual(
      registered.map(({ absorbed, toEdge }) => ({ absorbed: absorbed + 1, toEdge })),
    );
    expect((await routesOf(stack, "carol")).map(({ transport }) => transport).sort()).toEqual(["tcp", "tls", "udp"]);
  });

  it("is refreshed by a phone with the gateway that came back after kill -9; of a phone that does not it is gone in time", async () => {
    const stack = await lab.own(startStack());
    const pair = await startPair(lab, stack, { caller: { gateway: "us-east" }, callee: { gateway: "us-east" } });
    pair.callee.kill();
    const { pid } = await stack.killGateway("us-east");
    await stack.waitGatewayBack("us-east", pid);
    const leases = async (identity: string) => (await routesOf(stack, identity)).map(({ lease }) => lease);
    await waitUntil("the new run is known", async () => (await leases("bob"))[0] === "lost");
    expect(await leases("alice")).toEqual(["lost"]);
    // The granted minute and a grace of 5 s; baresip refreshes after nine tenths of the minute.
    await waitUntil("bob's route has run out", async () => (await leases("bob")).length === 0, {
      timeoutMs: 75_000,
      everyMs: 500,
    });
    expect(await leases("alice")).toEqual(["confirmed"]);
    await pair.caller.dial(pair.callee.uri);
    expect((await pair.caller.waitClosed()).param).toBe("480 Temporarily Unavailable");
  });
});
