/** A call outlives any gateway, and the Worker: phones go on talking, and hanging up still ends both sides once. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startBaresip } from "../support/baresip.ts";
import { Lab } from "../support/lab.ts";
import { startLinphone } from "../support/linphone.ts";
import { CALLEE_TONE, CALLER_TONE, connect, heardBy, ring, startPair, talk } from "../support/phone-talk.ts";
import type { PhonePair, PhoneWay } from "../support/phone-talk.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, gatewayFigure, readCall } from "../support/stack-api.ts";
import type { CallDescription } from "../support/stack-api.ts";
import { longestSilenceMs, toneStartMs } from "../support/tone.ts";
import { waitUntil } from "../support/wait-until.ts";

/** The promise to people. Recordings place audio in time to within 40 ms. */
const LONGEST_SILENCE_MS = 1_000;
const TALK_BEFORE_MS = 1_000;
/** Longer than the promise, so that a silence that does not end is seen. */
const TALK_AFTER_MS = 2_500;

let lab: Lab;
let stack: Stack;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

async function freshStack(): Promise<void> {
  stack = await lab.own(startStack());
}

type Side = "caller" | "callee";

async function expectBothHear(pair: PhonePair, longestMs: number, atLeastMs: number): Promise<void> {
  const untilMs = Date.now();
  const heard = await Promise.all([
    heardBy(pair.caller, CALLEE_TONE, untilMs),
    heardBy(pair.callee, CALLER_TONE, untilMs),
  ]);
  for (const { share, longestSilenceMs, lastsMs } of heard) {
    expect(lastsMs).toBeGreaterThan(atLeastMs);
    expect(longestSilenceMs).toBeLessThanOrEqual(longestMs);
    expect(share).toBeGreaterThan(0.9);
  }
}

/** One side hangs up: the other's phone hears of it within a second, and the call ends once. */
async function expectEnd(pair: PhonePair, side: Side, notBeforeMs: number): Promise<CallDescription> {
  const other = side === "caller" ? pair.callee : pair.caller;
  const from = other.events.length;
  const atMs = Date.now();
  await pair[side].hangup();
  expect((await other.waitClosed({ from })).atMs - atMs).toBeLessThan(1_000);
  const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs });
  const call = await waitUntil("the end of the call", async () => {
    const now = await readCall(stack, sid);
    return now.endedAtMs !== undefined && now;
  });
  expect(call).toMatchObject({ status: "completed", endCause: `${side}-bye` });
  expect(call.log.filter(({ event }) => event === "call.ended")).toHaveLength(1);
  return call;
}

const PLACES = {
  "both legs": { caller: "us-east", callee: "us-east", killed: "us-east" },
  "the caller's leg": { caller: "us-east", callee: "eu-west", killed: "us-east" },
  "the callee's leg": { caller: "us-east", callee: "eu-west", killed: "eu-west" },
} as const;
type Place = keyof typeof PLACES;

describe("kill -9 of a gateway in a talk", () => {
  beforeEach(freshStack);

  const TALKS: readonly (readonly [Place, PhoneWay["transport"] & string, PhoneWay["transport"] & string, Side])[] = [
    ["both legs", "udp", "udp", "caller"],
    ["the caller's leg", "udp", "udp", "callee"],
    ["the callee's leg", "udp", "udp", "caller"],
    ["both legs", "tcp", "tcp", "callee"],
    ["the caller's leg", "tcp", "udp", "caller"],
    ["the callee's leg", "udp", "tcp", "callee"],
    ["both legs", "tls", "tls", "caller"],
    ["the caller's leg", "tls", "tcp", "callee"],
    ["the callee's leg", "tcp", "tls", "caller"],
  ];

  it.each(TALKS)(
    "that carries %s, %s to %s: both go on talking, and the %s hangs up",
    async (place, callerTransport, calleeTransport, hangsUp) => {
      const { caller, callee, killed } = PLACES[place];
      const notBeforeMs = Date.now();
      const pair = await startPair(lab, stack, {
        caller: { gateway: caller, transport: callerTransport },
        callee: { gateway: callee, transport: calleeTransport },
      });
      await connect(pair);
      await talk(TALK_BEFORE_MS);
      await stack.killGateway(killed);
      await talk(TALK_AFTER_MS);
      await expectBothHear(pair, LONGEST_SILENCE_MS, TALK_BEFORE_MS + TALK_AFTER_MS - 500);
      const call = await expectEnd(pair, hangsUp, notBeforeMs);
      expect(call.epoch).toBeGreaterThan(1);
      expect(call.log.filter(({ event }) => event === "gateway.lost")).toHaveLength(1);
      const adopted = call.log.filter(({ event }) => event === "leg.adopted");
      expect(new Set(adopted.map(({ leg }) => leg)).size).toBe(place === "both legs" ? 2 : 1);
    },
  );

  it.each(["udp", "tcp", "tls"] as const)(
    "twice, over %s, each time the one that carries both legs",
    async (transport) => {
      const notBeforeMs = Date.now();
      const at = { gateway: "us-east", transport };
      const pair = await startPair(lab, stack, { caller: at, callee: at });
      await connect(pair);
      await talk(TALK_BEFORE_MS);
      const first = await stack.killGateway("us-east");
      await talk(TALK_AFTER_MS);
      const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs });
      const holders = new Set((await readCall(stack, sid)).legs.map(({ gateway }) => gateway));
      expect(holders.size).toBe(1);
      const [second = ""] = holders;
      await stack.waitGatewayBack("us-east", first.pid);
      await stack.killGateway(second);
      await talk(TALK_AFTER_MS);
      await expectBothHear(pair, LONGEST_SILENCE_MS, TALK_BEFORE_MS + 2 * TALK_AFTER_MS - 500);
      const call = await expectEnd(pair, "callee", notBeforeMs);
      expect(call.epoch).toBeGreaterThan(2);
      expect(call.log.filter(({ event }) => event === "gateway.lost")).toHaveLength(2);
    },
  );
});

