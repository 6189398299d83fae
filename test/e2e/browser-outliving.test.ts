/**
 * Calls of browsers outlive gateways: killed, killed again, killed while it rings, frozen.
 * A browser keeps its PeerConnection and its keys; what it may hear of it is at most half a second.
 */
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { Browsers } from "../support/browser/browsers.ts";
import type { BrowserName } from "../support/browser/browsers.ts";
import { nonLoopbackAddress } from "../support/browser/firefox.ts";
import type { SipLibrary } from "../support/browser/phone-page.ts";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { ArrivalWatch, expectEnd, expectOneEnd, expectSameMedia, WatchedCall } from "./support/fault-watch.ts";
import { hearing, talkFor, waitHeard } from "./support/hearing.ts";
import type { Hearing } from "./support/hearing.ts";
import { browserTalker, establish, phoneTalker } from "./support/talker.ts";
import type { BrowserTalker, BrowserTalkerOptions, PhoneTalker, Talker } from "./support/talker.ts";

let lab: Lab;
let stack: Stack;
beforeEach(async () => {
  lab = new Lab();
  // A stack for each test: what one test killed must not be what another one measures.
  stack = await lab.own(startStack());
});
afterEach(() => lab.close());

const browsers = new Browsers();
afterAll(() => browsers.close());

async function open(identity: string, options: BrowserTalkerOptions): Promise<BrowserTalker> {
  return await browserTalker(lab, stack, identity, { ...options, browsers });
}

const BROWSER_LIMIT_MS = 500;
const PHONE_LIMIT_MS = 1_000;
/** Between looks at a browser's packet counter, which take their time themselves. */
const STALL_LIMIT_MS = 800;
/** What measuring itself may make of audio without a break. */
const UNHEARD_MS = 100;
const BEFORE_MS = 1_500;
const AFTER_MS = 2_000;
const LIBRARIES = ["sip.js", "jssip"] as const;

/** A browser and a phone in a talk; `role` is the browser's. */
async function talkTo(
  library: SipLibrary,
  role: "caller" | "callee",
  { browser = "chromium", phoneAt = "us-east" }: { readonly browser?: BrowserName; readonly phoneAt?: string } = {},
): Promise<{ readonly alice: BrowserTalker; readonly bob: PhoneTalker; readonly call: WatchedCall }> {
  const alice = await open("alice", { library, browser });
  const bob = await phoneTalker(lab, stack, "bob", phoneAt);
  const [caller, callee] = role === "caller" ? [alice, bob] : [bob, alice];
  await establish(caller, callee);
  await hearBoth(alice, bob);
  return { alice, bob, call: await WatchedCall.find(stack, caller.identity, callee.identity) };
}

async function hearBoth(one: Talker, other: Talker): Promise<void> {
  await Promise.all([waitHeard(one, other.frequency), waitHeard(other, one.frequency)]);
  await talkFor(BEFORE_MS);
}

/** The tone was there all along but for a silence of this length at most, and is there again at the end. */
async function expectShortSilence(listener: Talker, frequency: number, limitMs: number): Promise<Hearing> {
  const endMs = Date.now();
  const heard = await hearing(listener, frequency, 0, endMs);
  const last = await hearing(listener, frequency, endMs - 1_000, endMs);
  const who = `${listener.identity}: ${JSON.stringify({ heard, last })}`;
  expect(heard.share, who).toBeGreaterThan(0.9);
  expect(heard.longestSilenceMs, who).toBeLessThanOrEqual(limitMs);
  expect(last.judgedMs, who).toBeGreaterThan(700);
  expect(last.longestSilenceMs, who).toBeLessThanOrEqual(UNHEARD_MS);
  return heard;
}

/** A phone that two gateways talk to has heard more than time has passed. */
async function expectNothingDouble(phone: PhoneTalker): Promise<void> {
  const { samples, rate, startedAtMs } = await phone.heard();
  expect(startedAtMs + (samples.length * 1_000) / rate).toBeLessThan(Date.now() + 100);
}

