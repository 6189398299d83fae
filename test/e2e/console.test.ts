/** The softphone page in Chromium against the whole stack: from signing in to the failures that people meet. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { ConsolePage, launchConsoleBrowser } from "./support/console-page.ts";
import type { ConsoleBrowser, OpenOptions } from "./support/console-page.ts";

/** What alice's microphone hears, and bob's. */
const ALICE_HERTZ = 700;
const BOB_HERTZ = 1_100;
/** A page asks every three seconds. */
const PRESENCE_MS = 5_000;

let stack: Stack;
let aliceBrowser: ConsoleBrowser;
let bobBrowser: ConsoleBrowser;
let lab: Lab;
beforeAll(async () => {
  [stack, aliceBrowser, bobBrowser] = await Promise.all([
    startStack(),
    launchConsoleBrowser(ALICE_HERTZ),
    launchConsoleBrowser(BOB_HERTZ),
  ]);
});
afterAll(async () => {
  await Promise.all([aliceBrowser.close(), bobBrowser.close()]);
  await stack.close();
});
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

/** As the page writes it. A starved machine may have moved a side before anybody looks. */
function wayTo(peer: string): RegExp {
  return new RegExp(`^You → \\S+ gateway → (\\S+ gateway → )?${peer}$`);
}

async function alicePage(options: OpenOptions = {}): Promise<ConsolePage> {
  return await lab.own(ConsolePage.open(stack, aliceBrowser, options));
}

async function aliceAndBob(): Promise<{ readonly alice: ConsolePage; readonly bob: ConsolePage }> {
  const [alice, bob] = await Promise.all([
    alicePage(),
    lab.own(ConsolePage.open(stack, bobBrowser, { region: "eu-west" })),
  ]);
  await Promise.all([alice.signInAndWait("alice"), bob.signInAndWait("bob")]);
  return { alice, bob };
}

async function talking(): Promise<{ readonly alice: ConsolePage; readonly bob: ConsolePage }> {
  const both = await aliceAndBob();
  await both.alice.dial("bob");
  await both.bob.press("Answer");
  await Promise.all([both.alice.waitTalking(), both.bob.waitTalking()]);
  return both;
}

describe("signing in", () => {
  it("a wrong password is told so, and the right one opens the phone", async () => {
    const alice = await alicePage();
    await alice.signIn("alice", "not-hers");
    await alice.waitText("Name, password and organisation do not fit together.");
    await alice.signInAndWait("alice");
    await alice.page.locator(".link-state").filter({ hasText: "us-east" }).waitFor({ timeout: PRESENCE_MS });
  });

  it("a reload of the page keeps it, and signing out ends it", async () => {
    const alice = await alicePage();
    await alice.signInAndWait("alice");
    await alice.page.reload();
    await alice.waitReady();
    await alice.press("Sign out");
    await alice.waitText("Sign in to Nearside");
    await alice.page.reload();
    await alice.waitText("Sign in to Nearside");
  });

  it("lasts longer than its token, which is renewed for the API and for calls", async () => {
    const alice = await alicePage();
    await alice.page.clock.install();
    await alice.page.reload();
    await alice.signInAndWait("alice");
    const renewal = alice.page.waitForResponse("**/v1/tokens/renewal", { timeout: 10_000 });
    await alice.page.clock.fastForward("46:00");
    expect((await renewal).status()).toBe(200);
    await alice.waitReady();
    await alice.dial("echo");
    await alice.waitTalking();
  });
});

