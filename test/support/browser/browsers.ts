/** Browsers that stay open from test to test, one of each make and tone: starting one takes longer than many a call. */
import { Lab } from "../lab.ts";
import type { Closable } from "../lab.ts";
import type { BrowserPhone } from "./browser-phone.ts";
import { launchChromium } from "./chromium.ts";
import { launchFirefox } from "./firefox.ts";

export type BrowserName = "chromium" | "firefox";

export interface BrowserWish {
  readonly browser: BrowserName;
  readonly toneFrequency: number;
  /** Chromium's candidates on loopback; without them it is the browser that people have. */
  readonly loopbackCandidates?: boolean | undefined;
}

export async function launchBrowser({ browser, ...options }: BrowserWish): Promise<BrowserPhone> {
  return browser === "firefox" ? await launchFirefox(options) : await launchChromium(options);
}

export class Browsers implements Closable {
  readonly #lab = new Lab();
  readonly #phones = new Map<string, Promise<BrowserPhone>>();

  /** A phone in a page in which nothing has happened; with the lab its page goes, and the browser stays. */
  async open(lab: Lab, wish: BrowserWish): Promise<BrowserPhone> {
    const key = JSON.stringify(wish);
    const launched = this.#phones.get(key) ?? this.#lab.own(launchBrowser(wish));
    this.#phones.set(key, launched);
    const phone = await launched;
    await lab.own({ close: () => phone.driver.loadPage() });
    return phone;
  }

  async close(): Promise<void> {
    await this.#lab.close();
  }
}
