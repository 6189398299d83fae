/** Real phones register over every transport, and two accounts with the same identities stay apart. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startBaresip } from "../support/baresip.ts";
import { freePort } from "../support/free-port.ts";
import { Lab } from "../support/lab.ts";
import { startLinphone } from "../support/linphone.ts";
import { registerScenario, runSipp } from "../support/sipp.ts";
import type { SippOutcome } from "../support/sipp.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, gatewayFigure, listCalls, routesOf } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(async () => {
  await lab.close();
});

const DAY_MS = 24 * 3_600_000;

/** Phones that are killed leave their routes behind; each test asks only for those of its own phones. */
async function routeOfContact(identity: string, port: number, account = "demo") {
  return (await routesOf(stack, identity, account)).filter(({ contact }) => contact.includes(`:${String(port)}`));
}

describe("a phone that registers", () => {
  const BARESIP = [
    ["udp", "us-east", "open-udp"],
    ["tcp", "eu-west", "connection"],
    ["tls", "ap-south", "connection"],
  ] as const;

  it.each(BARESIP)(
    "is listed: baresip over %s at %s, %s; when it leaves, its route goes at once",
    async (transport, gateway, reachability) => {
      const startedAtMs = Date.now();
      const before = await figures(gateway);
      const phone = await lab.own(
        startBaresip({ ...stack.user("alice"), gateway: stack.sip(gateway, transport), transport }),
      );
      await phone.waitRegistered();
      expect(await figures(gateway)).toEqual({ absorbed: before.absorbed, toEdge: before.toEdge + 1 });
      const routes = (await routesOf(stack, "alice")).filter((route) => route.gateway === gateway);
      expect(routes).toEqual([
        expect.objectContaining({
          kind: "phone",
          region: gateway,
          gateway,
          transport,
          reachability,
          lease: "confirmed",
          userAgent: expect.stringContaining("baresip"),
          contact: expect.stringContaining("127.0.0.1"),
          device: expect.stringMatching(/^[0-9a-f]{32}$/),
          routeId: expect.stringContaining(gateway),
        }),
      ]);
      const [route] = routes;
      const registeredAtMs = Date.parse(route?.registeredAt ?? "");
      expect(registeredAtMs).toBeGreaterThanOrEqual(startedAtMs);
      expect(registeredAtMs).toBeLessThanOrEqual(Date.now());
      expect(Date.parse(route?.expiresAt ?? "") - registeredAtMs).toBeLessThanOrEqual(DAY_MS);

      await phone.command("uadel", phone.uri);
      const leftAtMs = performance.now();
      await waitUntil("the route is gone", async () => {
        const now = await routesOf(stack, "alice");
        return !now.some((one) => one.gateway === gateway);
      });
      expect(performance.now() - leftAtMs).toBeLessThan(1_000);
    },
  );

  const LINPHONE = [
    ["udp", "eu-west", "open-udp"],
    ["tcp", "ap-south", "connection"],
    ["tls", "us-east", "connection"],
  ] as const;

  it.each(LINPHONE)("is listed: linphonec over %s at %s, %s", async (transport, gateway, reachability) => {
    const before = await figures(gateway);
    const phone = await lab.own(
      startLinphone({ ...stack.user("bob"), gateway: stack.sip(gateway, transport), transport }),
    );
    await phone.waitRegistered();
    const routes = (await routesOf(stack, "bob")).filter((route) => route.gateway === gateway);
    expect(routes).toEqual([
      expect.objectContaining({ region: gateway, gateway, transport, reachability, lease: "confirmed" }),
    ]);
    expect(routes[0]?.userAgent).toMatch(/linphone/i);
    expect((await figures(gateway)).toEdge).toBe(before.toEdge + 1);
    phone.process.writeLine("unregister");
    await waitUntil("the route is gone", async () => {
      const now = await routesOf(stack, "bob");
      return !now.some((one) => one.gateway === gateway);
    });
  });

  it.each([
    ["udp", "ap-south"],
    ["tcp", "us-east"],
  ] as const)("is listed: sipp over %s at %s, until it registers with Expires: 0", async (transport, gateway) => {
    const port = await freePort("127.0.0.1");
    const register = (expires: number): Promise<SippOutcome> =>
      runSipp({
        scenario: registerScenario(stack.user("carol"), { expires }),
        target: stack.sip(gateway, transport),
        transport,
        port,
        calls: 1,
        timeoutSeconds: 10,
      });
    expect(await register(300)).toMatchObject({ exitCode: 0, errors: "" });
    expect(await routeOfContact("carol", port)).toEqual([
      expect.objectContaining({ region: gateway, gateway, transport, kind: "phone" }),
    ]);
    expect(await register(0)).toMatchObject({ exitCode: 0, errors: "" });
    expect(await routeOfContact("carol", port)).toEqual([]);
  });

  it("with a wrong password is asked again, counted, and gets no route", async () => {
    const refused = (): Promise<number> => gatewayFigure(stack, "us-east", "register.refused.401");
    const wrong = (): Promise<number> => gatewayFigure(stack, "us-east", "digest.digest-wrong");
    const [refusedBefore, wrongBefore] = [await refused(), await wrong()];
    const port = await freePort("127.0.0.1");
    const outcome = await runSipp({
      scenario: registerScenario({ ...stack.user("carol"), password: "not-the-password" }),
      target: stack.sip("us-east"),
      port,
      calls: 1,
      timeoutSeconds: 10,
    });
    expect(isRefusedTwice(outcome)).toBe(true);
    expect(await wrong()).toBe(wrongBefore + 1);
    expect(await refused()).toBe(refusedBefore + 2);
    expect(await routeOfContact("carol", port)).toEqual([]);
  });

  it("as somebody that nobody knows is answered as one with a wrong password", async () => {
    const { domain } = stack.user("carol");
    const outcome = await runSipp({
      scenario: registerScenario({ identity: "mallory", domain, password: "guess" }),
      target: stack.sip("us-east"),
      calls: 1,
      timeoutSeconds: 10,
    });
    expect(isRefusedTwice(outcome)).toBe(true);
  });
});

