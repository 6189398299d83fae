/** What becomes of a call to a phone that refuses it or has died, and how the APIs tell of a call. Pairs and courses are in call-table.test.ts. */
import twilio from "twilio";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startBaresip } from "../support/baresip.ts";
import { freePort } from "../support/free-port.ts";
import { Lab } from "../support/lab.ts";
import { connect, startPair, talk } from "../support/phone-talk.ts";
import type { PhonePair, PhoneWay } from "../support/phone-talk.ts";
import { refuseScenario, registerScenario, runSipp, startSipp } from "../support/sipp.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall, routesOf } from "../support/stack-api.ts";
import type { CallDescription } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let lab: Lab;
const started: PhonePair[] = [];
beforeEach(() => {
  lab = new Lab();
});
/** Phones sign off, so that the next test's calls ring none of them. */
afterEach(async () => {
  try {
    for (const { caller, callee } of started.splice(0)) {
      await Promise.all([caller, callee].map((phone) => phone.command("uadel", phone.uri)));
      for (const identity of ["alice", "bob"])
        await waitUntil(`${identity} has left`, async () => (await routesOf(stack, identity)).length === 0);
    }
  } finally {
    await lab.close();
  }
});

async function pairAt(caller: PhoneWay, callee: PhoneWay): Promise<PhonePair> {
  const pair = await startPair(lab, stack, { caller, callee });
  started.push(pair);
  return pair;
}

/** The call of the pair, once both of its legs have given their figures. */
async function endedCall(notBeforeMs: number): Promise<CallDescription> {
  const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs });
  return await waitUntil("the figures of both legs", async () => {
    const call = await readCall(stack, sid);
    return call.legs.every((leg) => leg.statistics !== undefined) && call;
  });
}

describe("a call that is not taken", () => {
  it.each([
    [486, "Busy Here", "busy"],
    [603, "Decline", "busy"],
    [480, "Temporarily Unavailable", "no-answer"],
    [404, "Not Found", "failed"],
  ] as const)("is answered %d %s as the callee's phone answered, and counts as %s", async (status, reason, counts) => {
    const notBeforeMs = Date.now();
    const port = await freePort("127.0.0.1");
    const register = (expires: number) =>
      runSipp({
        scenario: registerScenario(stack.user("bob"), { expires }),
        target: stack.sip("eu-west"),
        port,
        calls: 1,
        timeoutSeconds: 10,
      });
    expect(await register(300)).toMatchObject({ exitCode: 0 });
    const refusing = await lab.own(startSipp({ scenario: refuseScenario(status, reason), port, calls: 1 }));
    const caller = await lab.own(startBaresip({ ...stack.user("alice"), gateway: stack.sip("us-east") }));
    await caller.waitRegistered();
    await caller.dial(`sip:bob@${stack.account().sipDomain}`);
    expect((await caller.waitClosed()).param).toBe(`${status} ${reason}`);
    expect(await refusing.outcome()).toMatchObject({ exitCode: 0, errors: "" });
    const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs });
    expect(await readCall(stack, sid)).toMatchObject({ status: counts, endCause: "callee-refused" });
    expect(await register(0)).toMatchObject({ exitCode: 0 });
    await caller.command("uadel", caller.uri);
    await waitUntil("alice has left", async () => (await routesOf(stack, "alice")).length === 0);
  });
});

describe("a phone that died without a word", () => {
  it.each([
    // Nothing tells that a datagram found nobody: an INVITE is repeated for 4 s first.
    ["udp", "408 Request Timeout", { atLeast: 3_900, atMost: 5_500 }],
    ["tcp", "503 Service Unavailable", { atLeast: 0, atMost: 1_000 }],
    ["tls", "503 Service Unavailable", { atLeast: 0, atMost: 1_000 }],
  ] as const)("over %s is answered %s once, and 480 from then on", async (transport, answer, within) => {
    const pair = await startPair(lab, stack, {
      caller: { gateway: "us-east" },
      callee: { gateway: "eu-west", transport },
    });
    pair.callee.kill();
    await pair.callee.process.ended;
    const dialledAtMs = Date.now();
    await pair.caller.dial(pair.callee.uri);
    const closed = await pair.caller.waitClosed();
    expect(closed.param).toBe(answer);
    expect(closed.atMs - dialledAtMs).toBeGreaterThanOrEqual(within.atLeast);
    expect(closed.atMs - dialledAtMs).toBeLessThan(within.atMost);
    await waitUntil("its route is taken back", async () => (await routesOf(stack, "bob")).length === 0, {
      timeoutMs: 2_000,
    });
    const from = pair.caller.events.length;
    await pair.caller.dial(pair.callee.uri);
    expect((await pair.caller.waitClosed({ from })).param).toBe("480 Temporarily Unavailable");
    await pair.caller.command("uadel", pair.caller.uri);
    await waitUntil("alice has left", async () => (await routesOf(stack, "alice")).length === 0);
  });
});

