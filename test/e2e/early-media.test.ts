/** A phone that is heard before it answers: announcements, and networks that make their own ringback. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeG711 } from "../../gateway-node/media/codecs/g711.ts";
import { freePort } from "../support/free-port.ts";
import { Lab } from "../support/lab.ts";
import { earlyMediaScenario, registerScenario, runSipp, startSipp } from "../support/sipp.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall } from "../support/stack-api.ts";
import type { CallDescription } from "../support/stack-api.ts";
import { spectrumShare, tone } from "../support/tone.ts";
import { expectHeard, talkFor, waitHeard } from "./support/hearing.ts";
import { browserTalker, phoneTalker } from "./support/talker.ts";
import type { BrowserTalker, PhoneTalker } from "./support/talker.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let lab: Lab;
let startedAtMs: number;
const signOff: (() => Promise<void>)[] = [];
beforeEach(() => {
  lab = new Lab();
  startedAtMs = Date.now();
});
afterEach(async () => {
  await lab.close();
  for (const leave of signOff.splice(0)) await leave();
});

const ANNOUNCEMENT = 1_700;

/** Carol's phone at a gateway: rung, it plays for `earlyMs` and then answers. */
async function announcingPhone(gateway: string, earlyMs: number, status: 180 | 183 = 183): Promise<void> {
  const user = stack.user("carol");
  const audioFile = join(await lab.folder(), "announcement.ul");
  await writeFile(audioFile, encodeG711("PCMU", tone({ frequency: ANNOUNCEMENT, seconds: 10 })));
  const port = await freePort();
  const target = stack.sip(gateway);
  const register = async (expires: number): Promise<void> => {
    const outcome = await runSipp({ scenario: registerScenario(user, { expires }), target, port, calls: 1 });
    expect(outcome).toMatchObject({ exitCode: 0 });
  };
  await register(300);
  signOff.push(() => register(0));
  await lab.own(
    startSipp({
      scenario: earlyMediaScenario({ audioFile, earlyMs, status }),
      target,
      port,
    }),
  );
}

type Caller = BrowserTalker | PhoneTalker;

async function currentCall(): Promise<CallDescription> {
  const { sid } = await findCall(stack, "alice", "carol", { notBeforeMs: startedAtMs });
  return await readCall(stack, sid);
}

const eventsOf = (call: CallDescription): readonly string[] => call.log.map(({ event }) => event);

async function expectEarly(caller: Caller): Promise<void> {
  await caller.dial("carol");
  await waitHeard(caller, ANNOUNCEMENT);
  expect(eventsOf(await currentCall()), "it was heard before the answer").not.toContain("call.answered");
  await caller.waitEstablished();
  await talkFor(1_500);
  await expectHeard(caller, ANNOUNCEMENT, { forMs: 1_500, silenceMs: 160 });
  expect(eventsOf(await currentCall())).toContain("leg.early-media");
  await caller.hangup();
}

describe("early media", () => {
  it.each([
    { status: 183, place: "on the same gateway", gateway: "us-east" },
    { status: 183, place: "on another gateway", gateway: "eu-west" },
    { status: 180, place: "on the same gateway", gateway: "us-east" },
  ] as const)("in a $status of a phone $place is heard by a phone before the answer", async ({ status, gateway }) => {
    await announcingPhone(gateway, 4_000, status);
    await expectEarly(await phoneTalker(lab, stack, "alice", "us-east"));
  });

  it.each([
    { about: "JsSIP as it is", library: "jssip" },
    { about: "sip.js with its option for it", library: "sip.js", earlyMedia: true },
  ] as const)("of a phone is heard by $about", async ({ library, ...options }) => {
    await announcingPhone("eu-west", 5_000);
    await expectEarly(await browserTalker(lab, stack, "alice", { library, ...options }));
  });

  it("does sip.js without that option no harm", async () => {
    await announcingPhone("eu-west", 2_000);
    const caller = await browserTalker(lab, stack, "alice", { library: "sip.js" });
    await caller.dial("carol");
    expect((await caller.phone.waitEvent("ringing", { timeoutMs: 5_000 })).detail).toMatch(/^183 /);
    await caller.waitEstablished();
    await waitHeard(caller, ANNOUNCEMENT);
    await caller.hangup();
  });
});

describe("kill -9 of the caller's gateway in early media", () => {
  it.each(["phone", "jssip", "sip.js"] as const)("ends in a working call of the %s", async (kind) => {
    await announcingPhone("eu-west", 6_000);
    const caller =
      kind === "phone"
        ? await phoneTalker(lab, stack, "alice", "us-east")
        : await browserTalker(lab, stack, "alice", { library: kind, earlyMedia: true });
    await caller.dial("carol");
    await waitHeard(caller, ANNOUNCEMENT);
    const { pid } = await stack.killGateway("us-east");
    await caller.waitEstablished();
    await talkFor(1_000);
    const fromMs = Date.now();
    await talkFor(1_500);
    const { samples, rate, startedAtMs } = await caller.heard();
    expect(spectrumShare(samples, rate, ANNOUNCEMENT, { from: fromMs - startedAtMs })).toBeGreaterThan(0.9);
    expect((await currentCall()).status).toBe("in-progress");
    await stack.waitGatewayBack("us-east", pid);
    await caller.hangup();
  });
});
