/** Calls that go where their callee wants them, or where an application says: with real phones. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startBaresip } from "../support/baresip.ts";
import type { Baresip } from "../support/baresip.ts";
import { Lab } from "../support/lab.ts";
import { CALLEE_TONE, CALLER_TONE, heardBy, talk } from "../support/phone-talk.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall, routesOf } from "../support/stack-api.ts";
import type { CallDescription } from "../support/stack-api.ts";
import { spectrumShare } from "../support/tone.ts";
import { waitUntil } from "../support/wait-until.ts";
import { startApplication } from "./support/application.ts";
import type { ApplicationAnswer } from "./support/application.ts";
import { WatchedCall } from "./support/fault-watch.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let lab: Lab;
let phones: Baresip[];
beforeEach(() => {
  lab = new Lab();
  phones = [];
});
/** Phones sign off and settings go, so that the next test begins as this one did. */
afterEach(async () => {
  try {
    for (const one of phones) await one.command("uadel", one.uri).catch(() => undefined);
    for (const identity of ["alice", "bob", "carol"]) {
      await put(`/v1/endpoints/${identity}/settings`, {});
      await waitUntil(`${identity} has left`, async () => (await routesOf(stack, identity)).length === 0);
    }
  } finally {
    await lab.close();
  }
});

async function put(path: string, json: unknown, at = stack): Promise<void> {
  const response = await at.request(path, { method: "PUT", body: JSON.stringify(json) });
  expect(response.status, await response.clone().text()).toBe(200);
}

async function phoneAt(at: Stack, identity: string, gateway: string, toneFrequency = CALLEE_TONE): Promise<Baresip> {
  const one = await lab.own(startBaresip({ ...at.user(identity), gateway: at.sip(gateway), toneFrequency }));
  await one.waitRegistered();
  return one;
}

async function phone(identity: string, gateway: string, toneFrequency = CALLEE_TONE): Promise<Baresip> {
  const one = await phoneAt(stack, identity, gateway, toneFrequency);
  phones.push(one);
  return one;
}

const address = (user: string): string => `sip:${user}@${stack.account().sipDomain}`;

async function ended(to: string, notBeforeMs: number): Promise<CallDescription> {
  const { sid } = await findCall(stack, "alice", to, { notBeforeMs });
  return await waitUntil("the call is over", async () => {
    const call = await readCall(stack, sid);
    return call.endedAtMs !== undefined && call;
  });
}

async function expectTalk(caller: Baresip, callee: Baresip): Promise<void> {
  await Promise.all([caller.waitEstablished(), callee.waitEstablished()]);
  await talk(1_500);
  expect((await heardBy(callee, CALLER_TONE)).share).toBeGreaterThan(0.9);
  expect((await heardBy(caller, CALLEE_TONE)).share).toBeGreaterThan(0.9);
}

describe("a callee's settings", () => {
  it.each([
    ["on no answer", { ringTimeoutSeconds: 5, forward: { noAnswer: "carol" } }, { atLeast: 4_500, atMost: 8_000 }],
    ["when busy", { forward: { busy: "carol" } }, { atLeast: 0, atMost: 1_500 }],
  ] as const)("forward a call %s", async (about, settings, within) => {
    const notBeforeMs = Date.now();
    await put("/v1/endpoints/bob/settings", settings);
    const alice = await phone("alice", "us-east", CALLER_TONE);
    const bob = await phone("bob", "eu-west");
    const carol = await phone("carol", "ap-south");
    await alice.dial(address("Bob"));
    const { atMs } = await bob.waitIncoming();
    if (about === "when busy") await bob.hangup();
    const incoming = await carol.waitIncoming();
    expect(incoming.atMs - atMs).toBeGreaterThanOrEqual(within.atLeast);
    expect(incoming.atMs - atMs).toBeLessThan(within.atMost);
    await bob.waitClosed();
    await carol.answer();
    await expectTalk(alice, carol);
    await carol.hangup();
    await alice.waitClosed();
    expect(await ended("Bob", notBeforeMs)).toMatchObject({ status: "completed", endCause: "callee-bye" });
  });

  it("make a call busy at once when bob does not want to be disturbed", async () => {
    await put("/v1/endpoints/bob/settings", { doNotDisturb: true });
    const alice = await phone("alice", "us-east");
    const bob = await phone("bob", "us-east");
    const dialledAtMs = Date.now();
    await alice.dial(address("bob"));
    const closed = await alice.waitClosed();
    expect(closed.param).toBe("486 Busy Here");
    expect(closed.atMs - dialledAtMs).toBeLessThan(1_500);
    expect(bob.events.map(({ type }) => type)).not.toContain("CALL_INCOMING");
  });

  it("let only the nearest phone ring", async () => {
    await put("/v1/endpoints/bob/settings", { ring: "nearest" });
    const alice = await phone("alice", "us-east");
    const far = await phone("bob", "ap-south");
    const near = await phone("bob", "us-east");
    await waitUntil("both of bob's phones are known", async () => (await routesOf(stack, "bob")).length === 2);
    await alice.dial(address("bob"));
    await near.waitIncoming();
    await talk(1_000);
    expect(far.events.map(({ type }) => type)).not.toContain("CALL_INCOMING");
    await near.hangup();
    expect((await alice.waitClosed()).param).toMatch(/^486 /);
  });
});

