/** How each course of a call is taken, and what must be true of it afterwards: to both ears, to both ends, and in the record. */
import { expect } from "vitest";
import { startBaresip } from "../../support/baresip.ts";
import { routesOf } from "../../support/stack-api.ts";
import type { CallDescription } from "../../support/stack-api.ts";
import { silences } from "../../support/tone.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { isBrowser, isNumber } from "./call-table.ts";
import type { CourseName } from "./call-table.ts";
import { talkFor } from "./hearing.ts";
import { callNumber } from "./number-courses.ts";
import { GROUPS } from "./peers.ts";
import type { Peer } from "./peers.ts";
import { bothHear, converse, endedCall, expectRefused, expectTold, hears } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { declineByScript, twoAnswers } from "./scripted-courses.ts";
import { establish, PhoneTalker } from "./talker.ts";

/** The calls that it made, by their ids. */
export type Run = (scene: Scene) => Promise<readonly string[]>;

const HOLD_MS = 1_500;
const APART_MS = 1_200;
/** What was under way when the other stopped is still heard. */
const AFTERGLOW_MS = 400;

export const RUNS: Readonly<Record<CourseName, Run>> = {
  "caller-hangs-up": (scene) => (isNumber(scene.pair.callee) ? callNumber(scene) : talk(scene, "caller")),
  "callee-hangs-up": (scene) => talk(scene, "callee"),
  "hold-and-resume": holdAndResume,
  "two-calls": twoCalls,
  "ring-all": ringAll,
  "two-answers": twoAnswers,
  cancel,
  decline: (scene) => (scene.pair.callee === "phone-udp" ? declineByScript(scene) : refuse(scene, 603)),
  busy: (scene) => refuse(scene, 486),
  "no-answer": noAnswer,
  unknown,
  "not-registered": notRegistered,
  "gateways-failed": gatewaysFailed,
};

async function talk(scene: Scene, ender: "caller" | "callee"): Promise<readonly string[]> {
  const [first, second] = ender === "caller" ? [scene.caller, scene.callee] : [scene.callee, scene.caller];
  await establish(scene.caller.talker, scene.callee.talker);
  const untilMs = await converse(scene);
  await first.talker.hangup();
  await Promise.all([first.talker.waitEnded(), second.talker.waitEnded()]);
  await bothHear(scene, { untilMs });
  expect([await first.talker.ends(), await second.talker.ends()]).toEqual([1, 1]);
  const call = await endedCall(scene);
  expect(call).toMatchObject({ status: "completed", endCause: `${ender}-bye` });
  expectLegs(scene, call);
  return [call.sid];
}

/** Where each leg was, and that its media went the way that it should: over the trunk only from gateway to gateway. */
function expectLegs({ pair, caller, callee }: Scene, call: CallDescription): void {
  const place = ({ group, kind }: Peer): object => ({
    gateway: GROUPS[group].region,
    kind: isBrowser(kind) ? "browser" : "phone",
    transport: isBrowser(kind) ? "ws" : kind === "linphone" ? "udp" : kind.replace("phone-", ""),
  });
  // On a busy machine a gateway may look dead for a moment, and the call goes on elsewhere.
  if (call.epoch > 1) return;
  expect(call.legs.map(({ gateway, transport, kind }) => ({ gateway, transport, kind }))).toEqual([
    place(caller),
    place(callee),
  ]);
  for (const { statistics = {} } of call.legs) {
    // 50 packets a second, for a second at least.
    expect(statistics["packetsReceived"]).toBeGreaterThan(40);
    expect(statistics["packetsSent"]).toBeGreaterThan(40);
    for (const packets of [statistics["trunkPacketsSent"] ?? 0, statistics["trunkPacketsReceived"] ?? 0]) {
      if (pair.place === "same-region") expect(packets).toBe(0);
      else expect(packets).toBeGreaterThan(40);
    }
  }
}

