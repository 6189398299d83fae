/**
 * What a call and a registered hour cost at the edge: requests to Durable Objects (RPC, fetch, WebSocket messages,
 * alarms) and rows written, counted in the production bundle, beside the goals of the design.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { lessIsBetter } from "./bench-row.ts";
import type { BenchRow } from "./bench-row.ts";
import { startBenchStack } from "./support/bench-stack.ts";
import type { BenchUser } from "./support/bench-stack.ts";
import {
  addCountingDoor,
  billedRequests,
  byClass,
  countsSince,
  perTime,
  readCounts,
  readTrace,
} from "./support/object-counts.ts";
import type { ObjectCounts, TraceEntry } from "./support/object-counts.ts";
import { SipPhone } from "./support/sip-phone.ts";
import type { Address } from "./support/sip-fields.ts";

const CALLS = 20;
/** Longer than a channel takes to write down the calls that live on it. */
const HOLD_MS = 1_200;
/** Acknowledgements and batched rows of the last call come in this time. */
const SETTLE_MS = 2_500;
const PHONES = 20;
const REFRESH_MS = 60_000;
const REFRESHES_AN_HOUR = 60;

const GOAL = { requests: 8, rows: 6, hops: 4, commits: 1, newObjects: 1 };

interface CallCost {
  readonly counts: ObjectCounts;
  readonly opening: Opening;
}

/** From the INVITE to the callee's gateway. */
interface Opening {
  readonly path: readonly string[];
  readonly commits: number;
  readonly newObjects: number;
}

async function measureCalls(http: string, caller: SipPhone, callee: string): Promise<CallCost> {
  // The first call wakes what is shared: endpoints, the day's index.
  await (await caller.call(callee)).hangUp();
  await sleep(SETTLE_MS);
  const before = await readCounts(http);
  const calls = [];
  for (let made = 0; made < CALLS; made++) calls.push(await caller.call(callee));
  await sleep(HOLD_MS);
  for (const call of calls) await call.hangUp();
  await sleep(SETTLE_MS);
  const counts = countsSince(before, await readCounts(http));
  await readTrace(http, true);
  const call = await caller.call(callee);
  const trace = await readTrace(http, false);
  await call.hangUp();
  return { counts, opening: openingOf(trace) };
}

/** Of what runs beside the path, the list of calls and the isolate's view of the fleet are left out. */
function openingOf(trace: readonly TraceEntry[]): Opening {
  const start = trace.findIndex(({ what }) => what === "message invite-received");
  const ringing = trace.findIndex(({ what }) => what === "message leg-ringing");
  const path = trace.slice(start, ringing).filter(({ object }) => object !== "CallIndex" && object !== "Region");
  // The command that rings the callee leaves after the last commit: at its own gateway as the answer, else by `deliver`.
  const requests = path.filter(({ what }) => !what.startsWith("write "));
  const objects = new Map(requests.map(({ id, object }) => [id, object]));
  return {
    path: [...objects.values()],
    commits: path.filter(({ object, what }) => object === "Call" && what.startsWith("write ")).length,
    newObjects: new Set(path.filter(({ isNew }) => isNew).map(({ id }) => id)).size,
  };
}

interface HourCost {
  readonly many: ObjectCounts;
  readonly lone: ObjectCounts;
}

/** One refresh a minute after the last: credentials are that old, as they are at each refresh of such a phone. */
async function measureHour(http: string, phones: readonly SipPhone[], registeredAt: number): Promise<HourCost> {
  const [first, ...others] = phones;
  if (first === undefined) throw new Error("no phones");
  await sleep(Math.max(0, registeredAt + REFRESH_MS + 500 - performance.now()));
  const before = await readCounts(http);
  await first.register();
  const between = await readCounts(http);
  for (const phone of others) await phone.register();
  const after = await readCounts(http);
  return { lone: countsSince(before, between), many: countsSince(between, after) };
}

function callRows(where: string, { counts, opening }: CallCost): readonly BenchRow[] {
  const goal = { peerName: "goal", goal: 1 };
  const requests = perTime(counts, "requests", CALLS);
  const billed = billedRequests(counts, CALLS).toFixed(1);
  return [
    lessIsBetter({
      ...goal,
      name: `object requests of a call, ${where}`,
      unit: "requests",
      ours: requests,
      peer: GOAL.requests,
      note: `${byClass(counts, "requests", CALLS)}; ${billed} as billed (20 messages a request); ${CALLS} calls, ended by the caller`,
    }),
    lessIsBetter({
      ...goal,
      name: `rows written for a call, ${where}`,
      unit: "rows",
      ours: perTime(counts, "rows", CALLS),
      peer: GOAL.rows,
      note: byClass(counts, "rows", CALLS),
    }),
    lessIsBetter({
      ...goal,
      name: `objects from INVITE to the callee's gateway, ${where}`,
      unit: "objects",
      ours: opening.path.length,
      peer: GOAL.hops,
      note: opening.path.join(" > "),
    }),
    lessIsBetter({
      ...goal,
      name: `commits of the Call object before the callee rings, ${where}`,
      unit: "commits",
      ours: opening.commits,
      peer: GOAL.commits,
      note: `${opening.newObjects} new object (goal ${GOAL.newObjects})`,
    }),
  ];
}

function hourRows({ many, lone }: HourCost): readonly BenchRow[] {
  const times = (PHONES - 1) / REFRESHES_AN_HOUR;
  const peerName = "one request and row a refresh";
  return [
    lessIsBetter({
      name: "object requests of a phone registered for an hour",
      unit: "requests",
      ours: perTime(many, "requests", times),
      peer: REFRESHES_AN_HOUR,
      peerName,
      note: `refreshes every 60 s, from one minute of ${PHONES - 1} phones: ${byClass(many, "requests", times)}; a lone phone ${perTime(lone, "requests", 1 / REFRESHES_AN_HOUR)}`,
    }),
    lessIsBetter({
      name: "rows written for a phone registered for an hour",
      unit: "rows",
      ours: perTime(many, "rows", times),
      peer: REFRESHES_AN_HOUR,
      peerName,
      note: `a registration itself writes once; routes are written again after 12 hours`,
    }),
  ];
}

export async function run(): Promise<readonly BenchRow[]> {
  const bench = await startBenchStack({ users: PHONES + 3, changeBundle: addCountingDoor });
  const open: SipPhone[] = [];
  const phone = async (user: BenchUser | undefined, server: Address): Promise<SipPhone> => {
    if (user === undefined) throw new Error("too few users");
    const opened = await SipPhone.open({ user, server });
    open.push(opened);
    await opened.register();
    return opened;
  };
  try {
    const { stack, users } = bench;
    const here = stack.sip("us-east");
    const caller = await phone(users[PHONES], here);
    await phone(users[PHONES + 1], here);
    await phone(users[PHONES + 2], stack.sip("eu-west"));
    const phones = [];
    for (const user of users.slice(0, PHONES)) phones.push(await phone(user, here));
    const registeredAt = performance.now();
    const one = await measureCalls(stack.http, caller, `bench${PHONES + 1}`);
    const two = await measureCalls(stack.http, caller, `bench${PHONES + 2}`);
    const hour = await measureHour(stack.http, phones, registeredAt);
    return [...callRows("one gateway", one), ...callRows("two regions", two), ...hourRows(hour)];
  } finally {
    for (const opened of open) opened.close();
    await bench.close();
  }
}
