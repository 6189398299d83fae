import { signal } from "@preact/signals";
import { LevelMeter } from "../media/level.ts";
import { millisecondsText, qualityOf } from "../media/call-figures.ts";
import type { CallFigures } from "../media/call-figures.ts";
import { wordsForEnd, wordsForMicrophone } from "../phone/call-end.ts";
import type { SipCall } from "../phone/sip-call.ts";
import type { Softphone } from "./softphone.ts";

export interface TestResult {
  readonly what: "Microphone" | "Network" | "Sound both ways";
  readonly verdict: "good" | "warning" | "bad";
  readonly words: string;
}

const LISTEN_MS = 2_000;
/** As loud as a quiet voice. */
const VOICE_LEVEL = 0.2;
const PINGS = 5;
const SLOW_PING_MS = 300;
const ANSWER_LIMIT_MS = 8_000;
const ECHO_MS = 5_000;
const LOOK_MS = 100;

/** Tries out what a call needs, before one matters. */
export class PrecallTest {
  readonly state = signal<"idle" | "running" | "done">("idle");
  readonly doing = signal("");
  readonly results = signal<readonly TestResult[]>([]);
  readonly #phone: Softphone;

  constructor(phone: Softphone) {
    this.#phone = phone;
  }

  async run(): Promise<void> {
    if (this.state.value === "running") return;
    this.state.value = "running";
    this.results.value = [];
    const steps = [
      ["Say something…", () => this.#testMicrophone()],
      ["Asking the nearest bridge…", () => this.#testNetwork()],
      ["Calling the echo for five seconds…", () => this.#testSound()],
    ] as const;
    for (const [doing, step] of steps) {
      this.doing.value = doing;
      this.results.value = [...this.results.value, await step()];
    }
    this.doing.value = "";
    this.state.value = "done";
  }

  async #testMicrophone(): Promise<TestResult> {
    const what = "Microphone";
    const { microphone } = this.#phone;
    let track: MediaStreamTrack;
    try {
      track = await microphone.open();
    } catch (error) {
      const { title, advice } = wordsForMicrophone(error instanceof DOMException ? error.name : "");
      return { what, verdict: "bad", words: `${title}. ${advice ?? ""}` };
    }
    const meter = new LevelMeter(new MediaStream([track]));
    let loudest = 0;
    await waitFor(() => {
      loudest = Math.max(loudest, meter.read());
      return false;
    }, LISTEN_MS);
    meter.close();
    microphone.giveBack(track);
    if (loudest >= VOICE_LEVEL) return { what, verdict: "good", words: "It hears you." };
    return loudest > 0.02
      ? { what, verdict: "warning", words: "It hears little. Speak louder, or come closer." }
      : { what, verdict: "bad", words: "It hears nothing. Is it muted, or the wrong one?" };
  }

  async #testNetwork(): Promise<TestResult> {
    const what = "Network";
    const times: number[] = [];
    for (let ping = 0; ping < PINGS; ping += 1) {
      const ms = await this.#phone.client?.roundTripMs();
      if (ms !== undefined) times.push(ms);
    }
    const middle = times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
    if (middle === undefined)
      return { what, verdict: "bad", words: "No connection. Check your network; the page connects again by itself." };
    const words = `${millisecondsText(middle)} there and back.`;
    return middle > SLOW_PING_MS
      ? { what, verdict: "warning", words: `${words} That is slow: calls take longer to begin.` }
      : { what, verdict: "good", words };
  }

  async #testSound(): Promise<TestResult> {
    const what = "Sound both ways";
    const { client } = this.#phone;
    if (client === undefined) return { what, verdict: "bad", words: "No connection." };
    const call = client.call("echo");
    call.media.mutePlayback();
    await call.invite();
    await waitFor(() => call.stage.value === "talking" || call.stage.value === "ended", ANSWER_LIMIT_MS);
    if (call.stage.value === "talking") await waitFor(() => call.stage.value === "ended", ECHO_MS);
    const figures = call.media.figures.value;
    const failed = failureWords(call);
    await call.hangUp();
    if (failed !== undefined) return { what, verdict: "bad", words: failed };
    return soundResult(figures);
  }
}

function soundResult(figures: CallFigures | undefined): TestResult {
  const what = "Sound both ways";
  if (figures === undefined || figures.packetsReceived === 0)
    return { what, verdict: "bad", words: "No sound came back. The network may let no audio (UDP) through." };
  const lost = figures.packetsLost / Math.max(1, figures.packetsLost + figures.packetsReceived);
  const quality = qualityOf({ ...figures, lossShare: lost }) ?? "good";
  const words = `${capital(quality)}: ${millisecondsText(figures.roundTripMs)} there and back, ${millisecondsText(figures.jitterMs)} jitter, ${(lost * 100).toFixed(1)} % lost.`;
  const verdict = quality === "poor" ? "bad" : quality === "fair" ? "warning" : "good";
  return { what, verdict, words };
}

function failureWords(call: SipCall): string | undefined {
  if (call.stage.value === "talking") return undefined;
  const end = call.end.value;
  if (end === undefined) return "The echo did not answer in time.";
  const { title, advice } = wordsForEnd(end, "echo");
  return `${title}. ${advice ?? ""}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

async function waitFor(isDone: () => boolean, limitMs: number): Promise<void> {
  const untilMs = performance.now() + limitMs;
  while (!isDone() && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
