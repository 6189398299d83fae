/** ITU-T G.711 by table: one octet is one sample at 8 kHz, linear samples have 16 bits. */
import type { CodecName } from "#protocol/media";

export interface G711 {
  /** Linear sample of each of the 256 codes. */
  readonly decode: Int16Array;
  /** Code of each linear sample, found at `sample & 0xffff`. */
  readonly encode: Uint8Array;
  /** The code nearest to nothing. */
  readonly silence: number;
}

/** Both laws keep the sign in the highest bit, a 3-bit exponent and a 4-bit mantissa, some of them inverted on the wire. */
interface Law {
  readonly expand: (code: number) => number;
  readonly silence: number;
}

const MU_BIAS = 0x84;

/** G.711 table 2: 14 bits, scaled to 16; all bits inverted; a set sign bit (on the wire) is positive. */
function expandMuLaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + MU_BIAS) << ((bits >> 4) & 7)) - MU_BIAS;
  return (bits & 0x80) === 0 ? magnitude : -magnitude;
}

/** G.711 table 1: 13 bits, scaled to 16; every other bit inverted. */
function expandALaw(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const step = ((bits & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? step : (step + 0x100) << (exponent - 1);
  return (bits & 0x80) === 0 ? -magnitude : magnitude;
}

const LAWS: Readonly<Record<CodecName, Law>> = {
  PCMU: { expand: expandMuLaw, silence: 0xff },
  PCMA: { expand: expandALaw, silence: 0xd5 },
};

export const G711_CODECS: Readonly<Record<CodecName, G711>> = {
  PCMU: createTables(LAWS.PCMU),
  PCMA: createTables(LAWS.PCMA),
};

/** Each linear sample gets the nearest code, of two that are as near the smaller one, of two zeros the positive one. */
function createTables(law: Law): G711 {
  const decode = Int16Array.from({ length: 256 }, (_, code) => law.expand(code));
  // Of the two zeros of mu-law only the positive one is sent: 0x00 octets on the wire would be the largest negative sample.
  const codes = [...decode.keys()]
    .filter((code) => decode[code] !== 0 || code === law.silence)
    .sort((a, b) => (decode[a] ?? 0) - (decode[b] ?? 0));
  const encode = new Uint8Array(0x10000);
  let at = 0;
  for (let sample = -0x8000; sample < 0x8000; sample++) {
    while (isNearer(decode, codes, at, sample)) at += 1;
    encode[sample & 0xffff] = codes[at] ?? law.silence;
  }
  return { decode, encode, silence: law.silence };
}

/** True when the code after `at` is nearer to `sample`. */
function isNearer(decode: Int16Array, codes: readonly number[], at: number, sample: number): boolean {
  const here = decode[codes[at] ?? 0] ?? 0;
  const next = decode[codes[at + 1] ?? -1];
  if (next === undefined) return false;
  const gain = Math.abs(sample - here) - Math.abs(next - sample);
  return gain > 0 || (gain === 0 && Math.abs(next) <= Math.abs(here));
}

/** Encodes all of `samples`. */
export function encodeG711(codec: CodecName, samples: Int16Array): Uint8Array {
  const { encode } = G711_CODECS[codec];
  const payload = new Uint8Array(samples.length);
  for (let at = 0; at < samples.length; at++) payload[at] = encode[(samples[at] ?? 0) & 0xffff] ?? 0;
  return payload;
}

/** Decodes all of `payload`. */
export function decodeG711(codec: CodecName, payload: Uint8Array): Int16Array {
  const { decode } = G711_CODECS[codec];
  const samples = new Int16Array(payload.length);
  for (let at = 0; at < payload.length; at++) samples[at] = decode[payload[at] ?? 0] ?? 0;
  return samples;
}
