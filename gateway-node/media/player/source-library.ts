/** What players play, encoded once for each codec when it is first wanted and then shared by all. */
import type { CodecName, MediaSource } from "#protocol/media";
import { encodeG711 } from "../codecs/g711.ts";
import { toneOf } from "./tone-table.ts";
import { synthesizeTone } from "./tone-synthesis.ts";
import { renderTune } from "./tune.ts";

export class SourceLibrary {
  readonly #samples = new Map<MediaSource, Int16Array>();
  readonly #encoded = new Map<string, Uint8Array>();

  /** One round of the source, one octet for each sample. */
  encoded(source: MediaSource, codec: CodecName): Uint8Array {
    const name = `${codec} ${source}`;
    const known = this.#encoded.get(name);
    if (known !== undefined) return known;
    const encoded = encodeG711(codec, this.samples(source));
    this.#encoded.set(name, encoded);
    return encoded;
  }

  /** One round of the source, linear. */
  samples(source: MediaSource): Int16Array {
    const known = this.#samples.get(source);
    if (known !== undefined) return known;
    const samples = source === "music" ? renderTune() : synthesizeTone(toneOf(source));
    this.#samples.set(source, samples);
    return samples;
  }
}
