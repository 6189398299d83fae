/** Whoever talks in a call, a browser or a phone, with one set of words, so that tests are tables over who calls whom. */
import { startBaresip } from "../../support/baresip.ts";
import type { Baresip } from "../../support/baresip.ts";
import type { BrowserPhone } from "../../support/browser/browser-phone.ts";
import { launchBrowser } from "../../support/browser/browsers.ts";
import type { BrowserName, Browsers } from "../../support/browser/browsers.ts";
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
  /** What happened before no longer counts: the next call begins. */
  mark(): Promise<void>;
  dial(target: string): Promise<void>;
  /** The callee rings, as the caller is told. */
  waitRinging(): Promise<void>;
  waitIncoming(): Promise<void>;
  answer(): Promise<void>;
  waitEstablished(): Promise<void>;
  /** Refuses a call, with 486 unless told otherwise. */
  decline(status?: number): Promise<void>;
  hangup(): Promise<void>;
  /** Both settle when the other side has agreed. */
  hold(): Promise<void>;
  resume(): Promise<void>;
  /** Ends whatever call is left of a test that failed. */
  drop(): Promise<void>;
  /** Makes the other of two calls the present one; it holds and resumes neither. */
  swap(): Promise<void>;
  /** Waits for the end of the call and answers with the reason that it was given. */
  waitEnded(timeoutMs?: number): Promise<string>;
  /** How many ends of calls it was told. */
  ends(): Promise<number>;
  /** A header of the message that ended its call: of a CANCEL why, of a refusal when to try again. Empty without it. */
  endHeader(name: "Reason" | "Retry-After"): Promise<string>;
  /** What it heard since the mark, or in its last call, with the network's pauses as silence. */
  heard(untilMs?: number): Promise<RealTimeRecording>;
}

export class BrowserTalker implements Talker {
  readonly identity: string;
  readonly frequency: number;
  readonly phone: BrowserPhone;
  #from = 0;
  #sinceMs = 0;

  constructor(phone: BrowserPhone, identity: string, frequency: number) {
    this.phone = phone;
    this.identity = identity;
    this.frequency = frequency;
  }

  async mark(): Promise<void> {
    this.#from = await this.phone.mark();
    this.#sinceMs = Date.now();
  }

  async dial(target: string): Promise<void> {
    await this.phone.call(target);
  }