describe("an application that answers a number", () => {
  it("has bob rung while the caller hears ringback, and is told how that ended, signed", async () => {
    const application = await lab.own(
      startApplication(stack.account().authToken, {
        "/voice": '<Response><Dial action="/done"><Client>bob</Client></Dial></Response>',
        "/done": "<Response><Hangup/></Response>",
      }),
    );
    await put("/v1/numbers/+15550123", { voiceUrl: `${application.origin}/voice` });
    const notBeforeMs = Date.now();
    const alice = await phone("alice", "us-east", CALLER_TONE);
    const bob = await phone("bob", "eu-west");
    await alice.dial(address("+1-555-0123"));
    await alice.waitEstablished();
    await bob.waitIncoming();
    await talk(1_500);
    const { samples, rate } = await alice.receivedInRealTime();
    // The ringback of the United States is two tones, of which each has its half.
    for (const hertz of [440, 480]) expect(spectrumShare(samples, rate, hertz, { from: 300 })).toBeGreaterThan(0.3);
    await bob.answer();
    await bob.waitEstablished();
    await talk(2_000);
    const heard = await alice.receivedInRealTime(Date.now());
    const lastSecond = { from: (heard.samples.length * 1_000) / heard.rate - 1_000 };
    expect(spectrumShare(heard.samples, heard.rate, CALLEE_TONE, lastSecond)).toBeGreaterThan(0.9);
    expect((await heardBy(bob, CALLER_TONE)).share).toBeGreaterThan(0.9);
    await bob.hangup();
    await alice.waitClosed();
    const call = await ended("+1-555-0123", notBeforeMs);
    expect(call).toMatchObject({ status: "completed", endCause: "hangup" });
    expect(application.requests.map(({ path, isSigned }) => ({ path, isSigned }))).toEqual([
      { path: "/voice", isSigned: true },
      { path: "/done", isSigned: true },
    ]);
    expect(application.requests[0]?.form).toMatchObject({ CallSid: call.sid, From: "client:alice", To: "+15550123" });
    expect(application.requests[1]?.form).toMatchObject({
      DialCallStatus: "completed",
      DialCallSid: call.legs.find(({ identity }) => identity === "bob")?.sid,
      DialBridged: "true",
    });
  });

  it.each<[string, ApplicationAnswer, string]>([
    ["redirects without end", (response) => response.writeHead(302, { Location: "/voice" }).end(), "11215"],
    ["redirects to a file", (response) => response.writeHead(302, { Location: "file:///etc/passwd" }).end(), "11100"],
    ["hangs up", (response) => void response.destroy(), "11205"],
  ])("is asked at its other URL when the first one %s", async (_, answer, code) => {
    const application = await lab.own(
      startApplication(stack.account().authToken, {
        "/voice": answer,
        "/fallback": "<Response><Redirect>moved/here</Redirect></Response>",
        "/moved/here": (response) => response.writeHead(307, { Location: "/elsewhere/" }).end(),
        "/elsewhere/": '<Response><Redirect method="POST">last</Redirect></Response>',
        "/elsewhere/last": "<Response><Reject reason='busy'/></Response>",
      }),
    );
    const { origin } = application;
    await put("/v1/numbers/+15550125", { voiceUrl: `${origin}/voice`, voiceFallbackUrl: `${origin}/fallback` });
    const alice = await phone("alice", "us-east");
    await alice.dial(address("+15550125"));
    expect((await alice.waitClosed()).param).toBe("486 Busy Here");
    const asked = application.requests.filter(({ path }) => path !== "/voice");
    expect(asked.map(({ path, isSigned }) => ({ path, isSigned }))).toEqual(
      ["/fallback", "/moved/here", "/elsewhere/", "/elsewhere/last"].map((path) => ({ path, isSigned: true })),
    );
    expect(asked[0]?.form).toMatchObject({ ErrorCode: code, ErrorUrl: `${origin}/voice` });
  });

  it("is followed on although the caller's gateway is killed while it plays ringback", async () => {
    // A stack of its own: what it kills must not be what others measure.
    const own = await lab.own(startStack());
    const application = await lab.own(
      startApplication(own.account().authToken, {
        "/voice": '<Response><Dial><Client>bob</Client></Dial><Play loop="0">nearside:music</Play></Response>',
      }),
    );
    await put("/v1/numbers/+15550124", { voiceUrl: `${application.origin}/voice` }, own);
    const alice = await phoneAt(own, "alice", "us-east", CALLER_TONE);
    const bob = await phoneAt(own, "bob", "eu-west");
    await alice.dial(`sip:+15550124@${own.account().sipDomain}`);
    await alice.waitEstablished();
    await bob.waitIncoming();
    await talk(500);
    const call = await WatchedCall.find(own, "alice", "+15550124");
    await call.killGatewayOf("alice");
    await bob.answer();
    await bob.waitEstablished();
    await talk(2_500);
    const heard = await alice.receivedInRealTime(Date.now());
    const lastSecond = { from: (heard.samples.length * 1_000) / heard.rate - 1_000 };
    expect(spectrumShare(heard.samples, heard.rate, CALLEE_TONE, lastSecond)).toBeGreaterThan(0.9);
    await bob.hangup();
    // The caller's document goes on.
    await talk(2_000);
    const music = await alice.receivedInRealTime(Date.now());
    const end = (music.samples.length * 1_000) / music.rate;
    expect(spectrumShare(music.samples, music.rate, CALLEE_TONE, { from: end - 1_000 })).toBeLessThan(0.2);
    expect(alice.events.map(({ type }) => type)).not.toContain("CALL_CLOSED");
    await alice.hangup();
    expect(await call.waitEnded()).toMatchObject({ status: "completed", endCause: "caller-bye" });
  });

  it("is asked again, and a pause goes on, when the Worker is killed meanwhile", async () => {
    const own = await lab.own(startStack());
    let asked = 0;
    const application = await lab.own(
      startApplication(own.account().authToken, {
        // The first question is never answered.
        "/voice": (response) => {
          asked += 1;
          if (asked > 1)
            response
              .writeHead(200, { "Content-Type": "text/xml" })
              .end('<Response><Pause length="8"/><Reject reason="busy"/></Response>');
        },
      }),
    );
    await put("/v1/numbers/+15550126", { voiceUrl: `${application.origin}/voice` }, own);
    const alice = await phoneAt(own, "alice", "us-east");
    await alice.dial(`sip:+15550126@${own.account().sipDomain}`);
    await waitUntil("the first question", () => asked === 1);
    await own.killWorker();
    const { atMs: ringingAtMs } = await alice.waitEvent("CALL_RINGING", { timeoutMs: 15_000 });
    await own.killWorker();
    const closed = await alice.waitClosed({ timeoutMs: 25_000 });
    expect(closed.param).toBe("486 Busy Here");
    expect(closed.atMs - ringingAtMs).toBeGreaterThan(7_000);
    expect(asked).toBe(2);
    expect(application.requests.every(({ isSigned }) => isSigned)).toBe(true);
  });
});