/** Kills the gateway of the browser's media twice in a row; what it heard of it is within the limit each time. */
async function killTwice(call: WatchedCall, browser: BrowserTalker): Promise<void> {
  for (let time = 1; time <= 2; time += 1) {
    const watch = new ArrivalWatch(browser.phone);
    await call.killGatewayOf(browser.identity);
    await talkFor(AFTER_MS);
    const { longestStallMs, packets } = await watch.stop();
    // Fifty packets a second but for the pause: the ear's silence is not what concealment made of nothing.
    expect(packets, `kill ${time}`).toBeGreaterThan((AFTER_MS / 1_000) * 50 * 0.7);
    expect(longestStallMs, `kill ${time}`).toBeLessThanOrEqual(STALL_LIMIT_MS);
  }
}

const TALKS = (["chromium", "firefox"] as const).flatMap((browser) =>
  LIBRARIES.flatMap((library) => (["caller", "callee"] as const).map((role) => ({ browser, library, role }))),
);

function canRun(browser: BrowserName): boolean {
  return browser === "chromium" || nonLoopbackAddress() !== undefined;
}

describe("kill -9 of the gateway that carries the browser's media", () => {
  it.each(TALKS.filter(({ browser }) => canRun(browser)))(
    "$library in $browser as $role goes on talking to a phone, twice in a row",
    async ({ browser, library, role }) => {
      // The phone is carried by the same gateway when the browser calls, and by another one when it is called.
      const phoneAt = role === "caller" ? "us-east" : "eu-west";
      const { alice, bob, call } = await talkTo(library, role, { browser, phoneAt });
      await killTwice(call, alice);
      await expectShortSilence(alice, bob.frequency, BROWSER_LIMIT_MS);
      await expectShortSilence(bob, alice.frequency, PHONE_LIMIT_MS);
      await expectSameMedia(alice);
      await (role === "caller" ? expectEnd(call, alice, bob) : expectEnd(call, bob, alice));
    },
  );

  it.each(LIBRARIES)("%s goes on hearing itself at echo, twice in a row", async (library) => {
    const alice = await open("alice", { library });
    await alice.dial("echo");
    await alice.waitEstablished();
    await waitHeard(alice, alice.frequency);
    await talkFor(BEFORE_MS);
    const call = await WatchedCall.find(stack, "alice", "echo");
    await killTwice(call, alice);
    await expectShortSilence(alice, alice.frequency, BROWSER_LIMIT_MS);
    await expectSameMedia(alice);
    await expectEnd(call, alice, undefined);
  });

  it("leaves two browsers talking whose legs were both on it, twice in a row", async () => {
    const [alice, bob] = await Promise.all([open("alice", { library: "sip.js" }), open("bob", { library: "jssip" })]);
    await establish(alice, bob);
    await hearBoth(alice, bob);
    const call = await WatchedCall.find(stack, "alice", "bob");
    expect(await call.gatewayOf("bob")).toBe(await call.gatewayOf("alice"));
    await killTwice(call, alice);
    await expectShortSilence(alice, bob.frequency, BROWSER_LIMIT_MS);
    await expectShortSilence(bob, alice.frequency, BROWSER_LIMIT_MS);
    await Promise.all([expectSameMedia(alice), expectSameMedia(bob)]);
    await expectEnd(call, bob, alice);
  });

  it.each(LIBRARIES)("rings %s again through another gateway when it dies while ringing", async (library) => {
    const alice = await open("alice", { library });
    const bob = await phoneTalker(lab, stack, "bob", "eu-west");
    await bob.dial("alice");
    await alice.waitIncoming();
    const call = await WatchedCall.find(stack, "bob", "alice");
    const from = await alice.phone.mark();
    const { gateway } = await call.killGatewayOf("alice");
    await alice.phone.waitEvent("ended", { from });
    await alice.phone.waitEvent("incoming", { from });
    await alice.answer();
    await Promise.all([alice.phone.waitEstablished({ from: from + 1 }), bob.waitEstablished()]);
    await hearBoth(alice, bob);
    expect(gateway).toBe("us-east");
    await expectShortSilence(alice, bob.frequency, UNHEARD_MS);
    await expectShortSilence(bob, alice.frequency, UNHEARD_MS);
    await bob.hangup();
    await bob.waitEnded();
    await alice.phone.waitEvent("ended", { from: from + 2 });
    await expectOneEnd(call);
  });
});