describe("a call", () => {
  it("to echo is heard back, shows its way and its figures, and stands in the history", async () => {
    const alice = await alicePage();
    await alice.signInAndWait("alice");
    await alice.dial("echo");
    await alice.waitTalking();
    await alice.waitHears(ALICE_HERTZ);
    await alice.waitText("You → us-east gateway, and back");
    await alice.waitText(/^(Excellent|Good)$/);
    await alice.waitText("G.711 µ-law");
    await alice.press("Hang up");
    await alice.waitStage("You hung up");
    await alice.press("Recent");
    const first = alice.page.locator(".rows .row").first();
    await first.filter({ hasText: "echo" }).waitFor();
    await alice.page.getByRole("button", { name: "Call echo again" }).first().click();
    await alice.waitTalking();
    await alice.press("Hang up");
  });

  it("between two regions is heard on both sides until one hangs up", async () => {
    const { alice, bob } = await talking();
    await Promise.all([alice.waitHears(BOB_HERTZ), bob.waitHears(ALICE_HERTZ)]);
    await Promise.all([alice.waitText(wayTo("bob")), bob.waitText(wayTo("alice"))]);
    await bob.press("Hang up");
    await alice.waitStage("bob hung up");
  });

  it("is silent to the other side while it is muted", async () => {
    const { alice, bob } = await talking();
    await bob.waitHears(ALICE_HERTZ);
    await alice.press("Mute");
    await bob.waitHearsNothing();
    await alice.waitHears(BOB_HERTZ);
    await alice.press("Mute");
    await bob.waitHears(ALICE_HERTZ);
  });

  it("that is declined is told so to the caller", async () => {
    const { alice, bob } = await aliceAndBob();
    await alice.dial("bob");
    await bob.press("Decline");
    await alice.waitStage(/bob (declined the call|is busy)/);
    await alice.waitText(/Try/);
    expect(await bob.page.getByRole("alertdialog").count()).toBe(0);
  });

  it("that the caller gives up stops ringing and is missed", async () => {
    const { alice, bob } = await aliceAndBob();
    await alice.dial("bob");
    await bob.button("Answer").waitFor();
    expect(await bob.page.title()).toContain("alice is calling");
    await alice.press("Hang up");
    await bob.page.getByRole("alertdialog").waitFor({ state: "detached", timeout: PRESENCE_MS });
    expect(await bob.page.title()).toBe("Nearside");
    await bob.press("Recent");
    await bob.page.locator(".rows .row").first().filter({ hasText: "Missed" }).waitFor();
  });

  it("moves to another gateway when its own is killed, and the page says so", async () => {
    const { alice, bob } = await talking();
    await Promise.all([
      alice.waitText("You → us-east gateway → eu-west gateway → bob"),
      bob.waitText("You → eu-west gateway → us-east gateway → alice"),
    ]);
    await stack.killGateway("us-east");
    await alice.waitText("Your side moved to eu-west after us-east was lost.", 10_000);
    await bob.waitText("alice's side moved to eu-west after us-east was lost.", 10_000);
    await Promise.all([alice.waitHears(BOB_HERTZ), bob.waitHears(ALICE_HERTZ)]);
  });
});

describe("several calls", () => {
  it("a second one is answered while the first waits, and they are swapped", async () => {
    const { alice, bob } = await talking();
    const carol = await lab.own(ConsolePage.open(stack, bobBrowser, { region: "ap-south" }));
    await carol.signInAndWait("carol");
    await carol.dial("alice");
    await alice.waitText("answering puts bob on hold");
    await alice.press("Answer");
    await carol.waitTalking();
    await alice.page.getByRole("heading", { name: "carol", level: 2 }).waitFor();
    await alice.page.locator(".strip").filter({ hasText: "bobOn hold" }).waitFor();
    await bob.waitHearsNoMore(ALICE_HERTZ);
    await carol.waitHears(ALICE_HERTZ);
    await alice.press(/^bob/);
    await alice.page.getByRole("heading", { name: "bob", level: 2 }).waitFor();
    await carol.waitHearsNoMore(ALICE_HERTZ);
    await bob.waitHears(ALICE_HERTZ);
    await alice.press("Hang up");
    await bob.waitStage("alice hung up");
    await alice.press(/^carol/);
    await carol.waitHears(ALICE_HERTZ);
  });
});

