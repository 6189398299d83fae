/** What people do with calls on the softphone page: pass them on, load the page again, say what becomes of calls to them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { ConsolePage, launchConsoleBrowser } from "./support/console-page.ts";
import type { ConsoleBrowser } from "./support/console-page.ts";
import { FirefoxConsole } from "./support/firefox-console.ts";
import { expectTalk, waitHeard } from "./support/hearing.ts";
import { phoneTalker } from "./support/talker.ts";
import type { PhoneTalker } from "./support/talker.ts";

const ALICE_HERTZ = 700;

let stack: Stack;
let browser: ConsoleBrowser;
let lab: Lab;
const phones: PhoneTalker[] = [];
beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), launchConsoleBrowser(ALICE_HERTZ)]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(() => {
  lab = new Lab();
});
afterEach(async () => {
  for (const phone of phones.splice(0)) await phone.unregister(stack);
  await lab.close();
});

async function alicePage(): Promise<ConsolePage> {
  const alice = await lab.own(ConsolePage.open(stack, browser));
  await alice.signInAndWait("alice");
  return alice;
}

async function phoneOf(identity: string, gateway: string): Promise<PhoneTalker> {
  const phone = await phoneTalker(lab, stack, identity, gateway);
  phones.push(phone);
  return phone;
}

async function calls(alice: ConsolePage, callee: PhoneTalker): Promise<void> {
  await callee.mark();
  await alice.dial(callee.identity);
  await callee.waitIncoming();
  await callee.answer();
  await alice.waitTalking();
}

/** Alice, in her page, talks with bob, who has a phone. */
async function talking(): Promise<{ readonly alice: ConsolePage; readonly bob: PhoneTalker }> {
  const [alice, bob] = await Promise.all([alicePage(), phoneOf("bob", "eu-west")]);
  await calls(alice, bob);
  await Promise.all([alice.waitHears(bob.frequency), waitHeard(bob, ALICE_HERTZ)]);
  return { alice, bob };
}

async function passTo(alice: ConsolePage, target: string, button: "Transfer now" | "Ask them first"): Promise<void> {
  await alice.press("Transfer");
  await alice.page.getByLabel("Put bob through to").fill(target);
  await alice.press(button);
}

async function waitNoCall(alice: ConsolePage): Promise<void> {
  await alice.page.getByRole("form", { name: "Call somebody" }).waitFor({ timeout: 8_000 });
  expect(await alice.page.locator(".strip").count()).toBe(0);
}

describe("a transfer", () => {
  it("at once leaves the two others with each other, and the page free", async () => {
    const [{ alice, bob }, carol] = await Promise.all([talking(), phoneOf("carol", "ap-south")]);
    await passTo(alice, "carol", "Transfer now");
    await carol.waitIncoming();
    await alice.waitText("It rings at carol, as bob hears.");
    await carol.answer();
    await alice.waitStage("bob talks with carol now");
    await expectTalk(bob, carol);
    await waitNoCall(alice);
    await carol.hangup();
    await bob.waitEnded();
  });

  it("to somebody who declines, or whom nobody knows, says so and leaves the call as it was", async () => {
    const [{ alice, bob }, carol] = await Promise.all([talking(), phoneOf("carol", "us-east")]);
    await passTo(alice, "carol", "Transfer now");
    await carol.waitIncoming();
    await carol.decline();
    await alice.waitText(/carol (is busy|declined the call)\. Your call goes on as it was\./);
    await passTo(alice, "nobody-here", "Transfer now");
    await alice.waitText("“nobody-here” was not found.");
    await bob.mark();
    await Promise.all([alice.waitHears(bob.frequency), waitHeard(bob, ALICE_HERTZ)]);
    await alice.press("Hang up");
    await bob.waitEnded();
  });

  it("after a word with the third one connects the two", async () => {
    const [{ alice, bob }, carol] = await Promise.all([talking(), phoneOf("carol", "us-east")]);
    await carol.mark();
    await passTo(alice, "carol", "Ask them first");
    await carol.waitIncoming();
    await carol.answer();
    await waitHeard(carol, ALICE_HERTZ);
    await alice.waitHears(carol.frequency);
    await alice.press("Connect bob and carol");
    await expectTalk(bob, carol);
    await waitNoCall(alice);
    await bob.hangup();
    await carol.waitEnded();
  });
});

