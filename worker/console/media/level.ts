import { audioContext } from "./audio-context.ts";

/** Quieter than this is silence to a meter. */
const FLOOR_DB = -60;

/** 0 for silence to 1 for full scale, on the scale that ears have. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  const decibels = rms === 0 ? FLOOR_DB : 20 * Math.log10(rms);
  return Math.min(1, Math.max(0, 1 - decibels / FLOOR_DB));
}

/** Listens to a stream and tells how loud it is now. */
export class LevelMeter {
  readonly #source: MediaStreamAudioSourceNode;
  readonly #analyser: AnalyserNode;
  readonly #samples: Float32Array<ArrayBuffer>;

  constructor(stream: MediaStream) {
    const context = audioContext();
    this.#source = context.createMediaStreamSource(stream);
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 1_024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source.connect(this.#analyser);
  }

  read(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return levelOf(this.#samples);
  }

  close(): void {
    this.#source.disconnect();
    this.#analyser.disconnect();
  }
}
