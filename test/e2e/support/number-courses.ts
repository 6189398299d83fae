/** The platform's own numbers: what they sound like to one that calls them. */
import { expect } from "vitest";
import { longestQuietMs, rms, silences, spectrumShare, strongTones } from "../../support/tone.ts";
import type { ClientKind } from "./call-table.ts";
import { CLIENTS } from "./call-table.ts";
import { endedCall, hears, limitsOf } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { talkFor } from "./hearing.ts";
import type { Peer } from "./peers.ts";

const LISTEN_MS = 2_600;
/** A voice's beginning is not judged: each hears it when its own call stands. */
const SETTLING_MS = 700;

export async function callNumber(scene: Scene): Promise<readonly string[]> {
  const { pair, caller } = scene;
  if (pair.callee === "conference") return await meet(scene);
  await caller.talker.dial(pair.callee);
  await caller.talker.waitEstablished();
  await talkFor(LISTEN_MS);
  const untilMs = Date.now();
  await caller.talker.hangup();
  await caller.talker.waitEnded();
  if (pair.callee === "echo") await hears(caller, caller.talker.frequency, { untilMs });
  else await hearsTune(caller, untilMs);
  return [await expectHungUp(scene)];
}

async function expectHungUp(scene: Scene): Promise<string> {
  const call = await endedCall(scene, scene.pair.callee);
  expect(call).toMatchObject({ status: "completed", endCause: "caller-bye" });
  return call.sid;
}

async function hearsTune({ talker }: Peer, untilMs: number): Promise<void> {
  const { samples, rate } = await talker.heard(untilMs);
  const from = SETTLING_MS + firstSoundMs(samples, rate);
  expect(rms(samples, rate, { from })).toBeGreaterThan(0.01);
  expect(strongTones(samples, rate, { from }).length).toBeGreaterThanOrEqual(4);
  // The tune itself never is quiet for so long.
  expect(longestQuietMs(samples, rate, { from })).toBeLessThanOrEqual(200);
}

function firstSoundMs(samples: Int16Array, rate: number): number {
  return (samples.findIndex((sample) => Math.abs(sample) > 300) * 1_000) / rate;
}

/** A room for three: the caller, the next kind of client beside it, and the one after that across. */
async function meet(scene: Scene): Promise<readonly string[]> {
  const members = [scene.caller, ...othersInRoom(scene)];
  for (const { talker } of members) {
    await talker.mark();
    await talker.dial("conference");
    await talker.waitEstablished();
  }
  const sinceMs = Date.now() + SETTLING_MS;
  await talkFor(LISTEN_MS + SETTLING_MS);
  const untilMs = Date.now();
  for (const { talker } of members) {
    await talker.hangup();
    await talker.waitEnded();
  }
  for (const listener of members) await hearsOthers(listener, members, sinceMs, untilMs);
  return [await expectHungUp(scene)];
}

export function othersInRoom({ peers, pair }: Pick<Scene, "peers" | "pair">): readonly Peer[] {
  const at = CLIENTS.indexOf(pair.caller);
  const next = (steps: number): ClientKind => CLIENTS[(at + steps) % CLIENTS.length] ?? pair.caller;
  return [peers.of("near", next(1)), peers.of("far", next(2))];
}

async function hearsOthers(listener: Peer, members: readonly Peer[], sinceMs: number, untilMs: number): Promise<void> {
  const { samples, rate, startedAtMs } = await listener.talker.heard(untilMs);
  const span = { from: Math.max(0, sinceMs - startedAtMs), to: untilMs - startedAtMs };
  for (const { talker } of members) {
    const share = spectrumShare(samples, rate, talker.frequency, span);
    const who = `${listener.talker.identity} hears ${talker.identity}: ${String(share)}`;
    if (talker === listener.talker) {
      expect(share, who).toBeLessThan(0.02);
      continue;
    }
    // Voices that are about equally loud: each has its part of the sum.
    expect(share, who).toBeGreaterThan(0.5 / (members.length - 1));
    const gaps = silences(samples, rate, talker.frequency, span).map(({ lastsMs }) => lastsMs);
    expect(Math.max(0, ...gaps), who).toBeLessThanOrEqual(2 * limitsOf(listener.kind).silenceMs);
  }
}
