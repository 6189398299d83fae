/** Browsers that use no loopback candidates, as people have them. All other pairs and courses are in call-table.test.ts. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Browsers } from "../support/browser/browsers.ts";
import { nonLoopbackAddress } from "../support/browser/firefox.ts";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { expectHeard, talkFor, waitHeard } from "./support/hearing.ts";
import { browserTalker, establish, phoneTalker } from "./support/talker.ts";
import type { BrowserTalkerOptions, PhoneTalker, Talker } from "./support/talker.ts";

let stack: Stack;
let lab: Lab;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

const browsers = new Browsers();
afterAll(() => browsers.close());

const TALK_MS = 2_000;

const LIBRARIES = ["sip.js", "jssip"] as const;

const OTHER_LIBRARY = { "sip.js": "jssip", jssip: "sip.js" } as const;

type Kind = "browser to phone" | "phone to browser" | "browser to browser";

/** Bob's phone; the stack is shared, so it leaves politely. */
async function phone(gateway: string): Promise<PhoneTalker> {
  const bob = await phoneTalker(lab, stack, "bob", gateway);
  await lab.own({ close: () => bob.unregister(stack) });
  return bob;
}

/** Who calls whom: alice is the browser that the test is about, bob the other side. */
async function talkers(
  kind: Kind,
  options: BrowserTalkerOptions,
  otherRegion: string,
): Promise<{ readonly caller: Talker; readonly callee: Talker }> {
  const other =
    kind === "browser to browser"
      ? browserTalker(lab, stack, "bob", { library: OTHER_LIBRARY[options.library], region: otherRegion, browsers })
      : phone(otherRegion);
  const [alice, bob] = await Promise.all([browserTalker(lab, stack, "alice", { ...options, browsers }), other]);
  return kind === "phone to browser" ? { caller: bob, callee: alice } : { caller: alice, callee: bob };
}

async function expectTalk(caller: Talker, callee: Talker): Promise<void> {
  await establish(caller, callee);
  await Promise.all([waitHeard(caller, callee.frequency), waitHeard(callee, caller.frequency)]);
  await talkFor(TALK_MS);
  await expectHeard(caller, callee.frequency);
  await expectHeard(callee, caller.frequency);
}

async function expectEnd(first: Talker, second: Talker): Promise<void> {
  await first.hangup();
  await Promise.all([first.waitEnded(), second.waitEnded()]);
  expect([await first.ends(), await second.ends()]).toEqual([1, 1]);
}

async function expectEcho(options: BrowserTalkerOptions): Promise<void> {
  const alice = await browserTalker(lab, stack, "alice", { ...options, browsers });
  await alice.dial("echo");
  await alice.waitEstablished();
  await waitHeard(alice, alice.frequency);
  await talkFor(TALK_MS);
  await expectHeard(alice, alice.frequency);
  await alice.hangup();
  await alice.waitEnded();
}

/** Chromium as people have it: no loopback candidates, so that it needs the gateways' second address on this machine. */
describe.runIf(nonLoopbackAddress() !== undefined)("Chromium without flags, gateways on 127.0.0.1", () => {
  it.each(LIBRARIES)("%s calls a phone, and both hear the other", async (library) => {
    const options = { library, loopbackCandidates: false };
    const { caller, callee } = await talkers("browser to phone", options, "us-east");
    await expectTalk(caller, callee);
    await expectEnd(caller, callee);
  });

  it.each(LIBRARIES)("%s is called by a phone, and both hear the other", async (library) => {
    const options = { library, loopbackCandidates: false };
    const { caller, callee } = await talkers("phone to browser", options, "eu-west");
    await expectTalk(caller, callee);
    await expectEnd(callee, caller);
  });

  it("hears itself at echo without a candidate on loopback", async () => {
    const alice = await browserTalker(lab, stack, "alice", {
      library: "sip.js",
      loopbackCandidates: false,
      browsers,
    });
    await alice.dial("echo");
    await alice.waitEstablished();
    await waitHeard(alice, alice.frequency);
    await talkFor(TALK_MS);
    await expectHeard(alice, alice.frequency);
    const { local } = await alice.phone.descriptions();
    expect(local).toContain(` ${String(nonLoopbackAddress())} `);
    expect(local).not.toContain(" 127.0.0.1 ");
  });
});

/** Firefox gathers no loopback candidates at all. */
describe.runIf(nonLoopbackAddress() !== undefined)("Firefox", () => {
  it.each([
    { library: "sip.js", kind: "browser to phone", otherRegion: "eu-west" },
    { library: "sip.js", kind: "phone to browser", otherRegion: "us-east" },
    { library: "jssip", kind: "browser to phone", otherRegion: "us-east" },
    { library: "jssip", kind: "phone to browser", otherRegion: "eu-west" },
    { library: "sip.js", kind: "browser to browser", otherRegion: "eu-west" },
  ] as const)("$library: $kind in $otherRegion, and both hear the other", async ({ library, kind, otherRegion }) => {
    const { caller, callee } = await talkers(kind, { library, browser: "firefox" }, otherRegion);
    await expectTalk(caller, callee);
    await expectEnd(callee, caller);
  });

  it.each(LIBRARIES)("%s hears itself at echo", async (library) => {
    await expectEcho({ library, browser: "firefox" });
  });
});
