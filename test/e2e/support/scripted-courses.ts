/** What no phone does on command, SIPp does as its script says: it declines with 603, and answers in the moment in which it is rung. */
import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { freePort } from "../../support/free-port.ts";
import { refuseScenario, registerScenario, runSipp, startSipp } from "../../support/sipp.ts";
import type { Sipp, SippOptions } from "../../support/sipp.ts";
import { expectRefused, expectTold, endedCall, hears } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { talkFor } from "./hearing.ts";
import { GROUPS } from "./peers.ts";

const AT_ONCE_MS = 5;
/** Two processes on a busy machine do not always answer within 5 ms of each other; until they do, it is tried again. */
const TRIES = 8;

/** A scripted device of the spare user, registered where the callee is. */
async function device(scene: Scene, script: Pick<SippOptions, "scenario" | "rtpEcho">): Promise<ScriptedDevice> {
  const port = await freePort("127.0.0.1");
  const instance = randomUUID();
  const register = async (expires: number): Promise<void> => {
    const scenario = registerScenario(scene.spare, { expires, instance });
    const target = scene.stack.sip(GROUPS[scene.callee.group].region);
    expect(await runSipp({ scenario, target, port, calls: 1, timeoutSeconds: 10 })).toMatchObject({ exitCode: 0 });
  };
  await register(300);
  return {
    sipp: await scene.lab.own(startSipp({ ...script, port, calls: 1, timeoutSeconds: 20 })),
    leave: () => register(0),
  };
}

interface ScriptedDevice {
  readonly sipp: Sipp;
  readonly leave: () => Promise<void>;
}

export async function declineByScript(scene: Scene): Promise<readonly string[]> {
  const { sipp, leave } = await device(scene, { scenario: refuseScenario(603, "Decline") });
  await scene.caller.talker.dial(scene.spare.identity);
  await expectTold(scene.caller, 603);
  expect(await sipp.outcome()).toMatchObject({ exitCode: 0, errors: "" });
  const sid = await expectRefused(scene, { status: "busy", endCause: "callee-refused" }, scene.spare.identity);
  await leave();
  return [sid];
}

export async function twoAnswers(scene: Scene): Promise<readonly string[]> {
  const sids: string[] = [];
  for (let tries = 1; ; tries += 1) {
    const apartMs = await answerTwice({ ...scene, startedAtMs: Date.now() }, sids);
    if (apartMs <= AT_ONCE_MS) return sids;
    expect(tries, `answers were ${String(apartMs)} ms apart at best`).toBeLessThan(TRIES);
    await scene.caller.talker.mark();
  }
}

/** How far apart the two answers were; whichever was first, exactly one of them is in the call. */
async function answerTwice(scene: Scene, sids: string[]): Promise<number> {
  const { caller, spare } = scene;
  const devices = [
    await device(scene, { scenario: "uas", rtpEcho: true }),
    await device(scene, { scenario: "uas", rtpEcho: true }),
  ];
  await caller.talker.dial(spare.identity);
  await caller.talker.waitEstablished();
  await talkFor(2_200);
  const untilMs = Date.now();
  await caller.talker.hangup();
  await caller.talker.waitEnded();
  // Both were acknowledged and heard a BYE: the one at once, the other from the caller.
  for (const { sipp } of devices) expect(await sipp.outcome()).toMatchObject({ exitCode: 0, errors: "" });
  await hears(caller, caller.talker.frequency, { untilMs });
  const call = await endedCall(scene, spare.identity);
  sids.push(call.sid);
  expect(call.log.filter(({ event }) => event === "leg.answered")).toHaveLength(1);
  for (const { leave } of devices) await leave();
  const [first = 0, second = Infinity] = await Promise.all(devices.map(({ sipp }) => answeredAtMs(sipp)));
  return Math.abs(first - second);
}

/** When SIPp sent its 200 to INVITE: its log has the time, to the microsecond, above each message. */
async function answeredAtMs(sipp: Sipp): Promise<number> {
  const entries = (await sipp.messages()).split(/^-{20,} /m);
  const answer = entries.find(
    (entry) => /message sent/.test(entry) && /^SIP\/2\.0 200 [\s\S]*^CSeq: \d+ INVITE/m.test(entry),
  );
  const [, day = "", time = ""] = /^(\S+)[ \t](\d\d:\d\d:\d\d\.\d+)/.exec(answer ?? "") ?? [];
  return Date.parse(`${day}T${time.slice(0, 12)}Z`) + Number(`0.${time.slice(12)}`);
}
