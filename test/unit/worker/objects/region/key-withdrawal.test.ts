import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseGatewayId } from "../../../../../protocol/ids.ts";
import { KeyWithdrawal, RETRY_MS } from "../../../../../worker/objects/region/key-withdrawal.ts";
import type { UntoldChannel } from "../../../../../worker/objects/region/key-withdrawal.ts";

const gateway = parseGatewayId("us-east")!;

let stored: UntoldChannel[];
let alarmAtMs: number | undefined;
let told: number[];
/** Told before it was stored that it is to be told. */
let unsafe: number[];
let away: Set<number>;
let withdrawal: KeyWithdrawal;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  vi.spyOn(console, "log").mockReturnValue();
  [stored, told, unsafe] = [[], [], []];
  away = new Set();
  alarmAtMs = undefined;
  withdrawal = new KeyWithdrawal({
    table: {
      addUntold: (channel) => void stored.push(channel),
      removeUntold: ({ channel }) => void (stored = stored.filter((one) => one.channel !== channel)),
      untold: () => stored,
    },
    alarm: {
      setAlarm: async (atMs) => void (alarmAtMs = atMs),
      deleteAlarm: async () => void (alarmAtMs = undefined),
    },
    tell: async ({ channel }) => {
      // What is not stored by now would be forgotten with this object.
      if (alarmAtMs === undefined || !stored.some((one) => one.channel === channel)) unsafe.push(channel);
      if (away.has(channel)) throw new Error("away");
      told.push(channel);
    },
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a key that is withdrawn", () => {
  it("is told to every channel, and leaves no alarm behind", async () => {
    await withdrawal.begin(gateway, 2);
    expect(told).toEqual([0, 1]);
    expect([stored, alarmAtMs, unsafe]).toEqual([[], undefined, []]);
  });

  it("is told again to the channels that were away, and to those only, until they have heard", async () => {
    away.add(1);
    await withdrawal.begin(gateway, 2);
    expect(told).toEqual([0]);
    for (let tries = 1; tries <= 3; tries += 1) {
      expect(alarmAtMs).toBe((tries - 1) * RETRY_MS + RETRY_MS);
      await withdrawal.tellAll(alarmAtMs ?? 0);
    }
    away.clear();
    await withdrawal.tellAll(alarmAtMs ?? 0);
    expect(told).toEqual([0, 1]);
    expect([stored, alarmAtMs]).toEqual([[], undefined]);
  });
});
