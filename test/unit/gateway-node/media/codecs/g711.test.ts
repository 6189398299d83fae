import { describe, expect, test } from "vitest";
import { decodeG711, encodeG711, G711_CODECS } from "../../../../../gateway-node/media/codecs/g711.ts";

const CODES = Uint8Array.from({ length: 256 }, (_, code) => code);

describe.each(["PCMU", "PCMA"] as const)("%s", (codec) => {
  test("every code survives decoding and encoding, except the zero that is never sent", () => {
    const again = encodeG711(codec, decodeG711(codec, CODES));
    const changed = [...CODES].filter((code) => again[code] !== code);
    expect(changed).toEqual(codec === "PCMU" ? [0x7f] : []);
  });

  test("every sample comes back within half a step of its segment", () => {
    const samples = Int16Array.from({ length: 0x10000 }, (_, at) => at - 0x8000);
    const back = decodeG711(codec, encodeG711(codec, samples));
    for (const [at, sample] of samples.entries()) {
      const clipped = Math.max(-32_124, Math.min(32_124, sample));
      const limit = 8 + Math.abs(sample) / 30;
      if (Math.abs((back[at] ?? 0) - clipped) > limit) expect.fail(`${sample} became ${back[at]}`);
    }
  });
});

test("codes are those of the standard's tables", () => {
  const at = (codec: "PCMU" | "PCMA", codes: readonly number[]): readonly number[] => [
    ...decodeG711(codec, Uint8Array.from(codes)),
  ];
  expect(at("PCMU", [0x00, 0x80, 0xff, 0x7f, 0xfe, 0x7e, 0xf0, 0xef])).toEqual([-32124, 32124, 0, 0, 8, -8, 120, 132]);
  expect(at("PCMA", [0xd5, 0x55, 0xaa, 0x2a, 0xd4, 0xc5, 0x80])).toEqual([8, -8, 32256, -32256, 24, 264, 5504]);
  expect([G711_CODECS.PCMU.encode[0], G711_CODECS.PCMA.encode[0]]).toEqual([0xff, 0xd5]);
});