describe("the APIs", () => {
  it("show a call with parent and child, legs, the routing decision and its log", async () => {
    const notBeforeMs = Date.now();
    const pair = await pairAt({ gateway: "us-east" }, { gateway: "ap-south" });
    await connect(pair);
    await talk(1_100);
    const during = await findCall(stack, "alice", "bob", { notBeforeMs });
    expect(during.status).toBe("in-progress");
    const endedAtMs = Date.now();
    await pair.callee.hangup();
    expect((await pair.caller.waitClosed()).atMs - endedAtMs).toBeLessThan(1_000);
    const call = await endedCall(notBeforeMs);
    expect(call).toMatchObject({ status: "completed", endCause: "callee-bye", epoch: 1 });
    const { sid: account, authToken } = stack.account();

    const client = twilio(account, authToken, { accountSid: account });
    client.api.baseUrl = stack.http;
    const listed = (await client.calls.list({ limit: 100 })).filter(
      (one) => one.sid === call.sid || one.parentCallSid === call.sid,
    );
    const [child, parent] = ["outbound-dial", "inbound"].map((direction) =>
      listed.find((one) => one.direction === direction),
    );
    expect(listed).toHaveLength(2);
    expect(parent).toMatchObject({ sid: call.sid, from: "client:alice", to: "client:bob", status: "completed" });
    expect(child).toMatchObject({ parentCallSid: call.sid, to: "client:bob", status: "completed" });
    const fetched = await client.calls(call.sid).fetch();
    expect(fetched).toMatchObject({ sid: call.sid, accountSid: account, status: "completed" });
    expect(Number(fetched.duration)).toBeGreaterThanOrEqual(1);
    expect(fetched.startTime.getTime()).toBeGreaterThanOrEqual(notBeforeMs - 1_000);
    expect((await client.calls(child?.sid ?? "").fetch()).parentCallSid).toBe(call.sid);

    expect(call.legs).toEqual([
      expect.objectContaining({
        leg: "a",
        sid: call.sid,
        identity: "alice",
        gateway: "us-east",
        region: "us-east",
        codec: "PCMU",
      }),
      expect.objectContaining({
        leg: "b1",
        sid: child?.sid,
        identity: "bob",
        gateway: "ap-south",
        region: "ap-south",
        codec: "PCMU",
      }),
    ]);
    const { routing } = call;
    expect(routing).toMatchObject({ policy: "fewest-regions", decidedBy: "only-candidate" });
    expect(routing?.rules).toContain("fewest-crossings");
    expect(routing?.candidates).toEqual([
      expect.objectContaining({
        verdict: "chosen",
        gateway: "ap-south",
        through: "own",
        crossings: 1,
        rttMs: 187,
        distanceKm: expect.any(Number),
        reason: expect.stringMatching(/\w/),
      }),
    ]);
    expect(routing?.inputs.gateways.map(({ gateway }) => gateway).sort()).toEqual(["ap-south", "eu-west", "us-east"]);
    const events = call.log.map(({ event }) => event);
    expect(events).toEqual(expect.arrayContaining(["call.invited", "call.routed", "leg.answered", "call.answered"]));
    expect(events.filter((event) => event === "call.ended")).toHaveLength(1);
    expect(call.log.map(({ seq }) => seq)).toEqual(call.log.map((_, index) => index + 1));
  });

  it("show which of two routes of one user won, by which rule", async () => {
    const notBeforeMs = Date.now();
    const pair = await pairAt({ gateway: "us-east" }, { gateway: "us-east" });
    const far = await lab.own(startBaresip({ ...stack.user("bob"), gateway: stack.sip("ap-south") }));
    await far.waitRegistered();
    await pair.caller.dial(pair.callee.uri);
    // Different devices ring in parallel.
    await Promise.all([pair.callee.waitIncoming(), far.waitIncoming()]);
    await pair.callee.answer();
    await pair.caller.waitEstablished();
    await far.waitClosed();
    await pair.caller.hangup();
    await pair.callee.waitClosed();
    const call = await findCall(stack, "alice", "bob", { notBeforeMs });
    expect(call.routing?.decidedBy).toBe("fewest-crossings");
    expect(
      call.routing?.candidates.map(({ gateway, crossings, verdict }) => ({ gateway, crossings, verdict })),
    ).toEqual([
      { gateway: "us-east", crossings: 0, verdict: "chosen" },
      { gateway: "ap-south", crossings: 1, verdict: "chosen" },
    ]);
    expect(far.events.map(({ type }) => type)).not.toContain("CALL_ESTABLISHED");
    await far.command("uadel", far.uri);
  });
});
