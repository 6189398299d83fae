/** Records what the page plays, with the wall time of its first sample. */
import type { PhoneRecording } from "../phone-page.ts";

/** Runs on the audio thread, so that a busy page does not punch holes into the recording. */
const WORKLET = `
registerProcessor("ear", class extends AudioWorkletProcessor {
  constructor() { super(); this.block = new Int16Array(960); this.fill = 0; }
  process([input]) {
    const samples = input[0];
    const count = samples ? samples.length : 128;
    for (let i = 0; i < count; i++) {
      this.block[this.fill++] = samples ? Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768))) : 0;
      if (this.fill === this.block.length) { this.port.postMessage(this.block.slice()); this.fill = 0; }
    }
    return true;
  }
});`;

export class Ear {
  readonly #context = new AudioContext();
  readonly #blocks: { readonly block: Int16Array; readonly atMs: number }[] = [];
  readonly #players: HTMLAudioElement[] = [];
  readonly #sources: MediaStreamAudioSourceNode[] = [];
  #tap: Promise<AudioNode> | undefined;

  async listen(track: MediaStreamTrack): Promise<void> {
    const stream = new MediaStream([track]);
    // Chromium feeds WebAudio from a remote track only while an element plays it.
    const player = new Audio();
    player.srcObject = stream;
    this.#players.push(player);
    await player.play();
    if (this.#context.state !== "running") await this.#context.resume();
    const tap = await (this.#tap ??= this.#createTap());
    const source = this.#context.createMediaStreamSource(stream);
    this.#sources.push(source);
    source.connect(tap);
  }

  /** From the first block that came after `sinceMs`. A page that lives long loses time: its audio thread waits for the machine. */
  recording(sinceMs: number): PhoneRecording {
    const { sampleRate } = this.#context;
    const first = this.#blocks.findIndex(({ atMs }) => atMs > sinceMs);
    const blocks = first < 0 ? [] : this.#blocks.slice(first);
    let samples = 0;
    let startedAtMs = Infinity;
    for (const { block, atMs } of blocks) {
      samples += block.length;
      // A block is delivered late, never early: the earliest start that any block speaks for is the true one.
      startedAtMs = Math.min(startedAtMs, atMs - (samples * 1_000) / sampleRate);
    }
    const bytes = new Uint8Array(samples * 2);
    let at = 0;
    for (const { block } of blocks) {
      bytes.set(new Uint8Array(block.buffer), at);
      at += block.byteLength;
    }
    let text = "";
    // In portions: a call takes only so many arguments.
    for (let from = 0; from < bytes.length; from += 0x80_00) {
      text += String.fromCharCode(...bytes.subarray(from, from + 0x80_00));
    }
    return {
      rate: sampleRate,
      startedAtMs: Number.isFinite(startedAtMs) ? startedAtMs : 0,
      base64: btoa(text),
    };
  }

  async #createTap(): Promise<AudioNode> {
    // Only secure contexts have worklets; a page on http and another address than loopback has not.
    const tap = this.#context.audioWorklet === undefined ? this.#createScriptTap() : await this.#createWorkletTap();
    tap.connect(this.#context.destination);
    return tap;
  }

  async #createWorkletTap(): Promise<AudioNode> {
    const url = URL.createObjectURL(new Blob([WORKLET], { type: "text/javascript" }));
    await this.#context.audioWorklet.addModule(url);
    const tap = new AudioWorkletNode(this.#context, "ear", { numberOfInputs: 1, numberOfOutputs: 1 });
    tap.port.addEventListener("message", (event: MessageEvent<Int16Array>) => this.#take(event.data));
    tap.port.start();
    return tap;
  }

  #createScriptTap(): AudioNode {
    const tap = this.#context.createScriptProcessor(1_024, 1, 1);
    tap.addEventListener("audioprocess", (event) => {
      const samples = event.inputBuffer.getChannelData(0);
      this.#take(
        Int16Array.from(samples, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768)))),
      );
    });
    return tap;
  }

  #take(block: Int16Array): void {
    this.#blocks.push({ block, atMs: Date.now() });
  }
}
