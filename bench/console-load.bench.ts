/**
 * How long somebody who is signed in waits for the phone: from asking for the page, with nothing in the cache, to the
 * registrar's 200. In Debian's Chromium, one page at a time, over loopback. And what the page weighs.
 */
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import type { Browser, BrowserContext } from "playwright-core";
import { bundleConsole } from "../scripts/build-console.mjs";
import { Lab } from "../test/support/lab.ts";
import { startStack } from "../test/support/stack.ts";
import type { Stack } from "../test/support/stack.ts";
import { lessIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";
import { percentile } from "./support/statistics.ts";

const LOADS = 20;
const WARM_UP_LOADS = 3;
const GOAL_MS = 1_000;
const SCRIPT_GOAL_KB = 120;
const READY = '.link-state[data-link="ready"]';

/** What the page keeps for its tab when somebody signs in. */
async function storedSession(stack: Stack): Promise<string> {
  const { identity, domain, password } = stack.user("alice");
  const response = await fetch(new URL("/v1/tokens", stack.http), {
    method: "POST",
    body: JSON.stringify({ identity, sipDomain: domain, password }),
  });
  if (!response.ok) throw new Error(`sign-in: ${response.status}`);
  const { token, expiresAt } = (await response.json()) as { readonly token: string; readonly expiresAt: string };
  return JSON.stringify({ identity, sipDomain: domain, token, expiresAtMs: Date.parse(expiresAt) });
}

async function loadMs(context: BrowserContext, url: string): Promise<number> {
  const page = await context.newPage();
  await page.addInitScript((selector) => {
    new MutationObserver((_, observer) => {
      if (document.querySelector(selector) === null) return;
      observer.disconnect();
      document.documentElement.dataset["readyMs"] = String(performance.now());
    }).observe(document, { subtree: true, childList: true, attributes: true });
  }, READY);
  await page.goto(url);
  await page.locator(READY).waitFor();
  return Number(await page.evaluate(() => document.documentElement.dataset["readyMs"]));
}

async function measure(browser: Browser, stack: Stack): Promise<readonly number[]> {
  const session = await storedSession(stack);
  const times: number[] = [];
  for (let load = 0; load < WARM_UP_LOADS + LOADS; load += 1) {
    // A context of its own has an empty cache.
    const context = await browser.newContext();
    await context.addInitScript((text) => sessionStorage.setItem("nearside.session", text), session);
    const ms = await loadMs(context, stack.http);
    await context.close();
    if (load >= WARM_UP_LOADS) times.push(ms);
  }
  return times;
}

export async function run(): Promise<readonly BenchRow[]> {
  const lab = new Lab();
  try {
    const stack = await lab.own(startStack());
    const browser = await lab.own(
      chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] }),
    );
    const times = await measure(browser, stack);
    const { script, style } = await bundleConsole();
    const kilobytes = (text: string): number => Math.round(gzipSync(text, { level: 6 }).length / 100) / 10;
    const goal = { peerName: "goal", goal: 1 };
    const time = { unit: "ms", peer: GOAL_MS, ...goal };
    return [
      lessIsBetter({ ...time, name: "console: page load to registered, p50", ours: percentile(times, 0.5) }),
      lessIsBetter({
        ...time,
        name: "console: page load to registered, p95",
        ours: percentile(times, 0.95),
        note: `${LOADS} loads with an empty cache, Chromium and stack on the same machine`,
      }),
      lessIsBetter({
        name: "console: script, gzipped",
        unit: "kB",
        ours: kilobytes(script),
        peer: SCRIPT_GOAL_KB,
        ...goal,
        note: `style ${kilobytes(style)} kB; no other request is made`,
      }),
    ];
  } finally {
    await lab.close();
  }
}
