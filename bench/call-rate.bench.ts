/**
 * How many calls a second are set up and ended on this machine, phones included, and what a call costs each process.
 * The rate is raised in steps until calls fail or wait; the same phones then load Kamailio, alone and with rtpengine.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Lab } from "../test/support/lab.ts";
import { lessIsBetter, moreIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";
import { pidsOf, startBenchStack } from "./support/bench-stack.ts";
import type { BenchUser } from "./support/bench-stack.ts";
import { runLoadStep } from "./support/call-load.ts";
import type { CallPair, LoadStep } from "./support/call-load.ts";
import { KAMAILIO, missingNote, nameOf, RTPENGINE } from "./support/debian-package.ts";
import { startKamailio } from "./support/kamailio.ts";
import { startCpuMeter } from "./support/process-cpu.ts";
import type { Pids } from "./support/process-cpu.ts";
import { FIRST_RTP_PORT } from "./support/rtp-ports.ts";
import { Rtpengine } from "./support/rtpengine.ts";
import { SipPhone } from "./support/sip-phone.ts";
import type { Address } from "./support/sip-fields.ts";
import { percentile, sum } from "./support/statistics.ts";

const PAIRS = 10;
const STEPS = [10, 20, 40, 60, 80, 100, 120, 160, 200, 300, 400, 600];
const STEP_MS = 2_500;
/** A step is kept up with when this share of calls completes, in time. */
const SHARE = 0.98;
const IN_TIME_MS = 1_000;
const RECOVERY_MS = 3_000;

interface Subject {
  readonly pairs: readonly CallPair[];
  readonly pids: Pids;
}

interface Outcome {
  /** The highest step that was kept up with. */
  readonly best: LoadStep;
  /** Milliseconds of CPU for each call in it, by process. */
  readonly cpu: Readonly<Record<string, number>>;
  /** Why it went no higher. */
  readonly limit: string;
}

async function openPairs(lab: Lab, users: readonly BenchUser[], server: Address): Promise<readonly CallPair[]> {
  const pairs: CallPair[] = [];
  for (let index = 0; index + 1 < users.length; index += 2) {
    const [from, to] = [users[index], users[index + 1]];
    if (from === undefined || to === undefined) break;
    const caller = await lab.own(SipPhone.open({ user: from, server }));
    const callee = await lab.own(SipPhone.open({ user: to, server }));
    await caller.register();
    await callee.register();
    pairs.push({ caller, callee: to.identity });
  }
  return pairs;
}

interface Tried {
  readonly step: LoadStep;
  readonly used: Readonly<Record<string, number>>;
  readonly keptUp: boolean;
}

async function tryStep({ pairs, pids }: Subject, rate: number): Promise<Tried> {
  const meter = startCpuMeter({ ...pids, phones: process.pid });
  const step = await runLoadStep(pairs, rate, STEP_MS);
  const failed = Array.from<number>({ length: step.failed }).fill(Infinity);
  return { step, used: meter(), keptUp: percentile([...step.answeredMs, ...failed], SHARE) <= IN_TIME_MS };
}

async function climb(subject: Subject): Promise<Outcome> {
  await runLoadStep(subject.pairs, 20, 1_500);
  let found: Outcome | undefined;
  for (const rate of STEPS) {
    let tried = await tryStep(subject, rate);
    if (!tried.keptUp) {
      // A busy moment of the machine is not the limit; what the step left behind is over by then.
      await sleep(RECOVERY_MS);
      tried = await tryStep(subject, rate);
    }
    const { step, used, keptUp } = tried;
    const cores = Object.entries(used).map(([name, ms]) => `${name} ${(ms / step.elapsedMs).toFixed(2)}`);
    if (!keptUp) {
      const limit = `at ${rate}/s it falls behind (${failureText(step)}) with cores used: ${cores.join(", ")}`;
      if (found === undefined) throw new Error(`not even ${rate} calls a second: ${limit}`);
      return { ...found, limit };
    }
    const own = Object.entries(used).filter(([name]) => name !== "phones");
    const cpu = Object.fromEntries(own.map(([name, ms]) => [name, ms / step.completed]));
    found = { best: step, cpu, limit: `no limit met at ${rate}/s with cores used: ${cores.join(", ")}` };
  }
  if (found === undefined) throw new Error("no steps");
  return found;
}

async function climbOurs(inMemory: boolean): Promise<Outcome> {
  const lab = new Lab();
  try {
    const { stack, users } = await lab.own(startBenchStack({ users: PAIRS * 2, inMemory }));
    const pairs = await openPairs(lab, users, stack.sip("us-east"));
    return await climb({ pairs, pids: pidsOf(stack, "us-east", "eu-west") });
  } finally {
    await lab.close();
  }
}

async function climbKamailio(withMedia: boolean): Promise<Outcome | undefined> {
  const lab = new Lab();
  try {
    const rtpengine = withMedia
      ? await Rtpengine.start({ ports: [FIRST_RTP_PORT, FIRST_RTP_PORT + 1_999] })
      : undefined;
    if (withMedia && rtpengine === undefined) return undefined;
    if (rtpengine !== undefined) await lab.own(rtpengine);
    const kamailio = await startKamailio({ rtpengine: rtpengine?.control });
    if (kamailio === undefined) return undefined;
    await lab.own(kamailio);
    const users = Array.from({ length: PAIRS * 2 }, (_, index) => kamailio.user(index));
    const pairs = await openPairs(lab, users, kamailio.server);
    const pids: Record<string, number> = { kamailio: -kamailio.pid };
    if (rtpengine !== undefined) pids["rtpengine"] = rtpengine.pid;
    return await climb({ pairs, pids });
  } finally {
    await lab.close();
  }
}

function failureText({ started, failures, answeredMs }: LoadStep): string {
  const reasons = Object.entries(failures).map(([message, count]) => `${count} of ${started} end as ${message}`);
  return [...reasons, `p98 of the others ${percentile(answeredMs, SHARE).toFixed(0)} ms`].join(", ");
}

function cpuText(cpu: Readonly<Record<string, number>>): string {
  return Object.entries(cpu)
    .map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
    .join(", ");
}

export async function run(): Promise<readonly BenchRow[]> {
  const ours = await climbOurs(false);
  const inMemory = await climbOurs(true);
  const rows: BenchRow[] = [
    moreIsBetter({
      name: "calls set up and ended, one gateway",
      unit: "calls/s",
      ours: ours.best.rate,
      peer: inMemory.best.rate,
      peerName: "ours with storage in memory",
      note: `what waiting for the disk costs: ${inMemory.limit}; ${cpuText(inMemory.cpu)} ms a call`,
    }),
  ];
  for (const withMedia of [false, true]) {
    const programs = withMedia ? [KAMAILIO, RTPENGINE] : [KAMAILIO];
    const peer = await climbKamailio(withMedia);
    const peerName = programs.map(nameOf).join(" + ");
    const missing = missingNote(...programs);
    rows.push(
      moreIsBetter({
        name: "calls set up and ended, one gateway",
        unit: "calls/s",
        ours: ours.best.rate,
        peer: peer?.best.rate,
        peerName,
        note: `${missing ?? `peer: ${peer?.limit}`}; ours: ${ours.limit}`,
      }),
      lessIsBetter({
        name: "CPU of a call, all processes",
        unit: "ms",
        ours: sum(Object.values(ours.cpu)),
        peer: peer === undefined ? undefined : sum(Object.values(peer.cpu)),
        peerName,
        note: `${missing ?? `peer: ${cpuText(peer?.cpu ?? {})}`}; ours: ${cpuText(ours.cpu)}`,
      }),
    );
  }
  return rows;
}
