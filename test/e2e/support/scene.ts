/** One cell of the table while it runs: who takes part, what they must hear, how their call must end. */
import { expect } from "vitest";
import type { Lab } from "../../support/lab.ts";
import { findCall, readCall } from "../../support/stack-api.ts";
import type { CallDescription } from "../../support/stack-api.ts";
import type { Stack } from "../../support/stack.ts";
import { waitUntil } from "../../support/wait-until.ts";
import type { ClientKind, Pair } from "./call-table.ts";
import { expectHeard, talkFor, waitHeard } from "./hearing.ts";
import type { Peer, Peers, User } from "./peers.ts";

export interface Scene {
  readonly stack: Stack;
  readonly lab: Lab;
  readonly peers: Peers;
  readonly pair: Pair;
  readonly caller: Peer;
  /** Whom the caller's row names; for a number, some phone. */
  readonly callee: Peer;
  /** A user that is registered nowhere before, and nowhere after. */
  readonly spare: User;
  readonly startedAtMs: number;
}

const TALK_MS = 1_500;

/**
 * What is heard is judged by its sound. How short its breaks are is judged where nothing else goes on at the same time
 * (browser-calls.test.ts, and all that outlives a gateway); here only what anybody would call a break is one. Linphone's own
 * clock puts clicks into its recording.
 */
export function limitsOf(kind: ClientKind): { readonly share: number; readonly silenceMs: number } {
  return { share: kind === "linphone" ? 0.8 : 0.9, silenceMs: 500 };
}

interface Span {
  readonly sinceMs?: number;
  readonly untilMs: number;
}

/** Linphone's ear is read when its call is over. */
export async function bothHear({ caller, callee }: Scene, span: Span): Promise<void> {
  await hears(caller, callee.talker.frequency, span);
  await hears(callee, caller.talker.frequency, span);
}

export async function hears({ kind, talker }: Peer, frequency: number, span: Span): Promise<void> {
  await expectHeard(talker, frequency, { forMs: 800, ...limitsOf(kind), ...span });
}

/** Long enough that both hear the other for a while, however late the first packet was. */
export async function converse({ caller, callee }: Scene): Promise<number> {
  const waits = [
    [caller, callee.talker.frequency],
    [callee, caller.talker.frequency],
  ] as const;
  await Promise.all(
    waits.map(([{ kind, talker }, frequency]) =>
      kind === "linphone" ? talkFor(700) : waitHeard(talker, frequency, 10_000),
    ),
  );
  await talkFor(TALK_MS);
  return Date.now();
}

/** The record of the newest call to a name, ended once and with its legs' figures, if it had media. */
export async function endedCall(scene: Scene, to = scene.callee.user.identity): Promise<CallDescription> {
  const { sid } = await findCall(scene.stack, scene.caller.user.identity, to, { notBeforeMs: scene.startedAtMs });
  const call = await waitUntil(`the end of the call to ${to}`, async () => {
    const now = await readCall(scene.stack, sid);
    const waits = now.answeredAtMs !== undefined && now.legs.some(isWithoutFigures);
    return now.endedAtMs !== undefined && !waits && now;
  });
  expect(call.log.filter(({ event }) => event === "call.ended")).toHaveLength(1);
  return call;
}

function isWithoutFigures({ codec, statistics }: CallDescription["legs"][number]): boolean {
  return codec !== undefined && statistics === undefined;
}

export async function expectTold({ talker }: Peer, status: number | readonly number[], timeoutMs?: number) {
  const told = await talker.waitEnded(timeoutMs);
  expect([status].flat().map(String), told).toContain(told.slice(0, 3));
  expect(await talker.ends()).toBe(1);
}

export async function expectRefused(scene: Scene, end: object, to?: string): Promise<string> {
  const call = await endedCall(scene, to);
  expect(call).toMatchObject(end);
  expect(call.answeredAtMs).toBeUndefined();
  expect(call.legs.every(({ state }) => state === "ended")).toBe(true);
  return call.sid;
}
