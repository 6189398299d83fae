/** Hold: the holder hears nothing, the other side hears music and never the holder, and a dead gateway changes none of it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Baresip } from "../support/baresip.ts";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall } from "../support/stack-api.ts";
import { rms, spectrumShare, toneStartMs } from "../support/tone.ts";
import { waitUntil } from "../support/wait-until.ts";
import { talkFor, waitHeard } from "./support/hearing.ts";
import { browserTalker, establish, phoneTalker } from "./support/talker.ts";
import type { BrowserTalker, PhoneTalker, RealTimeRecording } from "./support/talker.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let lab: Lab;
let startedAtMs: number;
const phones: PhoneTalker[] = [];
beforeEach(() => {
  lab = new Lab();
  startedAtMs = Date.now();
});
afterEach(async () => {
  try {
    for (const phone of phones.splice(0)) await phone.unregister(stack);
  } finally {
    await lab.close();
  }
});

type Holder = BrowserTalker | PhoneTalker;

async function phoneAt(identity: string, gateway: string): Promise<PhoneTalker> {
  const phone = await phoneTalker(lab, stack, identity, gateway);
  phones.push(phone);
  return phone;
}

async function connect(caller: Holder, callee: Holder): Promise<void> {
  await establish(caller, callee);
  await Promise.all([waitHeard(caller, callee.frequency), waitHeard(callee, caller.frequency)]);
  // A phone names its recordings by the second, and begins one with each change.
  await talkFor(1_100);
}

/** What a side heard since then; a phone begins a new recording with each hold. */
function heardSince(side: Holder, sinceMs: number): Promise<RealTimeRecording> {
  return side.phone instanceof Baresip ? side.phone.heardSince(sinceMs) : side.heard();
}

/** baresip 1.0 records nothing any more once it has resumed; what it is sent is judged by browsers in its place. */
const unheard = new WeakSet<Holder>();

/** Holds or resumes, and waits until the call knows. */
async function change(side: Holder, to: "hold" | "resume"): Promise<void> {
  const noted = async (): Promise<number> => {
    const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs: startedAtMs });
    return (await readCall(stack, sid)).log.filter(({ event }) => /^leg\.(holds|resumes)$/.test(event)).length;
  };
  const before = await noted();
  await side.phone[to]();
  if (to === "resume" && side.phone instanceof Baresip) unheard.add(side);
  await waitUntil(`the call knows of the ${to}`, async () => (await noted()) > before);
}

/** What a side heard in the stretch of real time from `fromMs`. */
async function heardFrom(side: Holder, frequency: number, fromMs: number): Promise<{ voice: number; loud: number }> {
  const { samples, rate, startedAtMs } = await heardSince(side, fromMs);
  const span = { from: Math.max(0, fromMs - startedAtMs) };
  return { voice: spectrumShare(samples, rate, frequency, span), loud: rms(samples, rate, span) };
}

/** Half a second after a change everything that was on its way has been heard. */
async function listen(sides: readonly [Holder, Holder]): Promise<readonly { voice: number; loud: number }[]> {
  await talkFor(500);
  const fromMs = Date.now();
  await talkFor(1_200);
  return await Promise.all(sides.map((side, at) => heardFrom(side, sides[1 - at]?.frequency ?? 0, fromMs)));
}

async function expectHold(holder: Holder, held: Holder): Promise<void> {
  const [atHolder, atHeld] = await listen([holder, held]);
  if (unheard.has(held)) return;
  expect(atHolder?.loud, `the holder hears something, ${atHolder?.voice} of it the other`).toBeLessThan(0.01);
  // The tune has notes near their tones; their own voice is above 0.9 of what is heard.
  expect(atHeld?.voice, "the held side hears the holder").toBeLessThan(0.6);
  expect(atHeld?.loud, "the held side hears music").toBeGreaterThan(0.01);
}

