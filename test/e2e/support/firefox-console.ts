/** The softphone page in stock Firefox, driven over WebDriver BiDi by the names of its controls. */
import { startFirefox } from "../../support/browser/firefox.ts";
import type { Firefox } from "../../support/browser/firefox.ts";
import type { Stack } from "../../support/stack.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { HERTZ_TOLERANCE, listenIn } from "./console-page.ts";

const MOMENT_MS = 8_000;

export class FirefoxConsole {
  readonly frequency: number;
  readonly #firefox: Firefox;
  readonly #stack: Stack;

  private constructor(firefox: Firefox, stack: Stack, frequency: number) {
    this.#firefox = firefox;
    this.#stack = stack;
    this.frequency = frequency;
  }

  static async open(stack: Stack, frequency: number): Promise<FirefoxConsole> {
    const firefox = await startFirefox({ toneFrequency: frequency });
    const page = new FirefoxConsole(firefox, stack, frequency);
    await firefox.client.navigate(`${stack.http}/`);
    await page.#run(String(listenIn));
    return page;
  }

  async signInAndWait(identity: string): Promise<void> {
    await this.#fill("Name", identity);
    await this.#fill("Password", this.#stack.user(identity).password);
    await this.press("Sign in");
    await this.#wait(
      "it is registered",
      "() => String(document.querySelector('.link-state[data-link=ready]') !== null)",
    );
  }

  async dial(target: string): Promise<void> {
    await this.#fill("Name or number", target);
    await this.press("Call");
  }

  async press(name: string): Promise<void> {
    await this.#wait(`a button ${name} was pressed`, String(pressButton), name);
  }

  async waitStage(text: RegExp): Promise<void> {
    await this.#wait(`the call is told as ${text}`, String(stageMatches), text.source);
  }

  async waitHears(frequency: number): Promise<void> {
    let last = 0;
    await waitUntil(
      `firefox hears ${frequency} Hz`,
      async () => {
        last = Number(await this.#run("() => String(window.loudestHertz())"));
        return Math.abs(last - frequency) < HERTZ_TOLERANCE;
      },
      { timeoutMs: MOMENT_MS, everyMs: 100 },
    ).catch(async (cause: unknown) => {
      throw new Error(`last it heard ${last} Hz; ${await this.#shown()}`, { cause });
    });
  }

  async close(): Promise<void> {
    await this.#firefox.close();
    const failures = this.#firefox.client.console.filter((line) => /^error: (?!.*WebSocket)/.test(line));
    if (failures.length > 0) throw new Error(`the page had errors:\n${failures.join("\n")}`);
  }

  async #fill(label: string, text: string): Promise<void> {
    await this.#wait(`${label} is filled in`, String(fillField), label, text);
  }

  /** Runs a function of the page until its answer is "true". */
  async #wait(what: string, declaration: string, ...args: readonly string[]): Promise<void> {
    const look = async (): Promise<boolean> => (await this.#run(declaration, ...args)) === "true";
    await waitUntil(what, look, { timeoutMs: MOMENT_MS, everyMs: 50 }).catch(async (cause: unknown) => {
      throw new Error(`${what}: not so; ${await this.#shown()}`, { cause });
    });
  }

  async #run(declaration: string, ...args: readonly string[]): Promise<string> {
    return await this.#firefox.client.callFunction(declaration, ...args);
  }

  async #shown(): Promise<string> {
    const shown = await this.#run("() => document.body.innerText");
    return `the page says:\n${shown}\nand its console:\n${this.#firefox.client.console.join("\n")}`;
  }
}

/** These run in the page. */
function fillField(label: string, text: string): string {
  const inputs = [...document.querySelectorAll("input")];
  const field = inputs.find(
    (input) => input.getAttribute("aria-label") === label || input.labels?.[0]?.textContent.trim() === label,
  );
  if (field === undefined) return "false";
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return "true";
}

function pressButton(name: string): string {
  const buttons = [...document.querySelectorAll("button")];
  const button = buttons.find((each) => (each.getAttribute("aria-label") ?? each.textContent.trim()) === name);
  button?.click();
  return String(button !== undefined);
}

function stageMatches(source: string): string {
  return String(new RegExp(source).test(document.querySelector(".call-stage")?.textContent ?? ""));
}
