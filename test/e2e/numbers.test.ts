/**
 * The platform's own numbers with real phones and a real browser: that they go on when somebody leaves, or when the gateway
 * that plays or mixes is killed. What they sound like to each client is in call-table.test.ts.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { longestQuietMs, rms, silences, spectrumShare, strongTones, toneStartMs } from "../support/tone.ts";
import { waitUntil } from "../support/wait-until.ts";
import { expectSameMedia, WatchedCall } from "./support/fault-watch.ts";
import { talkFor, waitHeard } from "./support/hearing.ts";
import { browserTalker, phoneTalker } from "./support/talker.ts";
import type { Talker } from "./support/talker.ts";

let lab: Lab;
let stack: Stack;
beforeEach(async () => {
  lab = new Lab();
  // A stack for each test: what one test killed must not be what another one measures.
  stack = await lab.own(startStack());
});
afterEach(() => lab.close());

async function dial(talker: Talker, number: string): Promise<WatchedCall> {
  await talker.dial(number);
  await talker.waitEstablished();
  return await WatchedCall.find(stack, talker.identity, number);
}

async function hangUp(talker: Talker, call: WatchedCall): Promise<void> {
  await talker.hangup();
  expect(await call.waitEnded()).toMatchObject({ status: "completed", endCause: "caller-bye" });
}

describe("music", () => {
  /** Pauses that the tune itself has not: it never is quiet for so long. */
  const TUNE_PAUSE_MS = 200;
  const LIMIT_MS = 1_000;

  async function expectTune(listener: Talker, { sinceMs = 0, quietMs = TUNE_PAUSE_MS } = {}): Promise<void> {
    const { samples, rate, startedAtMs } = await listener.heard(Date.now());
    const from = Math.max(300, sinceMs - startedAtMs);
    const figures = JSON.stringify({
      rms: rms(samples, rate, { from }),
      tones: strongTones(samples, rate, { from }),
      quietMs: longestQuietMs(samples, rate, { from }),
      lastsMs: (samples.length * 1_000) / rate - from,
    });
    expect((samples.length * 1_000) / rate - from, figures).toBeGreaterThan(1_500);
    expect(rms(samples, rate, { from }), figures).toBeGreaterThan(0.01);
    expect(strongTones(samples, rate, { from }).length, figures).toBeGreaterThanOrEqual(4);
    expect(longestQuietMs(samples, rate, { from }), figures).toBeLessThanOrEqual(quietMs);
  }

  it("goes on within a second when the gateway that plays it is killed, for a phone and for a browser", async () => {
    const bob = await phoneTalker(lab, stack, "bob", "us-east");
    const alice = await browserTalker(lab, stack, "alice", { library: "sip.js", region: "us-east" });
    const calls = [await dial(bob, "music"), await dial(alice, "music")] as const;
    await talkFor(2_500);
    await expectTune(bob);
    const { gateway, atMs } = await calls[0].killGatewayOf("bob");
    expect(gateway).toBe("us-east");
    await waitUntil("the browser's leg is carried again", async () => (await calls[1].leg("alice")).epoch > 1);
    await talkFor(3_500);
    for (const listener of [bob, alice]) {
      await expectTune(listener, { quietMs: LIMIT_MS });
      await expectTune(listener, { sinceMs: atMs + LIMIT_MS });
    }
    await expectSameMedia(alice);
    await hangUp(bob, calls[0]);
    await hangUp(alice, calls[1]);
  });
});