describe("a hang-up in the moment in which the callee's gateway is dead", () => {
  beforeEach(freshStack);

  it.each(["caller", "callee"] as const)("by the %s ends the call for both", async (side) => {
    const notBeforeMs = Date.now();
    const pair = await startPair(lab, stack, { caller: { gateway: "us-east" }, callee: { gateway: "eu-west" } });
    await connect(pair);
    await talk(500);
    const other = side === "caller" ? pair.callee : pair.caller;
    await stack.killGateway("eu-west");
    await pair[side].hangup();
    await other.waitClosed({ timeoutMs: 3_000 });
    const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs });
    const call = await waitUntil("the call is over", async () => {
      const read = await readCall(stack, sid);
      return read.endedAtMs !== undefined && read;
    });
    expect(call.status).toBe("completed");
    expect(call.log.filter(({ event }) => event === "call.ended")).toHaveLength(1);
  });
});

describe("kill -9 of a gateway that carries a phone of another make", () => {
  beforeEach(freshStack);

  it("linphone and baresip both go on talking", async () => {
    const notBeforeMs = Date.now();
    const caller = await lab.own(
      startBaresip({ ...stack.user("alice"), gateway: stack.sip("us-east"), toneFrequency: CALLER_TONE }),
    );
    const callee = await lab.own(
      startLinphone({ ...stack.user("bob"), gateway: stack.sip("us-east"), toneFrequency: 900, autoAnswer: true }),
    );
    await Promise.all([caller.waitRegistered(), callee.waitRegistered()]);
    await caller.dial(callee.uri);
    await caller.waitEstablished();
    await talk(TALK_BEFORE_MS);
    await stack.killGateway("us-east");
    await talk(TALK_AFTER_MS);
    const toCaller = await heardBy(caller, 900);
    expect(toCaller.lastsMs).toBeGreaterThan(TALK_BEFORE_MS + TALK_AFTER_MS - 700);
    expect(toCaller.longestSilenceMs).toBeLessThanOrEqual(LONGEST_SILENCE_MS);
    const mark = callee.mark();
    await caller.hangup();
    await callee.waitEnded({ from: mark, timeoutMs: 1_000 });
    const { samples, rate } = await callee.received();
    const from = (toneStartMs(samples, rate, CALLER_TONE) ?? Infinity) + 100;
    expect(from).toBeLessThan(1_500);
    expect((samples.length * 1_000) / rate - from).toBeGreaterThan(TALK_BEFORE_MS + TALK_AFTER_MS - 1_000);
    // Its recording ends a moment after the call does.
    const to = (samples.length * 1_000) / rate - 300;
    expect(longestSilenceMs(samples, rate, CALLER_TONE, { from, to })).toBeLessThanOrEqual(LONGEST_SILENCE_MS);
    const call = await findCall(stack, "alice", "bob", { notBeforeMs });
    expect(call.log.filter(({ event }) => event === "leg.adopted")).toHaveLength(2);
  });
});

describe("kill -9 of a gateway that never comes back, in a talk", () => {
  beforeEach(async () => {
    stack = await lab.own(startStack({ restart: false }));
  });

  it.each(["udp", "tcp", "tls"] as const)("over %s: another gateway takes both legs", async (transport) => {
    const notBeforeMs = Date.now();
    const at = { gateway: "us-east", transport };
    const pair = await startPair(lab, stack, { caller: at, callee: at });
    await connect(pair);
    await talk(TALK_BEFORE_MS);
    await stack.killGateway("us-east");
    await talk(TALK_AFTER_MS);
    await expectBothHear(pair, LONGEST_SILENCE_MS, TALK_BEFORE_MS + TALK_AFTER_MS - 500);
    const call = await expectEnd(pair, "caller", notBeforeMs);
    expect(call.legs.map(({ gateway }) => gateway)).toEqual(["eu-west", "eu-west"]);
  });
});

