/**
 * CPU time of one REGISTER refresh, digest included, at a gateway that absorbs it (nothing goes to the Worker), beside
 * Kamailio that authenticates and stores the same refresh in memory. Phones keep a window of requests under way.
 */
import { Lab } from "../test/support/lab.ts";
import { lessIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";
import { pidsOf, startBenchStack } from "./support/bench-stack.ts";
import type { BenchUser } from "./support/bench-stack.ts";
import { KAMAILIO, missingNote, nameOf } from "./support/debian-package.ts";
import { startKamailio } from "./support/kamailio.ts";
import { startCpuMeter } from "./support/process-cpu.ts";
import type { Pids } from "./support/process-cpu.ts";
import { SipPhone } from "./support/sip-phone.ts";
import type { Address } from "./support/sip-fields.ts";

const PHONES = 20;
const ROUND_MS = 3_000;
const ROUNDS = 3;

interface Subject {
  readonly phones: readonly SipPhone[];
  readonly pids: Pids;
  /** Microseconds a refresh by process, the least of all rounds. */
  readonly best: Map<string, number>;
  rate: number;
}

async function openSubject(lab: Lab, users: readonly BenchUser[], server: Address, pids: Pids): Promise<Subject> {
  const phones: SipPhone[] = [];
  for (const user of users) {
    const phone = await lab.own(SipPhone.open({ user, server }));
    await phone.register();
    phones.push(phone);
  }
  return { phones, pids, best: new Map(), rate: 0 };
}

/** Each phone refreshes again as soon as it was answered. */
async function runRound(subject: Subject, ms: number, isWarmUp: boolean): Promise<void> {
  const meter = startCpuMeter(subject.pids);
  const startedAt = performance.now();
  let refreshes = 0;
  await Promise.all(
    subject.phones.map(async (phone) => {
      while (performance.now() - startedAt < ms) {
        await phone.register();
        refreshes += 1;
      }
    }),
  );
  if (isWarmUp) return;
  const elapsedMs = performance.now() - startedAt;
  subject.rate = Math.max(subject.rate, (refreshes * 1000) / elapsedMs);
  for (const [name, used] of Object.entries(meter())) {
    subject.best.set(name, Math.min(subject.best.get(name) ?? Infinity, (used * 1000) / refreshes));
  }
}

export async function run(): Promise<readonly BenchRow[]> {
  const lab = new Lab();
  try {
    const { stack, users } = await lab.own(startBenchStack({ users: PHONES }));
    const ours = await openSubject(lab, users, stack.sip("us-east"), pidsOf(stack, "us-east"));
    const kamailio = await startKamailio();
    if (kamailio !== undefined) await lab.own(kamailio);
    const peerUsers = kamailio === undefined ? [] : users.map((_, index) => kamailio.user(index));
    const peer = kamailio && (await openSubject(lab, peerUsers, kamailio.server, { kamailio: -kamailio.pid }));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const subject of [ours, peer]) {
        if (subject !== undefined) await runRound(subject, round === 0 ? ROUND_MS / 2 : ROUND_MS, round === 0);
      }
    }
    const workerd = ours.best.get("workerd") ?? NaN;
    const rates = `${Math.round(ours.rate)}/s beside ${Math.round(peer?.rate ?? 0)}/s with the same ${PHONES} phones`;
    return [
      lessIsBetter({
        name: "CPU of an absorbed REGISTER refresh with digest",
        unit: "us",
        ours: ours.best.get("us-east") ?? NaN,
        peer: peer?.best.get("kamailio"),
        peerName: nameOf(KAMAILIO),
        note: `${missingNote(KAMAILIO) ?? rates}; workerd ${workerd.toFixed(1)} us; least of ${ROUNDS} rounds of ${ROUND_MS / 1000} s`,
      }),
    ];
  } finally {
    await lab.close();
  }
}
