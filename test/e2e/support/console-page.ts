/** The softphone page in a real Chromium, used as a person would: by what is written on it. */
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { CHROMIUM_FLAGS } from "../../support/browser/chromium.ts";
import { Lab } from "../../support/lab.ts";
import type { Stack } from "../../support/stack.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { writeToneWav } from "../../support/wav.ts";

const MOMENT_MS = 5_000;
/** Resolution of what the page's listener tells. */
export const HERTZ_TOLERANCE = 12;
/** Looks without a tone, one after the other, until it counts as gone. */
const LOOKS_WITHOUT = 5;

/** What the browser itself writes of refused requests and lost sockets. */
const WRITTEN_BY_BROWSER = /^(Failed to load resource|WebSocket connection to)/;

export interface ConsoleBrowser {
  readonly frequency: number;
  readonly browser: Browser;
  close(): Promise<void>;
}

/** A browser whose microphone hears a tone, or which refuses the microphone to everybody. */
export async function launchConsoleBrowser(frequency: number, { deny = false } = {}): Promise<ConsoleBrowser> {
  const lab = new Lab();
  const microphone = join(await lab.folder(), "microphone.wav");
  await writeToneWav(microphone, { frequency, seconds: 10, rate: 48_000 });
  const flags = CHROMIUM_FLAGS.filter((flag) => !deny || flag !== "--use-fake-ui-for-media-stream");
  const server = await lab.own(
    chromium.launchServer({
      executablePath: "/usr/bin/chromium",
      headless: true,
      args: [...flags, "--allow-loopback-in-peer-connection", `--use-file-for-fake-audio-capture=${microphone}`],
    }),
  );
  return { frequency, browser: await chromium.connect(server.wsEndpoint()), close: () => lab.close() };
}

export interface OpenOptions extends BrowserContextOptions {
  readonly region?: string;
  /** The softphone unless given. */
  readonly path?: string;
}

export class ConsolePage {
  readonly page: Page;
  readonly #stack: Stack;
  readonly #problems: string[] = [];