describe("conference", () => {
  const LIMIT_MS = 1_500;
  /** A browser as a speaker stops for a moment on a busy machine: its audio thread waits like any other. */
  const UNHEARD_MS = 500;

  interface Meeting {
    readonly alice: Talker;
    readonly bob: Talker;
    readonly carol: Talker;
    readonly everybody: readonly Talker[];
    readonly calls: Readonly<Record<string, WatchedCall>>;
  }

  /** Bob's gateway `us-east` mixes: he comes first. Carol is at `eu-west`, and alice a browser in `ap-south`. */
  async function meet(): Promise<Meeting> {
    const bob = await phoneTalker(lab, stack, "bob", "us-east");
    const carol = await phoneTalker(lab, stack, "carol", "eu-west");
    const alice = await browserTalker(lab, stack, "alice", { library: "sip.js", region: "ap-south" });
    const everybody = [bob, carol, alice];
    const calls: Record<string, WatchedCall> = {};
    for (const talker of everybody) calls[talker.identity] = await dial(talker, "conference");
    for (const listener of everybody) {
      for (const speaker of everybody) if (speaker !== listener) await waitHeard(listener, speaker.frequency);
    }
    return { alice, bob, carol, everybody, calls };
  }

  /** Each hears all others, and not itself; without a silence, apart from what is granted, until now. */
  async function expectAllHeard(talkers: readonly Talker[], sinceMs: number, silenceMs = UNHEARD_MS): Promise<void> {
    for (const listener of talkers) {
      const { samples, rate, startedAtMs } = await listener.heard(Date.now());
      const span = { from: Math.max(0, sinceMs - startedAtMs) };
      const shares = talkers.map(({ frequency }) => spectrumShare(samples, rate, frequency, span));
      const gaps = talkers.map(({ frequency }) => silences(samples, rate, frequency, span));
      const figures = JSON.stringify({ listener: listener.identity, shares, gaps });
      expect((samples.length * 1_000) / rate - span.from, figures).toBeGreaterThan(1_000);
      for (const [index, speaker] of talkers.entries()) {
        if (speaker === listener) {
          expect(shares[index], figures).toBeLessThan(0.02);
          continue;
        }
        expect(toneStartMs(samples, rate, speaker.frequency), figures).toBeDefined();
        // Equal voices: each has its part of the sum.
        expect(shares[index], figures).toBeGreaterThan(0.7 / (talkers.length - 1));
        expect(Math.max(0, ...(gaps[index] ?? []).map(({ lastsMs }) => lastsMs)), figures).toBeLessThanOrEqual(
          silenceMs,
        );
      }
    }
  }

  it("of three on three gateways: each hears the two others and not itself; one leaves, the others go on", async () => {
    const { alice, bob, carol, everybody, calls } = await meet();
    const sinceMs = Date.now() + 500;
    await talkFor(3_000);
    await expectAllHeard(everybody, sinceMs);

    // He who made his gateway the room's goes; the room stays where it is.
    await hangUp(bob, calls["bob"]!);
    const aloneMs = Date.now() + 500;
    await talkFor(3_000);
    await expectAllHeard([carol, alice], aloneMs);
    for (const listener of [carol, alice]) {
      const { samples, rate, startedAtMs } = await listener.heard(Date.now());
      expect(spectrumShare(samples, rate, bob.frequency, { from: aloneMs - startedAtMs })).toBeLessThan(0.02);
    }
    await hangUp(carol, calls["carol"]!);
    await hangUp(alice, calls["alice"]!);
  });

  it("whose gateway is killed meets again at another one within 1.5 s", async () => {
    const { alice, carol, everybody, calls } = await meet();
    const sinceMs = Date.now() + 500;
    await talkFor(2_000);
    const { atMs } = await calls["bob"]!.killGatewayOf("bob");
    await talkFor(4_000);
    await expectAllHeard(everybody, sinceMs, LIMIT_MS);
    await expectAllHeard(everybody, atMs + LIMIT_MS + 500);
    for (const talker of everybody) {
      const { log } = await calls[talker.identity]!.read();
      const rooms = log.filter(({ event }) => event === "room.entered").map(({ gateway }) => gateway);
      expect(rooms[0]).toBe("us-east");
      expect(rooms.at(-1)).not.toBe("us-east");
    }
    for (const talker of [alice, carol]) await hangUp(talker, calls[talker.identity]!);
  });
});
