/** Transfers, blind and attended, and calls that are taken up again, with real phones and browsers: the right two hear each other, and the one who asked is out of it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";
import { hearing, talkFor, waitHeard } from "./support/hearing.ts";
import { browserTalker, BrowserTalker, establish, phoneTalker, PhoneTalker } from "./support/talker.ts";
import type { Talker } from "./support/talker.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

let lab: Lab;
const phones: PhoneTalker[] = [];
beforeEach(() => {
  lab = new Lab();
});
afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.unregister(stack);
  await lab.close();
});

type Kind = "phone" | "sip.js" | "jssip";

async function talkerAs(kind: Kind, identity: string, gateway: string): Promise<Talker> {
  if (kind !== "phone") return await browserTalker(lab, stack, identity, { library: kind, region: gateway });
  const phone = await phoneTalker(lab, stack, identity, gateway);
  phones.push(phone);
  return phone;
}

/** Asks for the transfer as the client does it by itself. */
async function transfer(by: Talker, target: string): Promise<void> {
  if (by instanceof BrowserTalker) return await by.phone.transfer(target);
  if (by instanceof PhoneTalker) await by.phone.command("transfer", `sip:${target}@${stack.user("alice").domain}`);
}

/** From now on the two hear each other. */
async function expectTalk(one: Talker, other: Talker): Promise<void> {
  await Promise.all([waitHeard(one, other.frequency), waitHeard(other, one.frequency)]);
  const sinceMs = Date.now() + 500;
  await talkFor(2_000);
  for (const [listener, speaker] of [
    [one, other],
    [other, one],
  ] as const) {
    const heard = await hearing(listener, speaker.frequency, sinceMs);
    const who = `${listener.identity} hears ${speaker.identity}: ${JSON.stringify(heard)}`;
    expect(heard.judgedMs, who).toBeGreaterThan(700);
    expect(heard.share, who).toBeGreaterThan(0.9);
  }
}

const COURSES: readonly { readonly by: "caller" | "callee"; readonly kinds: readonly [Kind, Kind, Kind] }[] = [
  { by: "caller", kinds: ["phone", "phone", "phone"] },
  { by: "callee", kinds: ["phone", "phone", "sip.js"] },
  { by: "caller", kinds: ["sip.js", "phone", "phone"] },
  { by: "callee", kinds: ["phone", "sip.js", "phone"] },
  { by: "caller", kinds: ["jssip", "sip.js", "phone"] },
];

describe("the $by", () => {
  it.each(COURSES)(
    "of a call of $kinds.0, $kinds.1 transfers the other to $kinds.2 (by the $by)",
    async ({ by, kinds }) => {
      const startedAtMs = Date.now();
      const alice = await talkerAs(kinds[0], "alice", "us-east");
      const bob = await talkerAs(kinds[1], "bob", "eu-west");
      const carol = await talkerAs(kinds[2], "carol", "ap-south");
      await establish(alice, bob);
      await Promise.all([waitHeard(alice, bob.frequency), waitHeard(bob, alice.frequency)]);
      const [asks, stays] = by === "caller" ? [alice, bob] : [bob, alice];
      await transfer(asks, "carol");
      await carol.waitIncoming();
      await talkFor(500);
      await carol.answer();
      await carol.waitEstablished();
      const sinceMs = Date.now() + 700;
      await asks.waitEnded();
      await expectTalk(stays, carol, sinceMs);
      if (asks instanceof BrowserTalker) {
        const told = (await asks.phone.events()).flatMap(({ kind, detail }) => (kind === "notified" ? [detail] : []));
        expect(told.at(-1)).toBe("SIP/2.0 200 OK");
      }
      await carol.hangup();
      await stays.waitEnded();
      const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs: startedAtMs });
      const call = await readCall(stack, sid);
      expect(call.status).toBe("completed");
      expect(call.log.map(({ event }) => event)).toContain("transfer.completed");
    },
  );
});

describe("a transfer", () => {
  it("to somebody who declines leaves the two as they were", async () => {
    const alice = await talkerAs("phone", "alice", "us-east");
    const bob = await talkerAs("phone", "bob", "us-east");
    const carol = await talkerAs("phone", "carol", "eu-west");
    await establish(alice, bob);
    await transfer(bob, "carol");
    await carol.waitIncoming();
    await carol.decline();
    await carol.waitEnded();
    await talkFor(500);
    await expectTalk(alice, bob, Date.now());
    await alice.hangup();
    await bob.waitEnded();
  });

  it("outlives the gateway of the one who stays", async () => {
    const startedAtMs = Date.now();
    const alice = await talkerAs("phone", "alice", "us-east");
    const bob = await talkerAs("phone", "bob", "eu-west");
    const carol = await talkerAs("phone", "carol", "ap-south");
    await establish(alice, bob);
    await transfer(alice, "carol");
    await carol.waitIncoming();
    await carol.answer();
    await Promise.all([carol.waitEstablished(), alice.waitEnded()]);
    await Promise.all([waitHeard(bob, carol.frequency), waitHeard(carol, bob.frequency)]);
    await stack.killGateway("eu-west");
    const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs: startedAtMs });
    await waitUntil("bob's leg has moved", async () => {
      const { log } = await readCall(stack, sid);
      return log.some(({ event }) => event === "leg.adopted");
    });
    await talkFor(500);
    await expectTalk(bob, carol, Date.now());
    await bob.hangup();
    await carol.waitEnded();
  });
});