  private constructor(page: Page, stack: Stack) {
    this.page = page;
    this.#stack = stack;
    page.on("pageerror", (failure) => this.#problems.push(`uncaught: ${failure.message}`));
    page.on("console", (message) => {
      if (message.type() === "error" && !WRITTEN_BY_BROWSER.test(message.text())) this.#problems.push(message.text());
    });
  }

  static async open(stack: Stack, { browser }: ConsoleBrowser, options: OpenOptions = {}): Promise<ConsolePage> {
    const { region, path = "/", ...context } = options;
    const opened = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
    const page = await opened.newPage();
    await page.addInitScript(listenIn);
    const own = new ConsolePage(page, stack);
    await page.goto(`${stack.http}${path}${region === undefined ? "" : `?region=${region}`}`);
    return own;
  }

  /** The page went without an error of its own; then it is left. */
  async close(): Promise<void> {
    await this.page.context().close();
    if (this.#problems.length > 0) throw new Error(`the page had errors:\n${this.#problems.join("\n")}`);
  }

  async signIn(identity: string, password = this.#stack.user(identity).password): Promise<void> {
    await this.page.getByLabel("Name", { exact: true }).fill(identity);
    await this.page.getByLabel("Password").fill(password);
    await this.button("Sign in").click();
  }

  async signInAndWait(identity: string): Promise<void> {
    await this.signIn(identity);
    await this.waitReady();
  }

  async waitReady(timeoutMs = MOMENT_MS): Promise<void> {
    await this.page.locator('.link-state[data-link="ready"]').waitFor({ timeout: timeoutMs });
  }

  async dial(target: string): Promise<void> {
    await this.page.getByLabel("Name or number").fill(target);
    await this.page.keyboard.press("Enter");
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  async press(name: string | RegExp): Promise<void> {
    await this.button(name).click({ timeout: MOMENT_MS });
  }

  /** The line below the name in a call. */
  async waitStage(text: string | RegExp, timeoutMs = MOMENT_MS): Promise<void> {
    await this.page.locator(".call-stage").filter({ hasText: text }).waitFor({ timeout: timeoutMs });
  }

  async waitTalking(timeoutMs = MOMENT_MS): Promise<void> {
    await this.waitStage(/^\d+:\d\d$/, timeoutMs);
  }

  async waitText(text: string | RegExp, timeoutMs = MOMENT_MS): Promise<void> {
    try {
      await this.page.getByText(text).first().waitFor({ timeout: timeoutMs });
    } catch (cause) {
      const shown = await this.page.locator("body").innerText();
      throw new Error(`not on the page: ${String(text)}; but:\n${shown}`, { cause });
    }
  }

  /** What the other side of the newest call speaks, by its strongest frequency. */
  async waitHears(frequency: number, timeoutMs = MOMENT_MS): Promise<void> {
    let last = 0;
    await waitUntil(
      `the page hears ${frequency} Hz`,
      async () => {
        last = await this.page.evaluate(() => window.loudestHertz());
        return Math.abs(last - frequency) < HERTZ_TOLERANCE;
      },
      { timeoutMs, everyMs: 100 },
    ).catch(async (cause: unknown) => {
      const shown = await this.page.locator("body").innerText();
      throw new Error(`${String(cause)}; last it heard ${last} Hz; the page says:\n${shown}`, { cause });
    });
  }

  async waitHearsNothing(timeoutMs = MOMENT_MS): Promise<void> {
    const what = "the page hears nothing";
    const look = async (): Promise<boolean> => (await this.page.evaluate(() => window.loudestHertz())) === 0;
    await waitUntil(what, look, { timeoutMs, everyMs: 100 });
  }

  /** The other side holds: there is music, and of its own tone nothing. A note may pass through the tone. */
  async waitHearsNoMore(frequency: number, timeoutMs = MOMENT_MS): Promise<void> {
    let inSuccession = 0;
    const look = async (): Promise<boolean> => {
      const heard = await this.page.evaluate(() => window.loudestHertz());
      inSuccession = Math.abs(heard - frequency) < HERTZ_TOLERANCE ? 0 : inSuccession + 1;
      return inSuccession >= LOOKS_WITHOUT;
    };
    await waitUntil(`the page hears ${frequency} Hz no more`, look, { timeoutMs, everyMs: 100 });
  }

  /** Nothing for axe-core to complain of, in WCAG 2.2 A and AA and its best practices. */
  async expectAccessible(state: string): Promise<void> {
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    if (found.length > 0) throw new Error(`axe on ${state}:\n${found.join("\n")}`);
  }

  /** From here on the page takes itself for one in the background, and its notifications are counted. */
  async watchNotifications(): Promise<void> {
    await this.page.addInitScript(countNotifications);
    await this.page.reload();
  }

  async openNotifications(): Promise<readonly string[]> {
    return await this.page.evaluate(() => window.openNotifications);
  }

  async focusedName(): Promise<string> {
    return await this.page.evaluate(() => {
      const { activeElement } = document;
      return activeElement?.getAttribute("aria-label") ?? activeElement?.textContent ?? "";
    });
  }
}

declare global {
  interface Window {
    /** 0 for silence. */
    loudestHertz(): number;
    /** Titles. */
    openNotifications: string[];
  }
}

/** Runs in the page: headless browsers show none to anybody. */
function countNotifications(): void {
  window.openNotifications = [];
  document.hasFocus = () => false;
  window.Notification = class extends EventTarget {
    static readonly permission = "granted";
    readonly #title: string;
    constructor(title: string) {
      super();
      this.#title = title;
      window.openNotifications.push(title);
    }
    close(): void {
      window.openNotifications = window.openNotifications.filter((title) => title !== this.#title);
    }
  } as unknown as typeof Notification;
}

/** Runs in the page before its own script: taps what arrives, and leaves the microphone's tone as it is. */
export function listenIn(): void {
  const { mediaDevices } = navigator;
  const getUserMedia = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (constraints) => {
    const audio = typeof constraints?.audio === "object" ? constraints.audio : {};
    // Processing takes a steady tone for noise.
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    return await getUserMedia({ audio: { ...audio, ...plain } });
  };
  const context = new AudioContext();
  let analyser: AnalyserNode | undefined;
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener("track", ({ track }) => {
        analyser = context.createAnalyser();
        analyser.fftSize = 8_192;
        analyser.smoothingTimeConstant = 0;
        context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      });
    }
  };
  window.loudestHertz = () => {
    if (analyser === undefined) return 0;
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    let loudest = 0;
    for (let bin = 1; bin < bins.length; bin += 1) if ((bins[bin] ?? 0) > (bins[loudest] ?? 0)) loudest = bin;
    // Quieter than this is the comfort of an empty line.
    return (bins[loudest] ?? -200) < -60 ? 0 : (loudest * context.sampleRate) / analyser.fftSize;
  };
}