async function holdAndResume(scene: Scene): Promise<readonly string[]> {
  const { caller, callee } = scene;
  await establish(caller.talker, callee.talker);
  await converse(scene);
  const judgements: (() => Promise<void>)[] = [];
  const resumed = new Set<Peer>();
  for (const [holder, other] of [
    [caller, callee],
    [callee, caller],
  ] as const) {
    await holder.talker.hold();
    const heldAtMs = Date.now() + AFTERGLOW_MS;
    await talkFor(HOLD_MS);
    const resumedAtMs = Date.now();
    await holder.talker.resume();
    resumed.add(holder);
    const sinceMs = Date.now() + AFTERGLOW_MS;
    await talkFor(HOLD_MS + AFTERGLOW_MS);
    const span = { sinceMs, untilMs: Date.now() };
    const listeners = [holder, other].filter((one) => recordsAfter(one, resumed, holder === callee));
    judgements.push(async () => {
      await hearsNothing(holder, other.talker.frequency, heldAtMs, resumedAtMs);
      for (const one of listeners)
        await hears(one, one === caller ? callee.talker.frequency : caller.talker.frequency, span);
    });
  }
  await caller.talker.hangup();
  await Promise.all([caller.talker.waitEnded(), callee.talker.waitEnded()]);
  for (const judge of judgements) await judge();
  const call = await endedCall(scene);
  expect(call).toMatchObject({ status: "completed", endCause: "caller-bye" });
  return [call.sid];
}

/**
 * Whose recording tells what was heard after a resume. Baresip's recorder writes nothing more once it has resumed a call, though
 * packets come and the phone sends; linphone's has no time in it, so only its end can be placed.
 */
function recordsAfter(peer: Peer, resumed: ReadonlySet<Peer>, atTheEnd: boolean): boolean {
  if (peer.kind === "linphone") return atTheEnd;
  return isBrowser(peer.kind) || !resumed.has(peer);
}

/** Linphone records nothing while it holds, and says on its terminal that it does. */
async function hearsNothing({ kind, talker }: Peer, frequency: number, fromMs: number, toMs: number): Promise<void> {
  if (kind === "linphone") return;
  const { samples, rate, startedAtMs } = await talker.heard();
  const span = { from: fromMs - startedAtMs, to: toMs - startedAtMs };
  const longest = Math.max(0, ...silences(samples, rate, frequency, span).map(({ lastsMs }) => lastsMs));
  expect(longest, `${talker.identity} holds and hears ${String(frequency)} Hz`).toBeGreaterThan((toMs - fromMs) * 0.8);
}

async function twoCalls(scene: Scene): Promise<readonly string[]> {
  const { caller, callee } = scene;
  await establish(caller.talker, callee.talker);
  await converse(scene);
  await caller.talker.hold();
  // Nobody dials within the same second, and baresip's recorder takes it ill.
  await talkFor(APART_MS);
  await caller.talker.mark();
  await caller.talker.dial("echo");
  await caller.talker.waitEstablished();
  const echo = { sinceMs: Date.now() + AFTERGLOW_MS, untilMs: 0 };
  await talkFor(HOLD_MS + AFTERGLOW_MS);
  echo.untilMs = Date.now();
  await caller.talker.hold();
  await talkFor(APART_MS);
  await caller.talker.swap();
  await caller.talker.resume();
  const again = { sinceMs: Date.now() + AFTERGLOW_MS, untilMs: 0 };
  await talkFor(HOLD_MS + AFTERGLOW_MS);
  again.untilMs = Date.now();
  await caller.talker.hangup();
  await callee.talker.waitEnded();
  await caller.talker.swap();
  await caller.talker.hangup();
  const calls = [await endedCall(scene), await endedCall(scene, "echo")];
  for (const call of calls) expect(call).toMatchObject({ status: "completed", endCause: "caller-bye" });
  await hears(callee, caller.talker.frequency, again);
  // Linphone records both calls into one file.
  if (caller.kind !== "linphone") await hears(caller, caller.talker.frequency, echo);
  if (recordsAfter(caller, new Set([caller]), false)) await hears(caller, callee.talker.frequency, again);
  return calls.map(({ sid }) => sid);
}