describe("two accounts with the same identities", () => {
  const PHONES = [
    ["alice", "demo", "us-east"],
    ["bob", "demo", "eu-west"],
    ["alice", "other", "us-east"],
    ["bob", "other", "eu-west"],
  ] as const;

  /** One phone for each, all registered. */
  async function startAll() {
    const phones = await Promise.all(
      PHONES.map(([identity, account, gateway]) =>
        lab.own(startBaresip({ ...stack.user(identity, account), gateway: stack.sip(gateway) })),
      ),
    );
    await Promise.all(phones.map((phone) => phone.waitRegistered()));
    const [demoAlice, demoBob, otherAlice, otherBob] = phones;
    if (demoAlice === undefined || demoBob === undefined || otherAlice === undefined || otherBob === undefined)
      throw new Error("four phones were started");
    return { demo: { alice: demoAlice, bob: demoBob }, other: { alice: otherAlice, bob: otherBob } };
  }

  it("list only their own routes and calls, and ring only their own phones", async () => {
    const phones = await startAll();
    for (const account of ["demo", "other"] as const) {
      for (const identity of ["alice", "bob"] as const) {
        const mine = await routeOfContact(identity, phones[account][identity].port, account);
        expect(mine).toHaveLength(1);
        const theirs = phones[account === "demo" ? "other" : "demo"][identity].port;
        expect(await routeOfContact(identity, theirs, account)).toEqual([]);
      }
    }
    const DIRECTIONS = [
      ["demo", "alice", "bob"],
      ["demo", "bob", "alice"],
      ["other", "alice", "bob"],
      ["other", "bob", "alice"],
    ] as const;
    for (const [account, from, to] of DIRECTIONS) {
      const stranger = phones[account === "demo" ? "other" : "demo"][to];
      const strangerBefore = stranger.events.length;
      const [caller, callee] = [phones[account][from], phones[account][to]];
      const [callerFrom, calleeFrom] = [caller.events.length, callee.events.length];
      const notBeforeMs = Date.now();
      await caller.dial(`sip:${to}@${stack.account(account).sipDomain}`);
      await callee.waitIncoming({ from: calleeFrom });
      const call = await findCall(stack, from, to, { account, notBeforeMs });
      const foreign = account === "demo" ? "other" : "demo";
      expect((await stack.request(`/v1/calls/${call.sid}`, {}, foreign)).status).toBe(404);
      expect((await listCalls(stack, foreign)).map(({ sid }) => sid)).not.toContain(call.sid);
      await caller.hangup();
      await Promise.all([caller.waitClosed({ from: callerFrom }), callee.waitClosed({ from: calleeFrom })]);
      expect(stranger.events.slice(strangerBefore)).toEqual([]);
    }
  });

  it("do not reach each other: a call to the other account's domain is answered 404", async () => {
    const phones = await startAll();
    const pairs = [
      [phones.demo.alice, "other"],
      [phones.other.alice, "demo"],
    ] as const;
    for (const [caller, account] of pairs) {
      await caller.dial(`sip:bob@${stack.account(account).sipDomain}`);
      expect((await caller.waitClosed()).param).toMatch(/^404 /);
    }
    for (const callee of [phones.demo.bob, phones.other.bob])
      expect(callee.events.map(({ type }) => type)).not.toContain("CALL_INCOMING");
  });

  it("do not accept each other's passwords", async () => {
    const { identity, domain } = stack.user("carol");
    const outcome = await runSipp({
      scenario: registerScenario({ identity, domain, password: stack.user("carol", "other").password }),
      target: stack.sip("eu-west"),
      calls: 1,
      timeoutSeconds: 10,
    });
    expect(isRefusedTwice(outcome)).toBe(true);
  });
});

/** Challenged, and challenged again for what it answered. */
function isRefusedTwice({ exitCode, errors, messages }: SippOutcome): boolean {
  return (
    exitCode === 1 && /401 /.test(errors) && /CSeq: 2 REGISTER/.test(messages) && !messages.includes("SIP/2.0 200")
  );
}

async function figures(gateway: string): Promise<{ readonly absorbed: number; readonly toEdge: number }> {
  const [absorbed, toEdge] = await Promise.all([
    gatewayFigure(stack, gateway, "register.absorbed"),
    gatewayFigure(stack, gateway, "register.to-edge"),
  ]);
  return { absorbed, toEdge };
}
