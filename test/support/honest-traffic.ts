/** What bad input must leave as it was. */
import { expect } from "vitest";
import { RawSipClient } from "./raw-sip-client.ts";
import type { WireTransport } from "./raw-wire.ts";
import type { Stack } from "./stack.ts";
import { processIds } from "./stack-watch.ts";

export const WIRE_TRANSPORTS: readonly WireTransport[] = ["udp", "tcp", "tls", "ws"];

/** Each transport serves an honest phone, and every process lives that lived before. */
export async function expectHonestTraffic(
  stack: Stack,
  processesBefore: Readonly<Record<string, number | null>>,
): Promise<void> {
  for (const transport of WIRE_TRANSPORTS) {
    const client = await RawSipClient.open(stack, transport);
    try {
      expect((await client.ask("OPTIONS")).status, `OPTIONS over ${transport}`).toBe(200);
      expect((await client.registerWithDigest()).status, `REGISTER over ${transport}`).toBe(200);
      expect((await client.registerWithDigest({ expires: 0 })).status, `leaving over ${transport}`).toBe(200);
    } finally {
      await client.close();
    }
  }
  expect(await processIds(stack)).toEqual(processesBefore);
}
