/** Touch tones: whichever way they are sent, the other side gets each of them once, by the way that it takes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startBaresip } from "../support/baresip.ts";
import type { Baresip } from "../support/baresip.ts";
import { freePort } from "../support/free-port.ts";
import { Lab } from "../support/lab.ts";
import { infoScenario, registerScenario, runSipp, startSipp } from "../support/sipp.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall, routesOf } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";
import { talkFor } from "./support/hearing.ts";
import { browserTalker } from "./support/talker.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let lab: Lab;
let startedAtMs: number;
const phones: { readonly phone: Baresip; readonly identity: string }[] = [];
beforeEach(() => {
  lab = new Lab();
  startedAtMs = Date.now();
});
afterEach(async () => {
  try {
    for (const { phone, identity } of phones.splice(0)) {
      await phone.command("uadel", phone.uri);
      await waitUntil(`${identity} has left`, async () => (await routesOf(stack, identity)).length === 0);
    }
  } finally {
    await lab.close();
  }
});

const KEYS = "158*#";

async function phoneAt(identity: string, gateway: string, accountParameters: readonly string[] = []): Promise<Baresip> {
  const phone = await lab.own(
    startBaresip({ ...stack.user(identity), gateway: stack.sip(gateway), accountParameters, toneFrequency: 700 }),
  );
  await phone.waitRegistered();
  phones.push({ phone, identity });
  return phone;
}

const keysAt = (phone: Baresip): string =>
  phone.events.flatMap(({ type, param }) => (type === "CALL_DTMF_START" ? [param] : [])).join("");

async function press(phone: Baresip): Promise<void> {
  for (const key of KEYS) {
    await phone.command("sndcode", key);
    await talkFor(250);
  }
}

/** How many keys the call's log says of a leg. */
async function counted(leg: string, callee = "bob"): Promise<string | undefined> {
  const { sid } = await findCall(stack, "alice", callee, { notBeforeMs: startedAtMs });
  const { log } = await readCall(stack, sid);
  return log.findLast((entry) => entry.event === "leg.digits" && entry.leg === leg)?.detail;
}

async function expectKeys(phone: Baresip, from: string): Promise<void> {
  await waitUntil("every key", () => keysAt(phone).length >= KEYS.length);
  await talkFor(400);
  expect(keysAt(phone)).toBe(KEYS);
  expect(await counted(from)).toBe(`${KEYS.length} so far`);
}

describe("the keys of a phone", () => {
  it.each([
    { way: "telephone-event", parameters: ["dtmfmode=rtpevent"], caller: "us-east" },
    { way: "telephone-event", parameters: ["dtmfmode=rtpevent"], caller: "eu-west" },
    { way: "INFO", parameters: ["dtmfmode=info"], caller: "us-east" },
  ])("that sends $way at $caller reach a phone at eu-west", async ({ parameters, caller }) => {
    const alice = await phoneAt("alice", caller, parameters);
    const bob = await phoneAt("bob", "eu-west");
    await alice.dial(bob.uri);
    await bob.waitIncoming();
    await bob.answer();
    await alice.waitEstablished();
    await talkFor(500);
    await press(alice);
    await expectKeys(bob, "a");
  });

  it("reach one that has no telephone-event by INFO", async () => {
    const alice = await phoneAt("alice", "us-east", ["dtmfmode=rtpevent"]);
    const user = stack.user("carol");
    const port = await freePort();
    const target = stack.sip("eu-west");
    const register = (expires: number) =>
      runSipp({ scenario: registerScenario(user, { expires }), target, port, calls: 1 });
    expect(await register(300)).toMatchObject({ exitCode: 0 });
    const carol = await lab.own(startSipp({ scenario: infoScenario(KEYS.length), port, calls: 1 }));
    await alice.dial(`sip:carol@${stack.account().sipDomain}`);
    await alice.waitEstablished();
    await talkFor(500);
    await press(alice);
    await talkFor(300);
    await alice.hangup();
    const outcome = await carol.outcome();
    expect(outcome).toMatchObject({ exitCode: 0, errors: "" });
    expect([...outcome.messages.matchAll(/^Signal=(.)/gm)].map(([, key]) => key).join("")).toBe(KEYS);
    expect(await register(0)).toMatchObject({ exitCode: 0 });
  });
});

describe("the keys of a browser", () => {
  it.each([
    { library: "sip.js", way: "rtp" },
    { library: "sip.js", way: "info" },
    { library: "jssip", way: "rtp" },
    { library: "jssip", way: "info" },
  ] as const)("with $library by $way reach a phone", async ({ library, way }) => {
    const alice = await browserTalker(lab, stack, "alice", { library });
    const bob = await phoneAt("bob", "eu-west");
    await alice.dial("bob");
    await bob.waitIncoming();
    await bob.answer();
    await alice.waitEstablished();
    await talkFor(800);
    await alice.phone.sendDigits(KEYS, way);
    await expectKeys(bob, "a");
    await alice.hangup();
  });
});
