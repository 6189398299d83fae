/** Everybody can use the page: by keyboard alone, with a screen reader, on a small screen, in the dark. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { ConsolePage, launchConsoleBrowser } from "./support/console-page.ts";
import type { ConsoleBrowser, OpenOptions } from "./support/console-page.ts";

/** More presses of Tab than any control is away. */
const TABS_LIMIT = 25;

let stack: Stack;
let browser: ConsoleBrowser;
let lab: Lab;
beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), launchConsoleBrowser(700)]);
});
afterAll(async () => {
  await browser.close();
  await stack.close();
});
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

async function tabTo(page: ConsolePage, name: string): Promise<void> {
  for (let tabs = 0; tabs < TABS_LIMIT; tabs += 1) {
    if ((await page.focusedName()) === name) return;
    await page.page.keyboard.press("Tab");
  }
  throw new Error(`no ${name} within ${TABS_LIMIT} tabs; the focus is on ${await page.focusedName()}`);
}

it("with the keyboard alone one signs in, calls, sends a tone, transfers, hangs up and calls again", async () => {
  const alice = await lab.own(ConsolePage.open(stack, browser));
  const { keyboard } = alice.page;
  await keyboard.type("alice");
  await keyboard.press("Tab");
  await keyboard.type(stack.user("alice").password);
  await keyboard.press("Enter");
  await alice.waitReady();
  await keyboard.type("echo");
  await keyboard.press("Enter");
  await alice.waitTalking();
  expect(await alice.focusedName()).toBe("echo");
  await alice.button("Keypad").waitFor();
  await tabTo(alice, "Keypad");
  await keyboard.press("Enter");
  await keyboard.type("42#");
  await alice.page.locator("output").filter({ hasText: "42#" }).waitFor();
  await tabTo(alice, "Transfer");
  await keyboard.press("Enter");
  await keyboard.type("bob");
  await keyboard.press("Enter");
  await alice.waitText("of calls with a number of the platform only you can be a part");
  expect(await alice.focusedName()).toBe("echo");
  await tabTo(alice, "Hang up");
  await keyboard.press("Enter");
  await alice.waitStage("You hung up");
  await tabTo(alice, "Close");
  await keyboard.press("Enter");
  await keyboard.type("echo");
  await keyboard.press("Enter");
  await alice.waitTalking();
  await tabTo(alice, "Hang up");
  await keyboard.press("Enter");
});

it("an incoming call takes the focus, and Enter answers it", async () => {
  const [alice, bob] = await Promise.all([
    lab.own(ConsolePage.open(stack, browser)),
    lab.own(ConsolePage.open(stack, browser)),
  ]);
  await Promise.all([alice.signInAndWait("alice"), bob.signInAndWait("bob")]);
  await alice.dial("bob");
  await bob.button("Answer").waitFor();
  expect(await bob.focusedName()).toBe("Answer");
  await bob.page
    .locator('[aria-live="assertive"]')
    .filter({ hasText: "alice is calling" })
    .waitFor({ state: "attached" });
  await bob.page.keyboard.press("Enter");
  await Promise.all([alice.waitTalking(), bob.waitTalking()]);
});

it.each([
  { where: "a desk, in the light", options: {} },
  { where: "a desk, in the dark", options: { colorScheme: "dark" } },
  { where: "a phone", options: { viewport: { width: 390, height: 844 }, hasTouch: true } },
] satisfies readonly { readonly where: string; readonly options: OpenOptions }[])(
  "axe finds nothing in any state on $where",
  async ({ options }) => {
    const alice = await lab.own(ConsolePage.open(stack, browser, options));
    await alice.expectAccessible("signed out");
    await alice.signIn("alice", "wrong");
    await alice.waitText("do not fit together");
    await alice.expectAccessible("refused");
    await alice.signInAndWait("alice");
    await alice.waitText(options.viewport === undefined ? "carol" : "New here?");
    await alice.expectAccessible("idle");
    const bob = await lab.own(ConsolePage.open(stack, browser, options));
    await bob.signInAndWait("bob");
    await alice.dial("bob");
    await alice.waitStage("Ringing");
    await bob.button("Answer").waitFor();
    await Promise.all([alice.expectAccessible("ringing"), bob.expectAccessible("incoming")]);
    await bob.press("Answer");
    await alice.waitTalking();
    await alice.waitText(/→ bob/);
    await alice.expectAccessible("talking");
    await alice.page.locator(".call").getByRole("button", { name: "Keypad" }).click();
    await alice.expectAccessible("keypad in the call");
    await alice.press("Transfer");
    await alice.expectAccessible("transfer");
    await alice.page.keyboard.press("Escape");
    await alice.press("Hold");
    await alice.press("New call");
    await alice.expectAccessible("a call that waits");
    await alice.dial("nobody-here");
    await alice.waitStage("was not found");
    await alice.expectAccessible("failure");
    await alice.press("Close");
    await alice.press("Contacts");
    await alice.expectAccessible("contacts");
    await alice.press("Recent");
    await alice.page.locator(".rows .row").first().waitFor();
    await alice.expectAccessible("history");
    await alice.press("Audio");
    await alice.page.getByRole("dialog").waitFor();
    await alice.expectAccessible("audio");
    await alice.page.keyboard.press("Escape");
    await alice.press("Calls to me");
    await alice.page.getByLabel("Always").fill("bob smith");
    await alice.press("Save");
    await alice.waitText("That is neither a name nor a number.");
    await alice.expectAccessible("calls to me");
  },
);

it("nothing on a phone's screen is wider than the screen", async () => {
  const alice = await lab.own(ConsolePage.open(stack, browser, { viewport: { width: 320, height: 640 } }));
  const overflow = (): Promise<number> =>
    alice.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(await overflow()).toBe(0);
  await alice.signInAndWait("alice");
  expect(await overflow()).toBe(0);
  await alice.dial("echo");
  await alice.waitTalking();
  await alice.waitText("You → us-east gateway, and back");
  expect(await overflow()).toBe(0);
  await alice.press("Transfer");
  await alice.page.getByLabel("Put echo through to").waitFor();
  expect(await overflow()).toBe(0);
});
