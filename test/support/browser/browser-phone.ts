/** A phone in a real browser, as a test holds it. */
import type { Recording } from "../wav.ts";
import type {
  DialogIds,
  DigitWay,
  PhoneEvent,
  PhoneEventKind,
  PhonePage,
  PhonePageOptions,
  PhoneStatistics,
} from "./phone-page.ts";

/** What a browser must be able to do for us: run one function of the page. */
export interface PageDriver {
  readonly name: string;
  /** The browser's main process. */
  readonly pid: number;
  invoke(method: string, args: string): Promise<string>;
  /** What the page and its libraries wrote to the console. */
  readonly console: readonly string[];
  /** Loads the page anew: nothing is left of what happened in it. */
  loadPage(): Promise<void>;
  /** The page goes as when its user leaves it; the browser stays. */
  closePage(): Promise<void>;
  close(): Promise<void>;
}

export interface WaitOptions {
  readonly timeoutMs?: number;
  /** Place in the events to look from, see `mark`. */
  readonly from?: number;
}

export class BrowserPhone {
  readonly driver: PageDriver;

  constructor(driver: PageDriver) {
    this.driver = driver;
  }

  get pid(): number {
    return this.driver.pid;
  }

  /** Opens the WebSocket. */
  async start(options: PhonePageOptions): Promise<void> {
    await this.#ask("start", options);
  }

  /** Registers and waits for the registrar's word; a refusal fails with its status. */
  async register({ timeoutMs = 10_000 }: WaitOptions = {}): Promise<void> {
    const from = await this.mark();
    await this.#ask("register");
    const { kind, detail } = await this.waitEvent(["registered", "registration-failed"], { timeoutMs, from });
    if (kind !== "registered") throw new Error(`${this.driver.name}: registration refused: ${detail}`);
  }

  async unregister(): Promise<void> {
    await this.#ask("unregister");
  }

  /** Sends INVITE; wait for `established` or `ended` then. A bare identity is called in the phone's own domain. */
  async call(target: string): Promise<void> {
    await this.#ask("call", target);
  }

  async answer(): Promise<void> {
    await this.#ask("answer");
  }

  async reject(status = 486): Promise<void> {
    await this.#ask("reject", status);
  }

  async hangup(): Promise<void> {
    await this.#ask("hangup");
  }

  async hold(): Promise<void> {
    await this.#ask("hold");
  }

  async resume(): Promise<void> {
    await this.#ask("resume");
  }

  /** Makes the call before the present one the present one: hold, resume and hang up mean that one. */
  async swap(): Promise<void> {
    await this.#ask("swap");
  }

  async sendDigits(digits: string, way: DigitWay = "rtp"): Promise<void> {
    await this.#ask("sendDigits", digits, way);
  }

  /** Has the other side call somebody else. */
  async transfer(target: string): Promise<void> {
    await this.#ask("transfer", target);
  }

  /** Connects the others of its two calls with each other. */
  async transferToOther(): Promise<void> {
    await this.#ask("transferToOther");
  }

  /** The dialog of its call, for another page to take up. */
  async dialog(): Promise<DialogIds> {
    return await this.#ask("dialog");
  }

  async takeUp(target: string, replaced: DialogIds): Promise<void> {
    await this.#ask("takeUp", target, replaced);
  }

  async dropSocket(): Promise<void> {
    await this.#ask("dropSocket");
  }

  async stop(): Promise<void> {
    await this.#ask("stop");
  }

  async events(): Promise<readonly PhoneEvent[]> {
    return await this.#ask("events");
  }

  /** The end of the events now, to wait only for what comes later. */
  async mark(): Promise<number> {
    return (await this.events()).length;
  }

  async waitEvent(
    kinds: PhoneEventKind | readonly PhoneEventKind[],
    { timeoutMs = 10_000, from = 0 }: WaitOptions = {},
  ): Promise<PhoneEvent> {
    return await this.#ask("waitEvent", [kinds].flat(), from, timeoutMs);
  }

  async waitEstablished(options: WaitOptions = {}): Promise<PhoneEvent> {
    const event = await this.waitEvent(["established", "ended"], options);
    if (event.kind !== "established") throw new Error(`${this.driver.name}: the call ended instead: ${event.detail}`);
    return event;
  }

  /** All that it played since its first call, or since then, in real time; `startedAtMs` is the wall time of the first sample. */
  async received(sinceMs = 0): Promise<Recording & { readonly startedAtMs: number }> {
    const { rate, startedAtMs, base64 } = await this.#ask("recording", sinceMs);
    const bytes = Buffer.from(base64, "base64");
    const samples = Int16Array.from({ length: Math.floor(bytes.length / 2) }, (_, index) =>
      bytes.readInt16LE(index * 2),
    );
    return { rate, startedAtMs, samples };
  }

  async statistics(): Promise<PhoneStatistics> {
    return await this.#ask("statistics");
  }

  async descriptions(): Promise<{ readonly local: string; readonly remote: string }> {
    return await this.#ask("descriptions");
  }

  /** Leaves the page; nothing can be asked of it any more. */
  async closePage(): Promise<void> {
    await this.driver.closePage();
  }

  async close(): Promise<void> {
    await this.driver.close();
  }

  async #ask<Method extends keyof PhonePage>(
    method: Method,
    ...args: Parameters<PhonePage[Method]>
  ): Promise<Awaited<ReturnType<PhonePage[Method]>>> {
    try {
      return JSON.parse(await this.driver.invoke(method, JSON.stringify(args))) as Awaited<
        ReturnType<PhonePage[Method]>
      >;
    } catch (cause) {
      throw new Error(
        `${this.driver.name}: ${method}: ${String(cause)}\nconsole:\n${this.driver.console.slice(-20).join("\n")}`,
        { cause },
      );
    }
  }
}
