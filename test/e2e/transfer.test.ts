/** Transfers, blind and attended, and calls that are taken up again, with real phones and browsers: the right two hear each other, and the one who asked is out of it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";
import { expectTalk, talkFor, waitHeard } from "./support/hearing.ts";
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
      await asks.waitEnded();
      await expectTalk(stays, carol);
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
  // Not by baresip 1.0: it hangs up when its transfer fails.
  it.each(["sip.js", "jssip"] as const)("by %s to somebody who declines leaves the two as they were", async (kind) => {
    const alice = await talkerAs("phone", "alice", "us-east");
    const bob = await browserTalker(lab, stack, "bob", { library: kind, region: "us-east" });
    const carol = await talkerAs("phone", "carol", "eu-west");
    await establish(alice, bob);
    await transfer(bob, "carol");
    await carol.waitIncoming();
    await carol.decline();
    await bob.phone.waitEvent("notified");
    await carol.waitEnded();
    await talkFor(300);
    await expectTalk(alice, bob);
    const told = (await bob.phone.events()).flatMap(({ kind: event, detail }) =>
      event === "notified" ? [detail] : [],
    );
    expect(told.at(-1)).toMatch(/^SIP\/2.0 486 /);
    await alice.hangup();
    await bob.waitEnded();
  });
});

/** Somebody with two calls connects the others of both. */
async function attended(library: "sip.js" | "jssip", bobsGateway: string, carolsGateway: string) {
  const alice = await browserTalker(lab, stack, "alice", { library, region: "us-east" });
  const bob = await talkerAs("phone", "bob", bobsGateway);
  const carol = await talkerAs("phone", "carol", carolsGateway);
  await establish(alice, bob);
  await waitHeard(bob, alice.frequency);
  const from = await alice.phone.mark();
  await alice.dial("carol");
  await carol.waitIncoming();
  await carol.answer();
  await Promise.all([carol.waitEstablished(), alice.phone.waitEstablished({ from })]);
  await waitHeard(carol, alice.frequency);
  await alice.phone.transferToOther();
  await waitUntil("both calls of alice have ended", async () => (await alice.ends()) === 2);
  return { alice, bob, carol };
}

describe("an attended transfer", () => {
  it.each([
    ["sip.js", "us-east", "eu-west"],
    ["jssip", "eu-west", "eu-west"],
  ] as const)(
    "by %s connects a phone at %s with one at %s, which hear each other until one hangs up",
    async (library, bobs, carols) => {
      const startedAtMs = Date.now();
      const { alice, bob, carol } = await attended(library, bobs, carols);
      await expectTalk(bob, carol);
      const told = (await alice.phone.events()).flatMap(({ kind, detail }) => (kind === "notified" ? [detail] : []));
      expect(told.at(-1)).toBe("SIP/2.0 200 OK");
      await carol.hangup();
      await bob.waitEnded();
      for (const peer of ["bob", "carol"]) {
        const { sid } = await findCall(stack, "alice", peer, { notBeforeMs: startedAtMs });
        expect((await readCall(stack, sid)).status).toBe("completed");
      }
    },
  );
});

describe("a page that was loaded again", () => {
  it.each(["caller", "callee"] as const)(
    "takes its call up again as the %s, and the other goes on talking",
    async (side) => {
      const startedAtMs = Date.now();
      const alice = await browserTalker(lab, stack, "alice", { library: "sip.js", region: "us-east" });
      const bob = await talkerAs("phone", "bob", "eu-west");
      await (side === "caller" ? establish(alice, bob) : establish(bob, alice));
      await Promise.all([waitHeard(bob, alice.frequency), waitHeard(alice, bob.frequency)]);
      const replaced = await alice.phone.dialog();
      await alice.phone.closePage();
      await talkFor(1_500);
      const again = await browserTalker(lab, stack, "alice", { library: "sip.js", region: "us-east" });
      await again.phone.takeUp("bob", replaced);
      await again.waitEstablished();
      await expectTalk(again, bob);
      expect(await bob.ends()).toBe(0);
      const { sid } = await findCall(stack, side === "caller" ? "alice" : "bob", side === "caller" ? "bob" : "alice", {
        notBeforeMs: startedAtMs,
      });
      expect((await readCall(stack, sid)).log.map(({ event }) => event)).toContain("leg.replaced");
      await bob.hangup();
      await again.waitEnded();
    },
  );
});

describe("after a gateway was killed", () => {
  it("the two whom a transfer connected talk on", async () => {
    const startedAtMs = Date.now();
    const alice = await talkerAs("phone", "alice", "us-east");
    // Its registration dies with its gateway.
    const bob = await phoneTalker(lab, stack, "bob", "eu-west");
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
    await expectTalk(bob, carol);
    await bob.hangup();
    await carol.waitEnded();
  });
});