/** Which library in which role, and who hangs up at the end: each of them in each role, and in each ending. */
const ENDINGS = [
  { library: "sip.js", role: "caller", ender: "phone" },
  { library: "sip.js", role: "callee", ender: "browser" },
  { library: "jssip", role: "callee", ender: "phone" },
  { library: "jssip", role: "caller", ender: "browser" },
] as const;

async function expectUnheard(alice: BrowserTalker, bob: PhoneTalker): Promise<void> {
  await expectShortSilence(alice, bob.frequency, UNHEARD_MS);
  await expectShortSilence(bob, alice.frequency, UNHEARD_MS);
  await expectSameMedia(alice);
}

describe("kill -9 of the Worker in a talk", () => {
  it.each(ENDINGS)("nobody hears it with $library as $role, and BYE of the $ender ends both", async (talk) => {
    const { alice, bob, call } = await talkTo(talk.library, talk.role, { phoneAt: "eu-west" });
    const from = await alice.phone.mark();
    await stack.killWorker();
    await alice.phone.waitEvent("disconnected", { from });
    // JsSIP comes back by itself, sip.js by the page's own code.
    await alice.phone.waitEvent("registered", { from, timeoutMs: 20_000 });
    await talkFor(AFTER_MS);
    await expectUnheard(alice, bob);
    await (talk.ender === "phone" ? expectEnd(call, bob, alice) : expectEnd(call, alice, bob));
  });
});

describe("a socket that is lost in a talk", () => {
  it.each([...ENDINGS, { library: "sip.js", role: "callee", ender: "phone" } as const])(
    "nobody hears it with $library as $role, and BYE of the $ender ends both",
    async (talk) => {
      const { alice, bob, call } = await talkTo(talk.library, talk.role);
      const from = await alice.phone.mark();
      await alice.phone.dropSocket();
      await alice.phone.waitEvent("disconnected", { from });
      await alice.phone.waitEvent("registered", { from });
      await talkFor(AFTER_MS);
      await expectUnheard(alice, bob);
      await (talk.ender === "phone" ? expectEnd(call, bob, alice) : expectEnd(call, alice, bob));
    },
  );
});

describe("SIGSTOP of the gateway that carries the browser's media", () => {
  const FROZEN_MS = 5_000;
  const FROZEN_LIMIT_MS = 1_500;

  it.each(ENDINGS)("goes on with $library as $role through another, and the thawed one stays silent", async (talk) => {
    const { alice, bob, call } = await talkTo(talk.library, talk.role, {
      phoneAt: talk.role === "caller" ? "us-east" : "eu-west",
    });
    const gateway = await call.gatewayOf("alice");
    const { atMs } = await stack.signalGateway(gateway, "SIGSTOP");
    await lab.own({ close: () => stack.signalGateway(gateway, "SIGCONT").then(() => undefined) });
    await talkFor(FROZEN_MS - (Date.now() - atMs));
    await stack.signalGateway(gateway, "SIGCONT");
    const watch = new ArrivalWatch(alice.phone);
    const thawedAtMs = Date.now();
    await talkFor(AFTER_MS);
    const { packets } = await watch.stop();
    const afterMs = Date.now() - thawedAtMs;
    expect(await call.gatewayOf("alice")).not.toBe(gateway);
    // Fifty packets a second for each that sends.
    expect(packets).toBeLessThan((afterMs / 1_000) * 50 * 1.2);
    await expectShortSilence(alice, bob.frequency, FROZEN_LIMIT_MS);
    await expectShortSilence(bob, alice.frequency, FROZEN_LIMIT_MS);
    await expectNothingDouble(bob);
    await expectSameMedia(alice);
    await (talk.ender === "phone" ? expectEnd(call, bob, alice) : expectEnd(call, alice, bob));
  });
});