describe("kill -9 of a gateway while it rings", () => {
  beforeEach(freshStack);

  // A caller over TCP or TLS gives its call up by itself when the connection of its INVITE breaks.
  it.each([
    ["both legs", "udp"],
    ["the caller's leg", "udp"],
    ["the callee's leg", "udp"],
    ["the callee's leg", "tcp"],
    ["the callee's leg", "tls"],
  ] as const)(
    "that carries %s, the callee's phone on %s: the call can be answered, and both talk",
    async (place, transport) => {
      const { caller, callee, killed } = PLACES[place];
      const notBeforeMs = Date.now();
      const pair = await startPair(lab, stack, {
        caller: { gateway: caller },
        callee: { gateway: callee, transport },
      });
      await ring(pair);
      const from = pair.callee.events.length;
      await stack.killGateway(killed);
      // The callee's phone is rung anew by the gateway that takes over.
      if (place !== "the caller's leg") await pair.callee.waitIncoming({ from });
      else {
        const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs });
        await waitUntil("the caller's leg has moved", async () => (await readCall(stack, sid)).epoch > 1);
      }
      await pair.callee.answer();
      await Promise.all([pair.caller.waitEstablished(), pair.callee.waitEstablished()]);
      await talk(2_000);
      await expectBothHear(pair, LONGEST_SILENCE_MS, 1_500);
      const call = await expectEnd(pair, "callee", notBeforeMs);
      expect(call.epoch).toBeGreaterThan(1);
    },
  );
});

describe("kill -9 of the Worker in a talk", () => {
  beforeEach(freshStack);

  const PAIRS = [
    ["on one gateway", { gateway: "us-east" }, { gateway: "us-east" }],
    ["across two gateways", { gateway: "us-east" }, { gateway: "eu-west" }],
  ] as const;
  /** Nobody may hear it; recordings place audio in time to within 40 ms. */
  const UNHEARD_MS = 100;

  async function killWorker(): Promise<number> {
    const { pid } = (await stack.reload()).worker;
    if (pid === null) throw new Error("the Worker is dead already");
    process.kill(pid, "SIGKILL");
    return pid;
  }

  async function workerAnswers(): Promise<boolean> {
    return await fetch(`${stack.http}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async function waitWorkerBack(oldPid: number): Promise<void> {
    await waitUntil(
      "the Worker and all its control channels are back",
      async () => {
        const { worker, gateways } = await stack.reload();
        if (worker.pid === null || worker.pid === oldPid || !(await workerAnswers())) return false;
        const open = await Promise.all(
          Object.keys(gateways).map((gateway) => gatewayFigure(stack, gateway, "control_channels_open")),
        );
        return open.every((channels) => channels === 2);
      },
      { timeoutMs: 20_000, everyMs: 100 },
    );
  }

  it.each(PAIRS)("%s: nobody hears it, and once it is back, a BYE ends both legs", async (_place, caller, callee) => {
    const notBeforeMs = Date.now();
    const pair = await startPair(lab, stack, { caller, callee });
    await connect(pair);
    await talk(TALK_BEFORE_MS);
    const pid = await killWorker();
    await waitWorkerBack(pid);
    await talk(1_000);
    await expectBothHear(pair, UNHEARD_MS, TALK_BEFORE_MS);
    const call = await expectEnd(pair, "callee", notBeforeMs);
    expect(call.epoch).toBe(1);
  });

  it.each([
    ...PAIRS.map((pair) => [...pair, "caller" as const] as const),
    ...PAIRS.map((pair) => [...pair, "callee" as const] as const),
  ])("%s: a BYE that comes while it is away ends both legs: of $3", async (place, caller, callee, hangsUp) => {
    const notBeforeMs = Date.now();
    const pair = await startPair(lab, stack, { caller, callee });
    await connect(pair);
    await talk(TALK_BEFORE_MS);
    const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs });
    const pid = await killWorker();
    expect(await workerAnswers()).toBe(false);
    const other = hangsUp === "caller" ? pair.callee : pair.caller;
    const hungUpAtMs = Date.now();
    await pair[hangsUp].hangup();
    // On one gateway nobody else is needed; the other gateway hears of it from the Worker that comes back.
    const closed = await other.waitClosed({ timeoutMs: 20_000 });
    if (place === "on one gateway") expect(closed.atMs - hungUpAtMs).toBeLessThan(1_000);
    await waitWorkerBack(pid);
    const call = await waitUntil("the end of the call", async () => {
      const now = await readCall(stack, sid);
      return now.endedAtMs !== undefined && now.legs.every(({ state }) => state === "ended") && now;
    });
    expect(call.endCause).toBe(`${hangsUp}-bye`);
    expect(call.log.filter(({ event }) => event === "call.ended")).toHaveLength(1);
  });
});