/** Another device of the callee, which is gone at the end as if it had never been. */
async function ringAll(scene: Scene): Promise<readonly string[]> {
  const { stack, lab, caller, callee } = scene;
  const frequency = 900;
  const device = await lab.own(
    startBaresip({ ...callee.user, gateway: stack.sip(GROUPS[callee.group].region), toneFrequency: frequency }),
  );
  await device.waitRegistered();
  const other = new PhoneTalker(device, callee.user.identity, callee.user.domain, frequency);
  await caller.talker.dial(callee.user.identity);
  await Promise.all([callee.talker.waitIncoming(), other.waitIncoming()]);
  await other.answer();
  await Promise.all([caller.talker.waitEstablished(), other.waitEstablished()]);
  expect(await callee.talker.endHeader("Reason")).toMatch(/^SIP\s*;\s*cause=200\b/);
  const answered = { ...scene, callee: { ...callee, kind: "phone-udp", talker: other } } as const;
  const untilMs = await converse(answered);
  await caller.talker.hangup();
  await Promise.all([caller.talker.waitEnded(), other.waitEnded()]);
  await bothHear(answered, { untilMs });
  expect(await callee.talker.ends()).toBe(1);
  const call = await endedCall(scene);
  expect(call.summaries.slice(1).map(({ status }) => status)).toEqual(
    expect.arrayContaining(["completed", "canceled"]),
  );
  await device.command("uadel", device.uri);
  await waitUntil("the other device has left", async () => (await routesOf(stack, callee.user.identity)).length === 1);
  return [call.sid];
}

async function ring({ caller, callee }: Scene): Promise<void> {
  await caller.talker.dial(callee.user.identity);
  await Promise.all([callee.talker.waitIncoming(), caller.talker.waitRinging()]);
}

async function cancel(scene: Scene): Promise<readonly string[]> {
  const { caller, callee } = scene;
  await ring(scene);
  await caller.talker.hangup();
  await Promise.all([caller.talker.waitEnded(), callee.talker.waitEnded()]);
  expect([await caller.talker.ends(), await callee.talker.ends()]).toEqual([1, 1]);
  return [await expectRefused(scene, { status: "canceled", endCause: "caller-cancelled" })];
}

async function refuse(scene: Scene, status: number): Promise<readonly string[]> {
  await ring(scene);
  await scene.callee.talker.decline(status);
  await expectTold(scene.caller, status);
  return [await expectRefused(scene, { status: "busy", endCause: "callee-refused" })];
}

async function noAnswer(scene: Scene): Promise<readonly string[]> {
  const { caller, callee } = scene;
  await ring(scene);
  const rangAtMs = Date.now();
  // A browser's library gives up at the same time by itself, and says 480.
  await expectTold(caller, isBrowser(callee.kind) ? [408, 480] : 408, 70_000);
  expect(Date.now() - rangAtMs).toBeGreaterThan(55_000);
  await callee.talker.waitEnded();
  return [await expectRefused(scene, { status: "no-answer", endCause: "callee-refused" })];
}

async function unknown(scene: Scene): Promise<readonly string[]> {
  const { caller, stack } = scene;
  await caller.talker.dial("nobody");
  await expectTold(caller, 404);
  const sid = await expectRefused(scene, { status: "failed" }, "nobody");
  await caller.talker.mark();
  await caller.talker.dial("sip:bob@elsewhere.test");
  await expectTold(caller, 404);
  expect((await stack.request(`/v1/calls/${sid}`)).status).toBe(200);
  return [sid];
}

async function notRegistered(scene: Scene): Promise<readonly string[]> {
  await scene.caller.talker.dial(scene.spare.identity);
  await expectTold(scene.caller, 480);
  return [await expectRefused(scene, { status: "no-answer" }, scene.spare.identity)];
}

async function gatewaysFailed(scene: Scene): Promise<readonly string[]> {
  const { caller, callee } = scene;
  await caller.talker.dial(callee.user.identity);
  await expectTold(caller, 503, 15_000);
  expect(Number.parseInt(await caller.talker.endHeader("Retry-After"), 10)).toBeGreaterThan(0);
  return [await expectRefused(scene, { status: "failed" })];
}