async function expectTalk(one: Holder, other: Holder): Promise<void> {
  const sides = [one, other] as const;
  for (const [at, heard] of (await listen(sides)).entries()) {
    const side = sides[at];
    if (side !== undefined && !unheard.has(side)) expect(heard.voice, side.identity).toBeGreaterThan(0.9);
  }
}

const COURSES = [
  { about: "a phone on one gateway with a phone", holds: "phone", callee: "eu-west", caller: "eu-west" },
  { about: "a phone across two gateways with a phone", holds: "phone", callee: "eu-west", caller: "us-east" },
  { about: "sip.js with a phone", holds: "sip.js", callee: "eu-west", caller: "us-east" },
  { about: "JsSIP with a phone", holds: "jssip", callee: "eu-west", caller: "us-east" },
] as const;

describe("hold and resume from either side and from both, by", () => {
  it.each(COURSES)("$about", async ({ holds, caller, callee }) => {
    const alice =
      holds === "phone"
        ? await phoneAt("alice", caller)
        : await browserTalker(lab, stack, "alice", { library: holds, region: caller });
    const bob = await phoneAt("bob", callee);
    await connect(alice, bob);
    await change(alice, "hold");
    await expectHold(alice, bob);
    await change(alice, "resume");
    await expectTalk(alice, bob);
    await change(alice, "hold");
    await change(bob, "hold");
    await change(alice, "resume");
    await expectHold(bob, alice);
    await change(bob, "resume");
    await expectTalk(alice, bob);
    const call = await readCall(stack, (await findCall(stack, "alice", "bob", { notBeforeMs: startedAtMs })).sid);
    const log = call.log.flatMap(({ event, leg }) => (/^leg\.(holds|resumes)$/.test(event) ? [`${event} ${leg}`] : []));
    expect(log).toEqual([
      "leg.holds a",
      "leg.resumes a",
      "leg.holds a",
      "leg.holds b1",
      "leg.resumes a",
      "leg.resumes b1",
    ]);
    await alice.hangup();
    await bob.waitEnded();
  });
});

describe("a resumed call", () => {
  it("is heard within 100 ms of the re-INVITE", async () => {
    const alice = await phoneAt("alice", "us-east");
    const bob = await phoneAt("bob", "eu-west");
    await connect(alice, bob);
    await change(alice, "hold");
    await talkFor(800);
    const resumedAtMs = Date.now();
    await alice.phone.resume();
    await talkFor(1_000);
    const { samples, rate } = await heardSince(bob, resumedAtMs);
    // 40 ms are the recording's own grain.
    expect(toneStartMs(samples, rate, alice.frequency)).toBeLessThan(140);
    await bob.hangup();
    await alice.waitEnded();
  });
});

describe("kill -9 of the gateway while a call is held", () => {
  // The dead run's routes stay until its phones refresh: each test has a stack of its own.
  beforeEach(async () => {
    await stack.close();
    stack = await startStack();
  });
  afterEach(() => {
    phones.length = 0;
  });

  it.each(["phone", "sip.js"] as const)("leaves it held, and the %s resumes it", async (holds) => {
    const alice =
      holds === "phone"
        ? await phoneAt("alice", "us-east")
        : await browserTalker(lab, stack, "alice", { library: "sip.js", region: "us-east" });
    const bob = await phoneAt("bob", "us-east");
    await connect(alice, bob);
    await change(alice, "hold");
    await expectHold(alice, bob);
    const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs: startedAtMs });
    const { pid } = await stack.killGateway("us-east");
    await waitUntil("both legs are adopted", async () => {
      const { log } = await readCall(stack, sid);
      return new Set(log.flatMap(({ event, leg }) => (event === "leg.adopted" ? [leg] : []))).size === 2;
    });
    await expectHold(alice, bob);
    await change(alice, "resume");
    await expectTalk(alice, bob);
    expect((await readCall(stack, sid)).status).toBe("in-progress");
    await stack.waitGatewayBack("us-east", pid);
    await alice.hangup();
    await bob.waitEnded();
  });
});
