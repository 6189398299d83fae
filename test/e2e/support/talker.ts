/** Whoever talks in a call, a browser or a phone, with one set of words, so that tests are tables over who calls whom. */
import { startBaresip } from "../../support/baresip.ts";
import type { Baresip } from "../../support/baresip.ts";
import type { BrowserPhone } from "../../support/browser/browser-phone.ts";
import { launchChromium } from "../../support/browser/chromium.ts";
import { launchFirefox } from "../../support/browser/firefox.ts";
import type { PhonePageOptions, SipLibrary } from "../../support/browser/phone-page.ts";
import type { Lab } from "../../support/lab.ts";
import { routesOf } from "../../support/stack-api.ts";
import type { Stack } from "../../support/stack.ts";
import { waitUntil } from "../../support/wait-until.ts";
import type { Recording } from "../../support/wav.ts";

export type RealTimeRecording = Recording & {
  /** Wall time of the first sample. */
  readonly startedAtMs: number;
};

export interface Talker {
  readonly identity: string;
  /** What its microphone hears. */
  readonly frequency: number;
  dial(target: string): Promise<void>;
  waitIncoming(): Promise<void>;
  answer(): Promise<void>;
  waitEstablished(): Promise<void>;
  decline(): Promise<void>;
  hangup(): Promise<void>;
  /** Waits for the end of the call and answers with the reason that it was given. */
  waitEnded(timeoutMs?: number): Promise<string>;
  /** How many ends of calls it was told. */
  ends(): Promise<number>;
  /** What it heard, with the network's pauses as silence. */
  heard(untilMs?: number): Promise<RealTimeRecording>;
}

export class BrowserTalker implements Talker {
  readonly identity: string;
  readonly frequency: number;
  readonly phone: BrowserPhone;

  constructor(phone: BrowserPhone, identity: string, frequency: number) {
    this.phone = phone;
    this.identity = identity;
    this.frequency = frequency;
  }

  async dial(target: string): Promise<void> {
    await this.phone.call(target);
  }

  async waitIncoming(): Promise<void> {
    await this.phone.waitEvent("incoming");
  }

  async answer(): Promise<void> {
    await this.phone.answer();
  }

  async waitEstablished(): Promise<void> {
    await this.phone.waitEstablished({ timeoutMs: 15_000 });
  }

  async decline(): Promise<void> {
    await this.phone.reject();
  }

  async hangup(): Promise<void> {
    await this.phone.hangup();
  }

  async waitEnded(timeoutMs = 5_000): Promise<string> {
    return (await this.phone.waitEvent("ended", { timeoutMs })).detail;
  }

  async ends(): Promise<number> {
    return (await this.phone.events()).filter(({ kind }) => kind === "ended").length;
  }

  async heard(): Promise<RealTimeRecording> {
    return await this.phone.received();
  }
}

export class PhoneTalker implements Talker {
  readonly identity: string;
  readonly frequency: number;
  readonly phone: Baresip;
  readonly #domain: string;

  constructor(phone: Baresip, identity: string, domain: string, frequency: number) {
    this.phone = phone;
    this.identity = identity;
    this.#domain = domain;
    this.frequency = frequency;
  }

  async dial(target: string): Promise<void> {
    await this.phone.dial(`sip:${target}@${this.#domain}`);
  }

  async waitIncoming(): Promise<void> {
    await this.phone.waitIncoming();
  }

  async answer(): Promise<void> {
    await this.phone.answer();
  }

  async waitEstablished(): Promise<void> {
    await this.phone.waitEstablished();
  }

  async decline(): Promise<void> {
    await this.phone.hangup();
  }

  async hangup(): Promise<void> {
    await this.phone.hangup();
  }

  async waitEnded(timeoutMs = 5_000): Promise<string> {
    return (await this.phone.waitClosed({ timeoutMs })).param ?? "";
  }

  async ends(): Promise<number> {
    return this.phone.events.filter(({ type }) => type === "CALL_CLOSED").length;
  }

  async heard(untilMs?: number): Promise<RealTimeRecording> {
    return await this.phone.receivedInRealTime(untilMs);
  }

  /** Its last word: killed without it, the phone would be rung until its registration ends. */
  async unregister(stack: Stack): Promise<void> {
    await this.phone.command("uadel", this.phone.uri);
    await waitUntil("the phone's route is gone", async () => (await routesOf(stack, this.identity)).length === 0);
  }
}

export type BrowserName = "chromium" | "firefox";

export interface BrowserTalkerOptions extends Partial<PhonePageOptions> {
  readonly library: SipLibrary;
  readonly browser?: BrowserName;
  readonly region?: string;
  /** Chromium's candidates on loopback; without them it is the browser that people have. */
  readonly loopbackCandidates?: boolean;
}

/** Tones far enough apart for blocks of 50 ms, and no multiples of each other. */
const FREQUENCIES: Readonly<Record<string, number>> = { alice: 700, bob: 1_100, carol: 1_500 };

/** A browser that is registered as a user of the demo account. */
export async function browserTalker(
  lab: Lab,
  stack: Stack,
  identity: string,
  options: BrowserTalkerOptions,
): Promise<BrowserTalker> {
  const { browser = "chromium", region = "us-east", loopbackCandidates, ...page } = options;
  const toneFrequency = FREQUENCIES[identity] ?? 900;
  const launched =
    browser === "firefox" ? launchFirefox({ toneFrequency }) : launchChromium({ toneFrequency, loopbackCandidates });
  const phone = await lab.own(launched);
  await phone.start({ server: stack.webSocket(region), ...stack.user(identity), ...page });
  await phone.register();
  return new BrowserTalker(phone, identity, toneFrequency);
}

/** A phone that is registered as a user of the demo account. */
export async function phoneTalker(lab: Lab, stack: Stack, identity: string, gateway = "us-east"): Promise<PhoneTalker> {
  const toneFrequency = FREQUENCIES[identity] ?? 900;
  const user = stack.user(identity);
  const phone = await lab.own(startBaresip({ ...user, gateway: stack.sip(gateway), toneFrequency }));
  await phone.waitRegistered();
  return new PhoneTalker(phone, identity, user.domain, toneFrequency);
}

/** From dialling to both being told that the call stands. */
export async function establish(caller: Talker, callee: Talker): Promise<void> {
  await caller.dial(callee.identity);
  await callee.waitIncoming();
  await callee.answer();
  await Promise.all([caller.waitEstablished(), callee.waitEstablished()]);
}
