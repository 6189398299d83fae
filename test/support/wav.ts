/** WAV files with 16-bit PCM: the microphones and recordings of test peers. */
import { readFile, writeFile } from "node:fs/promises";
import { tone } from "./tone.ts";
import type { ToneOptions } from "./tone.ts";

export interface Recording {
  readonly rate: number;
  readonly samples: Int16Array;
}

const HEADER_BYTES = 44;
const PCM = 1;

export function encodeWav({ rate, samples }: Recording): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + samples.length * 2);
  bytes.write("RIFF", 0, "latin1");
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write("WAVEfmt ", 8, "latin1");
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(PCM, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write("data", 36, "latin1");
  bytes.writeUInt32LE(samples.length * 2, 40);
  samples.forEach((sample, index) => bytes.writeInt16LE(sample, HEADER_BYTES + index * 2));
  return bytes;
}

/**
 * Reads mono or the first channel of more. A recorder that was killed never wrote its lengths, so the data chunk ends where
 * the file ends if it says 0 or more than there is.
 */
export function decodeWav(bytes: Buffer): Recording {
  if (bytes.toString("latin1", 0, 4) !== "RIFF" || bytes.toString("latin1", 8, 12) !== "WAVE")
    throw new Error("not a WAV file");
  let rate = 0;
  let channels = 0;
  for (let at = 12; at + 8 <= bytes.length;) {
    const kind = bytes.toString("latin1", at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const body = at + 8;
    if (kind === "fmt ") {
      channels = bytes.readUInt16LE(body + 2);
      rate = bytes.readUInt32LE(body + 4);
      const bits = bytes.readUInt16LE(body + 14);
      if (bits !== 16) throw new Error(`WAV with ${bits} bits a sample, expected 16`);
    } else if (kind === "data") {
      const end = length === 0 || body + length > bytes.length ? bytes.length : body + length;
      const count = Math.floor((end - body) / (2 * channels));
      return {
        rate,
        samples: Int16Array.from({ length: count }, (_, n) => bytes.readInt16LE(body + n * 2 * channels)),
      };
    }
    at = body + length + (length % 2);
  }
  throw new Error("WAV file without data");
}

export async function readWav(path: string): Promise<Recording> {
  return decodeWav(await readFile(path));
}

export async function writeToneWav(path: string, options: ToneOptions): Promise<string> {
  await writeFile(path, encodeWav({ rate: options.rate ?? 8_000, samples: tone(options) }));
  return path;
}