describe("an incoming call", () => {
  it("rings on every page of its callee, and the others say where it was answered", async () => {
    const { alice, bob } = await aliceAndBob();
    const other = await lab.own(ConsolePage.open(stack, bobBrowser, { region: "ap-south" }));
    await other.signInAndWait("bob");
    await alice.dial("bob");
    await Promise.all([bob.button("Answer").waitFor(), other.button("Answer").waitFor()]);
    await bob.press("Answer");
    await other.page.locator("[aria-live=polite]").filter({ hasText: "Answered on another of your devices" }).waitFor({
      state: "attached",
      timeout: PRESENCE_MS,
    });
    expect(await other.page.getByRole("alertdialog").count()).toBe(0);
    await Promise.all([alice.waitTalking(), bob.waitTalking()]);
  });

  it("is announced outside the page while that is in the background, for as long as it rings", async () => {
    const alice = await alicePage();
    const bob = await lab.own(
      ConsolePage.open(stack, bobBrowser, { region: "eu-west", permissions: ["notifications"] }),
    );
    await bob.watchNotifications();
    await Promise.all([alice.signInAndWait("alice"), bob.signInAndWait("bob")]);
    await alice.dial("bob");
    await bob.button("Answer").waitFor();
    expect(await bob.openNotifications()).toEqual(["alice is calling"]);
    await alice.press("Hang up");
    await bob.page.getByRole("alertdialog").waitFor({ state: "detached", timeout: PRESENCE_MS });
    expect(await bob.openNotifications()).toEqual([]);
  });
});

describe("contacts", () => {
  it("show within five seconds who came and who went", async () => {
    const alice = await alicePage();
    await alice.signInAndWait("alice");
    const bobRow = alice.page.locator(".row").filter({ hasText: "bob" });
    await bobRow.filter({ hasText: "Offline" }).waitFor({ timeout: PRESENCE_MS });
    const bob = await ConsolePage.open(stack, bobBrowser, { region: "eu-west" });
    await bob.signInAndWait("bob");
    await bobRow.filter({ hasText: "Online · eu-west" }).waitFor({ timeout: PRESENCE_MS });
    await bob.close();
    await bobRow.filter({ hasText: "Offline" }).waitFor({ timeout: PRESENCE_MS });
  });
});

describe("the test before a call", () => {
  it("hears the microphone, reaches the bridge, and gets sound back", async () => {
    const alice = await alicePage();
    await alice.signInAndWait("alice");
    await alice.press("Audio");
    await alice.press("Run the test");
    await alice.button("Test again").waitFor({ timeout: 20_000 });
    const results = await alice.page.locator(".results li").allInnerTexts();
    expect(results).toEqual([
      expect.stringMatching(/^Microphone It hears you\.$/),
      expect.stringMatching(/^Network (< 1|\d+) ms there and back\.$/),
      expect.stringMatching(/^Sound both ways (Excellent|Good): .* there and back, .* jitter, \d+\.\d % lost\.$/),
    ]);
    expect(Number(await alice.page.getByRole("meter").first().getAttribute("aria-valuenow"))).toBeGreaterThan(50);
  });
});

describe("what goes wrong is told in plain words, with what to do", () => {
  it.each([
    { target: "nobody-here", title: "“nobody-here” was not found", advice: "Check the spelling" },
    { target: "carol", title: "carol is not reachable now", advice: "None of their phones is connected" },
  ])("a call to $target: $title", async ({ target, title, advice }) => {
    const alice = await alicePage();
    await alice.signInAndWait("alice");
    await alice.dial(target);
    await alice.waitStage(title);
    await alice.waitText(advice);
  });

  it("what is no name and no number is not even sent", async () => {
    const alice = await alicePage();
    await alice.signInAndWait("alice");
    await alice.dial("bob smith");
    await alice.waitText("That is neither a name nor a number.");
    expect(await alice.focusedName()).toBe("Name or number");
  });

  it("a microphone that the browser refuses", async () => {
    const browser = await lab.own(launchConsoleBrowser(ALICE_HERTZ, { deny: true }));
    const alice = await lab.own(ConsolePage.open(stack, browser, { permissions: [] }));
    await alice.signInAndWait("alice");
    await alice.dial("echo");
    await alice.waitStage("The microphone is blocked");
    await alice.waitText("Allow it:");
  });

  it("a network that is gone, until it is back", async () => {
    const alice = await alicePage();
    await alice.signInAndWait("alice");
    await stack.killWorker();
    await alice.waitText("No connection, trying again…", 10_000);
    await alice.waitReady(20_000);
  });
});
