/** Linphone's console phone as a talker: it tells of its calls on its terminal, and its recording is there when a call is over. */
import { join } from "node:path";
import { temporaryFolder } from "../../support/lab.ts";
import type { TemporaryFolder } from "../../support/lab.ts";
import type { Linphone } from "../../support/linphone.ts";
import type { RealTimeRecording, Talker } from "./talker.ts";

export interface LinphoneIdentity {
  readonly identity: string;
  readonly domain: string;
  readonly frequency: number;
}

const STEP_MS = 5_000;
const ENDED = /Call \d+ with .* (?:ended|error)/;

export class LinphoneTalker implements Talker {
  readonly identity: string;
  readonly frequency: number;
  readonly phone: Linphone;
  readonly #domain: string;
  readonly #recordings: TemporaryFolder;
  #from = 0;
  #fromLog = 0;
  #calls = 0;
  #endedAtMs: number | undefined;
  /** Ids of the calls since the mark; the present one is the last. */
  #ids: string[] = [];

  private constructor(phone: Linphone, { identity, domain, frequency }: LinphoneIdentity, recordings: TemporaryFolder) {
    this.phone = phone;
    this.identity = identity;
    this.frequency = frequency;
    this.#domain = domain;
    this.#recordings = recordings;
  }

  static async create(phone: Linphone, about: LinphoneIdentity): Promise<LinphoneTalker> {
    return new LinphoneTalker(phone, about, await temporaryFolder());
  }

  async mark(): Promise<void> {
    this.#from = this.phone.mark();
    this.#fromLog = await this.phone.logLength();
    this.#ids = this.#ids.slice(-1);
    this.#endedAtMs = undefined;
    this.#calls += 1;
    // A file for each call: it would continue an old one.
    this.phone.record(join(this.#recordings.path, `${String(this.#calls)}.wav`));
  }

  async dial(target: string): Promise<void> {
    this.phone.dial(target.startsWith("sip:") ? target : `sip:${target}@${this.#domain}`);
  }

  async waitRinging(): Promise<void> {
    await this.phone.waitRinging({ from: this.#from });
  }

  async waitIncoming(): Promise<void> {
    await this.phone.waitIncoming({ from: this.#from });
  }

  async answer(): Promise<void> {
    this.phone.answer();
  }

  async waitEstablished(): Promise<void> {
    this.#ids.push(await this.phone.waitEstablished({ from: this.#from, timeoutMs: 15_000 }));
  }

  async decline(status = 603): Promise<void> {
    if (status !== 603) throw new Error("linphonec declines with 603 only");
    this.phone.hangup();
  }

  async hangup(): Promise<void> {
    this.phone.hangup();
  }

  async hold(): Promise<void> {
    const from = this.phone.mark();
    this.phone.hold();
    await this.phone.process.waitForLine(/is now paused/, { from, timeoutMs: STEP_MS });
  }

  async resume(): Promise<void> {
    const from = this.phone.mark();
    this.phone.resume(this.#ids.at(-1));
    await this.phone.waitEstablished({ from, timeoutMs: STEP_MS });
  }

  async drop(): Promise<void> {
    this.phone.process.writeLine("terminate all");
  }

  async swap(): Promise<void> {
    this.#ids.reverse();
  }

  async waitEnded(timeoutMs = STEP_MS): Promise<string> {
    const told = await this.phone.waitEnded({ from: this.#from, timeoutMs });
    this.#endedAtMs ??= Date.now();
    // The terminal says that it went wrong, and the log how.
    return told.includes("(No error)") ? told : await this.phone.logged(/^SIP\/2\.0 ([3-6]\d\d .*)/, this.#fromLog);
  }

  async ends(): Promise<number> {
    return this.phone.process.linesSince(this.#from).filter((line) => ENDED.test(line)).length;
  }

  async endHeader(name: "Reason" | "Retry-After"): Promise<string> {
    await this.waitEnded();
    return await this.phone.logged(new RegExp(`^${name}: *(.*)`, "i"), this.#fromLog);
  }

  async heard(): Promise<RealTimeRecording> {
    const { samples, rate } = await this.phone.received();
    // Time that it held is not in it, so its end is what is known.
    return { samples, rate, startedAtMs: (this.#endedAtMs ?? Date.now()) - (samples.length * 1_000) / rate };
  }

  async close(): Promise<void> {
    await this.#recordings.close();
  }
}
