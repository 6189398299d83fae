/** The folder `examples/`, as its README files tell a newcomer to use it: with real browsers and phones, at a stack of its own. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { startBaresip } from "../support/baresip.ts";
import type { Baresip } from "../support/baresip.ts";
import { Lab } from "../support/lab.ts";
import { startLinphone } from "../support/linphone.ts";
import { heardBy, talk } from "../support/phone-talk.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { spectrumShare, toneStartMs } from "../support/tone.ts";
import { waitUntil } from "../support/wait-until.ts";
import { launchConsoleBrowser, listenIn } from "./support/console-page.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE_TONE = 700;
const PHONE_TONE = 1_100;

const all = new Lab();
let stack: Stack;
/** The configurations with their placeholders filled in, by the very command of the README. */
let phones: string;
beforeAll(async () => {
  stack = await all.own(startStack());
  const folder = await all.folder();
  await symlink(stack.localFolder, join(folder, ".local"));
  await symlink(join(ROOT, "examples"), join(folder, "examples"));
  const readme = await readFile(join(ROOT, "examples/phones/README.md"), "utf8");
  const [, command = ""] = /```sh\n([\s\S]*?)```/.exec(readme) ?? [];
  await promisify(execFile)("sh", ["-ec", command], { cwd: folder });
  phones = join(folder, ".local/phones");
});
afterAll(() => all.close());

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.close());

async function exampleBaresip(): Promise<Baresip> {
  const phone = await lab.own(
    startBaresip({ ...stack.user("bob"), configuration: join(phones, "baresip"), toneFrequency: PHONE_TONE }),
  );
  await phone.waitRegistered();
  return phone;
}

/** "Any static server." */
async function serveRepository(): Promise<string> {
  const types: Readonly<Record<string, string>> = { ".html": "text/html", ".js": "text/javascript" };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://static");
    const path = join(ROOT, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    readFile(path).then(
      (bytes) => response.writeHead(200, { "content-type": types[extname(path)] ?? "text/plain" }).end(bytes),
      () => response.writeHead(404).end(),
    );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await lab.own({
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  });
  const address = server.address();
  return `http://127.0.0.1:${String(typeof address === "object" && address !== null ? address.port : 0)}`;
}

class ExamplePage {
  readonly page: Page;
  readonly problems: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("pageerror", ({ message }) => this.problems.push(message));
  }

  static async open(): Promise<ExamplePage> {
    const { browser } = await lab.own(launchConsoleBrowser(PAGE_TONE));
    const page = await browser.newPage();
    await page.addInitScript(listenIn);
    const example = new ExamplePage(page);
    await page.goto(`${await serveRepository()}/examples/browser/`);
    return example;
  }

  async signIn(password: string): Promise<void> {
    await this.page.getByLabel("Server").fill(stack.webSocket("us-east"));
    await this.page.getByLabel("Password").fill(password);
    await this.press("Sign in");
  }

  async press(button: string): Promise<void> {
    await this.page.getByRole("button", { name: button, exact: true }).click();
  }

  async waitStatus(text: string): Promise<void> {
    await this.page.getByRole("status").filter({ hasText: text }).waitFor({ timeout: 10_000 });
  }

  async waitHears(frequency: number): Promise<void> {
    await waitUntil(`the page hears ${frequency} Hz`, async () => {
      const loudest = await this.page.evaluate(() => window.loudestHertz());
      return Math.abs(loudest - frequency) < 12;
    });
  }
}

describe("the page with sip.js", () => {
  it("signs in, calls echo and hears itself, and hangs up", async () => {
    const page = await ExamplePage.open();
    await page.signIn(stack.user("alice").password);
    await page.waitStatus("signed in");
    await page.press("Call");
    await page.waitStatus("talking");
    await page.waitHears(PAGE_TONE);
    await page.press("Hang up");
    await page.waitStatus("the call is over");
    expect(page.problems).toEqual([]);
  });

  it("is told when the password is wrong", async () => {
    const page = await ExamplePage.open();
    await page.signIn("wrong-password");
    await page.waitStatus("refused: 401");
  });

  it("answers the phone that examples/phones/baresip configures, and both hear the other", async () => {
    const page = await ExamplePage.open();
    await page.signIn(stack.user("alice").password);
    await page.waitStatus("signed in");
    const phone = await exampleBaresip();
    await phone.dial(`sip:alice@${stack.account().sipDomain}`);
    await page.waitStatus("bob calls");
    await page.press("Answer");
    await page.waitStatus("talking");
    await phone.waitEstablished();
    await page.waitHears(PHONE_TONE);
    await talk(1_500);
    expect((await heardBy(phone, PAGE_TONE)).share).toBeGreaterThan(0.9);
    await phone.hangup();
    await page.waitStatus("the call is over");
    expect(page.problems).toEqual([]);
  });
});

describe("the phones of examples/phones", () => {
  it("baresip hears itself at echo", async () => {
    const phone = await exampleBaresip();
    await phone.dial(`sip:echo@${stack.account().sipDomain}`);
    await phone.waitEstablished();
    await talk(1_500);
    expect((await heardBy(phone, PHONE_TONE)).share).toBeGreaterThan(0.95);
    await phone.hangup();
    await phone.waitClosed();
  });

  it("linphone hears itself at echo", async () => {
    const phone = await lab.own(
      startLinphone({
        ...stack.user("bob"),
        configuration: join(phones, "linphone/linphonerc"),
        toneFrequency: PHONE_TONE,
      }),
    );
    await phone.waitRegistered();
    phone.dial(`sip:echo@${stack.account().sipDomain}`);
    await phone.waitEstablished();
    await talk(1_800);
    phone.hangup();
    await phone.waitEnded();
    const { samples, rate } = await phone.received();
    const from = (toneStartMs(samples, rate, PHONE_TONE) ?? 0) + 100;
    expect(spectrumShare(samples, rate, PHONE_TONE, { from })).toBeGreaterThan(0.9);
  });
});
