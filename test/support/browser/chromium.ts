/** Debian's Chromium through playwright-core. One browser for each phone, because the microphone is a file for the whole process. */
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";
import { Lab } from "../lab.ts";
import { writeToneWav } from "../wav.ts";
import { BrowserPhone } from "./browser-phone.ts";
import type { PageDriver } from "./browser-phone.ts";
import { servePhonePage } from "./page-server.ts";

export interface ChromiumOptions {
  /** What its microphone hears. */
  readonly toneFrequency?: number;
  /** Address of the page; only loopback and HTTPS give a page the microphone without a further flag. */
  readonly host?: string;
  /** Whether it gathers candidates on loopback, which Chromium as people have it does not. On unless told otherwise. */
  readonly loopbackCandidates?: boolean;
  /** Further command line flags. */
  readonly args?: readonly string[];
  readonly executable?: string;
}

export const CHROMIUM_FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
  // The page is never in the foreground; its timers must run all the same.
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

export async function launchChromium(options: ChromiumOptions = {}): Promise<BrowserPhone> {
  return (await launchChromiumTabs(1, options))[0];
}

/** Several phones in one browser, which all hear the same. Closing one of them closes the browser. */
export async function launchChromiumTabs(
  tabs: number,
  options: ChromiumOptions = {},
): Promise<readonly [BrowserPhone, ...BrowserPhone[]]> {
  const { toneFrequency = 600, host = "127.0.0.1", args = [], executable = "/usr/bin/chromium" } = options;
  // Without it, Chromium talks to a gateway on 127.0.0.1 only by another address of the machine, if there is one.
  const loopback = options.loopbackCandidates === false ? [] : ["--allow-loopback-in-peer-connection"];
  const lab = new Lab();
  try {
    const page = await lab.own(servePhonePage(host));
    const microphone = join(await lab.folder(), "microphone.wav");
    await writeToneWav(microphone, { frequency: toneFrequency, seconds: 10, rate: 48_000 });
    const insecure = host.startsWith("127.")
      ? []
      : [`--unsafely-treat-insecure-origin-as-secure=${page.url.replace(/\/$/, "")}`];
    const server = await lab.own(
      chromium.launchServer({
        executablePath: executable,
        headless: true,
        args: [...CHROMIUM_FLAGS, `--use-file-for-fake-audio-capture=${microphone}`, ...insecure, ...loopback, ...args],
      }),
    );
    const browser = await chromium.connect(server.wsEndpoint());
    const context = await browser.newContext({ permissions: ["microphone"] });
    const open = async (): Promise<BrowserPhone> => {
      const tab = await context.newPage();
      const driver = await tabDriver(tab, page.url);
      const name = `chromium ${toneFrequency} Hz`;
      return new BrowserPhone({ ...driver, name, pid: server.process().pid ?? -1, close: () => lab.close() });
    };
    const phones: [BrowserPhone, ...BrowserPhone[]] = [await open()];
    while (phones.length < tabs) phones.push(await open());
    return phones;
  } catch (failure) {
    await lab.close();
    throw failure;
  }
}

async function tabDriver(tab: Page, url: string): Promise<Omit<PageDriver, "name" | "pid" | "close">> {
  const lines: string[] = [];
  tab.on("console", (message) => lines.push(`${message.type()}: ${message.text()}`));
  tab.on("pageerror", (failure) => lines.push(`uncaught: ${failure.message}`));
  const loadPage = async (): Promise<void> => {
    await tab.goto(url);
    await tab.waitForFunction(() => document.title === "phone ready");
  };
  await loadPage();
  return {
    loadPage,
    console: lines,
    invoke: (method, json) =>
      tab.evaluate(([name, text]) => window.invokePhonePage(name, text), [method, json] as const),
    closePage: () => tab.close(),
  };
}