describe("the page, loaded again in a call,", () => {
  it("takes both calls up by itself, with their names and the time that went on", async () => {
    const [{ alice, bob }, carol] = await Promise.all([talking(), phoneOf("carol", "us-east")]);
    await alice.press("New call");
    await calls(alice, carol);
    await alice.page
      .locator(".call-stage")
      .filter({ hasText: /0:0[3-9]/ })
      .waitFor();
    await alice.page.reload();
    await alice.page.getByRole("heading", { name: "carol", level: 2 }).waitFor();
    await alice.waitStage(/^0:(0[3-9]|1\d)$/);
    await carol.mark();
    await Promise.all([alice.waitHears(carol.frequency), waitHeard(carol, ALICE_HERTZ)]);
    await alice.page.locator(".strip").filter({ hasText: "bobOn hold" }).waitFor();
    await alice.waitText(/→ carol$/);
    await alice.press(/^bob/);
    await bob.mark();
    await Promise.all([alice.waitHears(bob.frequency), waitHeard(bob, ALICE_HERTZ)]);
    expect([await bob.ends(), await carol.ends()]).toEqual([0, 0]);
    await alice.press("Hang up");
    await bob.waitEnded();
    await carol.hangup();
    await waitNoCall(alice);
  });

  it("says so when the call has ended meanwhile", async () => {
    const { alice, bob } = await talking();
    const url = alice.page.url();
    await alice.page.goto(`${stack.http}/v1/me`);
    await bob.hangup();
    await bob.waitEnded();
    await alice.page.goto(url);
    await alice.waitStage("The call with bob has ended");
    await alice.press("Close");
    await alice.page.reload();
    await alice.waitReady();
    await waitNoCall(alice);
  });
});

describe("a second call while one talks", () => {
  it("is declined as busy, and the first one is heard all the while", async () => {
    const [{ alice, bob }, carol] = await Promise.all([talking(), phoneOf("carol", "us-east")]);
    await carol.mark();
    await carol.dial("alice");
    await alice.waitText("answering puts bob on hold");
    await alice.press("Decline");
    expect(await carol.waitEnded()).toContain("486");
    await alice.waitTalking();
    await bob.mark();
    await waitHeard(bob, ALICE_HERTZ);
    await alice.press("Hang up");
    await bob.waitEnded();
  });
});

describe("calls to me", () => {
  it("are told to be busy, or go to somebody else, as I say on the page", async () => {
    const [alice, bob, carol] = await Promise.all([
      alicePage(),
      phoneOf("bob", "eu-west"),
      phoneOf("carol", "us-east"),
    ]);
    await alice.press("Calls to me");
    await alice.page.getByLabel("Do not disturb").check();
    await alice.press("Save");
    await alice.button("Do not disturb").waitFor();
    await bob.mark();
    await bob.dial("alice");
    expect(await bob.waitEnded()).toContain("486");
    await alice.press("Do not disturb");
    await alice.page.getByLabel("Do not disturb").uncheck();
    await alice.page.getByLabel("For at most").selectOption("10 seconds");
    const always = alice.page.getByLabel("Always");
    for (const [target, words] of [
      ["alice", "That is you: calls would go in a circle."],
      ["carol smith", "That is neither a name nor a number."],
      ["carol@elsewhere.example", "Only people of your own organisation can be called."],
    ] as const) {
      await always.fill(target);
      await alice.press("Save");
      await alice.waitText(words);
    }
    await always.fill("carol");
    await alice.press("Save");
    await alice.button("Forwarding to carol").waitFor();
    await bob.mark();
    await carol.mark();
    await bob.dial("alice");
    await carol.waitIncoming();
    await bob.hangup();
    await carol.waitEnded();
    // The next page shows it too; then all is as it was.
    await alice.page.reload();
    await alice.press("Forwarding to carol");
    expect(await alice.page.getByLabel("For at most").inputValue()).toBe("10");
    await always.fill("");
    await alice.page.getByLabel("For at most").selectOption("60 seconds");
    await alice.press("Save");
    await alice.button("Forwarding to carol").waitFor({ state: "detached" });
  });
});

describe("an empty field", () => {
  it("brings back the number that was called last, by the page before this one too", async () => {
    const alice = await alicePage();
    await alice.dial("echo");
    await alice.waitTalking();
    await alice.press("Hang up");
    await waitNoCall(alice);
    await alice.page.reload();
    await alice.waitReady();
    await alice.press("Recent");
    await alice.page.locator(".rows .row").first().filter({ hasText: "echo" }).waitFor();
    await alice.press("Call");
    expect(await alice.page.getByLabel("Name or number").inputValue()).toBe("echo");
  });
});

describe("in Firefox", () => {
  it("the page signs in, hears itself from echo, and is called by a phone: each hears the other", async () => {
    const alice = await lab.own(FirefoxConsole.open(stack, ALICE_HERTZ));
    await alice.signInAndWait("alice");
    await alice.dial("echo");
    await alice.waitStage(/^\d+:\d\d$/);
    await alice.waitHears(ALICE_HERTZ);
    await alice.press("Hang up");
    await alice.waitStage(/^You hung up/);
    const bob = await phoneOf("bob", "eu-west");
    await bob.mark();
    await bob.dial("alice");
    await alice.press("Answer");
    await bob.waitEstablished();
    await Promise.all([alice.waitHears(bob.frequency), waitHeard(bob, ALICE_HERTZ)]);
    await bob.hangup();
    await alice.waitStage(/^bob hung up/);
  });
});
