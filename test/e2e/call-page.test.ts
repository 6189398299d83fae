/** A call's own page and its ladder: live, complete, readable, and nobody else's. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { tracedMessages } from "../support/baresip-trace.ts";
import { Lab } from "../support/lab.ts";
import { connect, startPair, talk } from "../support/phone-talk.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { findCall, readCall, readLadder } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";
import type { Ladder } from "../../worker/domain/ladder/ladder.ts";
import { ConsolePage, launchConsoleBrowser } from "./support/console-page.ts";
import type { ConsoleBrowser } from "./support/console-page.ts";

/** Longer than gateways hold the last messages of a call back. */
const LAST_NEWS_MS = 8_000;
const PHONE_SCREEN = { width: 375, height: 700 };

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

/** `caller INVITE 180` as its phone would say it, each message once for each time that it was on the wire. */
function told(ladder: Ladder, leg: string): readonly string[] {
  return ladder.entries
    .flatMap((entry) =>
      entry.kind === "message" && entry.leg === leg
        ? [
            `${entry.from === "caller" || entry.from === "callee" ? "sent" : "got"} ${entry.cseq} ${entry.method} ${entry.status ?? ""}`,
          ]
        : [],
    )
    .toSorted();
}

function seen(phone: Parameters<typeof tracedMessages>[0]): readonly string[] {
  return tracedMessages(phone)
    .map(({ sent, method, cseq, status }) => `${sent ? "sent" : "got"} ${cseq} ${method} ${status ?? ""}`)
    .toSorted();
}

async function widthIsEnough(page: Page): Promise<boolean> {
  return await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
}

describe("a call of two phones across two gateways, one of which is killed", () => {
  it("is shown live, and its ladder is what the phones saw", async () => {
    const notBeforeMs = Date.now();
    const pair = await startPair(lab, stack, { caller: { gateway: "us-east" }, callee: { gateway: "eu-west" } });
    await connect(pair);
    const { sid } = await findCall(stack, "alice", "bob", { notBeforeMs });
    const own = await lab.own(ConsolePage.open(stack, browser, { path: `/calls/${sid}` }));
    const { page } = own;
    await own.expectAccessible("signing in at a call");
    await own.signIn("alice");
    await page.getByRole("heading", { name: "alice calls bob" }).waitFor();
    await page.locator('.live-state[data-live="true"]').waitFor();
    await page.locator('.step[data-class="success"]').first().waitFor();
    await own.expectAccessible("a running call");

    await talk(LAST_NEWS_MS - 3_000);
    await stack.killGateway("us-east");
    await own.waitText(/Gateway us-east died; \S+ took over alice's side after \d+ ms\./);
    await page.locator(".step", { hasText: "re-INVITE" }).first().waitFor({ timeout: LAST_NEWS_MS });
    await own.expectAccessible("a call that moved");

    const explanation = page.locator(".meaning:visible");
    await page.locator(".arrow button").first().focus();
    await explanation.filter({ hasText: "Asks to call somebody." }).waitFor();
    await page.keyboard.press("ArrowDown");
    await explanation.filter({ hasText: "the request has arrived and is worked on" }).waitFor();
    await page.keyboard.press("End");
    await explanation.filter({ hasText: "Confirms that the answer arrived" }).waitFor();

    await talk(2_000);
    await pair.callee.hangup();
    await page.locator('.live-state[data-live="false"]').waitFor();
    await page.getByRole("heading", { name: "alice called bob" }).waitFor();
    await own.waitText("The called side hung up.");

    const ladder = await waitUntil(
      "the last messages",
      async () => {
        const now = await readLadder(stack, sid);
        return (
          told(now, "a").length >= seen(pair.caller).length && told(now, "b1").length >= seen(pair.callee).length && now
        );
      },
      { timeoutMs: LAST_NEWS_MS },
    ).catch(() => readLadder(stack, sid));
    expect(told(ladder, "a")).toEqual(seen(pair.caller));
    expect(told(ladder, "b1")).toEqual(seen(pair.callee));
    expect(ladder.moves).toMatchObject([{ leg: "a", from: "us-east", state: "done" }]);
    expect(ladder.omittedMessages).toBe(0);
    await own.expectAccessible("a call that is over");
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize(PHONE_SCREEN);
    await own.expectAccessible("a call on a small, dark screen");
    expect(await widthIsEnough(page)).toBe(true);
    await expectNoSecrets(sid);
  });

  async function expectNoSecrets(sid: string): Promise<void> {
    const answers = ["json", "text"].map(async (format) => {
      const response = await stack.request(`/v1/calls/${sid}/ladder?format=${format}`);
      expect(response.status).toBe(200);
      return await response.text();
    });
    const text = (await Promise.all(answers)).join("");
    const secrets = ["alice", "bob"].map((identity) => stack.user(identity).password);
    for (const secret of [...secrets, stack.account().authToken, "127.0.0.1", "nonce", "response=", "branch", "tag="])
      expect(text).not.toContain(secret);
  }
});

describe("from the softphone", () => {
  it("a running call opens its page beside it, signed in; to somebody else the call is unknown", async () => {
    const alice = await lab.own(ConsolePage.open(stack, browser));
    await alice.signInAndWait("alice");
    await alice.dial("echo");
    await alice.waitTalking();
    const opened = alice.page.context().waitForEvent("page");
    await alice.page.getByRole("link", { name: "What happened in the call with echo, in a new tab" }).first().click();
    const page = await opened;
    await page.getByRole("heading", { name: "alice calls echo" }).waitFor();
    await page.locator(".step", { hasText: "100 Trying" }).first().waitFor();
    await alice.waitTalking();
    const { sid } = await findCall(stack, "alice", "echo");
    await alice.press("Hang up");
    await page.getByRole("heading", { name: "alice called echo" }).waitFor();
    expect((await readCall(stack, sid)).status).toBe("completed");

    const bob = await lab.own(ConsolePage.open(stack, browser, { path: `/calls/${sid}` }));
    await bob.signIn("bob");
    await bob.page.getByRole("heading", { name: "No such call" }).waitFor();
    await bob.expectAccessible("somebody else's call");
  });
});