  async waitRinging(): Promise<void> {
    await this.phone.waitEvent("ringing", { from: this.#from });
  }

  async waitIncoming(): Promise<void> {
    await this.phone.waitEvent("incoming", { from: this.#from });
  }

  async answer(): Promise<void> {
    await this.phone.answer();
  }

  async waitEstablished(): Promise<void> {
    await this.phone.waitEstablished({ timeoutMs: 15_000, from: this.#from });
  }

  async decline(status?: number): Promise<void> {
    await this.phone.reject(status);
  }

  async hangup(): Promise<void> {
    await this.phone.hangup();
  }

  async hold(): Promise<void> {
    await this.phone.hold();
  }

  async resume(): Promise<void> {
    await this.phone.resume();
  }

  async drop(): Promise<void> {
    for (let call = 1; call <= 2; call += 1) {
      await this.phone.hangup().catch(() => undefined);
      await this.phone.swap();
    }
  }

  async swap(): Promise<void> {
    await this.phone.swap();
  }

  async waitEnded(timeoutMs = 5_000): Promise<string> {
    return (await this.phone.waitEvent("ended", { timeoutMs, from: this.#from })).detail;
  }

  async ends(): Promise<number> {
    return (await this.phone.events()).slice(this.#from).filter(({ kind }) => kind === "ended").length;
  }

  async endHeader(name: "Reason" | "Retry-After"): Promise<string> {
    return new RegExp(`${name}: (.*)`).exec(await this.waitEnded())?.[1] ?? "";
  }

  async heard(untilMs = Infinity): Promise<RealTimeRecording> {
    const { samples, rate, startedAtMs } = await this.phone.received(this.#sinceMs);
    const length = Math.max(0, Math.round(((untilMs - startedAtMs) * rate) / 1_000));
    return { samples: samples.subarray(0, Math.min(samples.length, length)), rate, startedAtMs };
  }
}

export class PhoneTalker implements Talker {
  readonly identity: string;
  readonly frequency: number;
  readonly phone: Baresip;
  readonly #domain: string;
  #from = 0;
  #fromLine = 0;
  #sinceMs: number | undefined;
  /** Of two calls, the newer one is the present one at first. */
  #line = 2;

  constructor(phone: Baresip, identity: string, domain: string, frequency: number) {
    this.phone = phone;
    this.identity = identity;
    this.#domain = domain;
    this.frequency = frequency;
  }

  async mark(): Promise<void> {
    this.#from = this.phone.events.length;
    this.#fromLine = this.phone.process.lineCount;
    this.#sinceMs = Date.now();
    this.#line = 2;
  }

  async dial(target: string): Promise<void> {
    await this.phone.dial(target.startsWith("sip:") ? target : `sip:${target}@${this.#domain}`);
  }

  async waitRinging(): Promise<void> {
    await this.phone.waitEvent("CALL_RINGING", { from: this.#from });
  }

  async waitIncoming(): Promise<void> {
    await this.phone.waitIncoming({ from: this.#from });
  }

  async answer(): Promise<void> {
    await this.phone.answer();
  }

  async waitEstablished(): Promise<void> {
    await this.phone.waitEstablished({ from: this.#from });
  }

  async decline(status = 486): Promise<void> {
    if (status !== 486) throw new Error("baresip declines with 486 only");
    await this.phone.hangup();
  }

  async hangup(): Promise<void> {
    await this.phone.hangup();
  }

  async hold(): Promise<void> {
    await this.#changeSession(() => this.phone.hold());
  }

  async resume(): Promise<void> {
    await this.#changeSession(() => this.phone.resume());
  }

  async drop(): Promise<void> {
    for (let call = 1; call <= 3; call += 1) await this.phone.hangup().catch(() => undefined);
  }

  async swap(): Promise<void> {
    this.#line = this.#line === 1 ? 2 : 1;
    await this.phone.selectLine(this.#line);
  }

  async waitEnded(timeoutMs = 5_000): Promise<string> {
    return (await this.phone.waitClosed({ timeoutMs, from: this.#from })).param ?? "";
  }

  async ends(): Promise<number> {
    return this.phone.events.slice(this.#from).filter(({ type }) => type === "CALL_CLOSED").length;
  }

  async endHeader(name: "Reason" | "Retry-After"): Promise<string> {
    await this.waitEnded();
    const lines = this.phone.process.linesSince(this.#fromLine);
    return lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? "";
  }

  async heard(untilMs?: number): Promise<RealTimeRecording> {
    if (this.#sinceMs === undefined) return await this.phone.receivedInRealTime(untilMs);
    return await this.phone.heardSince(this.#sinceMs, untilMs);
  }

  /** Its last word: killed without it, the phone would be rung until its registration ends. */
  async unregister(stack: Stack): Promise<void> {
    await this.phone.command("uadel", this.phone.uri);
    await waitUntil("the phone's route is gone", async () => (await routesOf(stack, this.identity)).length === 0);
  }

  /** No event tells that a re-INVITE was answered, but its trace does: it acknowledges every answer. */
  async #changeSession(ask: () => Promise<void>): Promise<void> {
    const from = this.phone.process.lineCount;
    await ask();
    await this.phone.process.waitForLine(/^ACK sip:/, { from, timeoutMs: 5_000 });
  }
}

export interface BrowserTalkerOptions extends Partial<PhonePageOptions> {
  readonly library: SipLibrary;
  readonly browser?: BrowserName;
  readonly region?: string;
  /** Chromium's candidates on loopback; without them it is the browser that people have. */
  readonly loopbackCandidates?: boolean;
  /** Where one may be open already. */
  readonly browsers?: Browsers | undefined;
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
  const { browser = "chromium", region = "us-east", loopbackCandidates, browsers, ...page } = options;
  const toneFrequency = FREQUENCIES[identity] ?? 900;
  const wish = { browser, toneFrequency, loopbackCandidates };
  const phone = await (browsers?.open(lab, wish) ?? lab.own(launchBrowser(wish)));
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
