/**
 * Every pair of clients and every course of a call, as `support/call-table.ts` lists them. A run takes a selection that meets
 * each pair and each course; `npm test -- --all` takes all. Whatever a bad course left behind is looked for at the end.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Lab } from "../support/lab.ts";
import { readCall } from "../support/stack-api.ts";
import { gatewayCounters } from "../support/stack-watch.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { Turns } from "../support/turns.ts";
import { waitUntil } from "../support/wait-until.ts";
import { CELLS, CLIENTS, COURSES, isBrowser, isNumber, nameOf, selectCells } from "./support/call-table.ts";
import type { Cell, CourseName } from "./support/call-table.ts";
import { RUNS } from "./support/courses.ts";
import { talkFor } from "./support/hearing.ts";
import { othersInRoom } from "./support/number-courses.ts";
import { addUsers, GROUPS, identityOf, startPeers } from "./support/peers.ts";
import type { GroupName, Peer, Peers, User } from "./support/peers.ts";

const runnable = CELLS.filter(({ reason }) => reason === undefined);
const cells = process.env["CALL_TABLE"] === "all" ? runnable : selectCells(CELLS);

/** Calls at a time: more, and a recording tells of the machine's load. */
const SEATS = 3;
const CELL_LIMIT_MS = 1_800_000;
/** Timers H, F and J of RFC 3261 last 32 s. */
const GONE_MS = 35_000;

const lab = new Lab();
const turns = new Turns(SEATS);
let stack: Stack;
let peers: Peers;
let users: ReadonlyMap<string, User>;
let quietTimers: Readonly<Record<string, number>>;
const badCalls: string[] = [];

beforeAll(async () => {
  stack = await lab.own(startStack({ restart: false }));
  const groups = Object.keys(GROUPS) as GroupName[];
  const identities = groups.flatMap((group) => CLIENTS.map((kind) => identityOf(group, kind)));
  // A user for each caller that nobody is registered as, for what is scripted and for who is not there.
  users = await addUsers(stack, [...identities, ...CLIENTS.map((kind) => `spare-${kind}`)]);
  peers = await startPeers(lab, stack, users);
  quietTimers = await eachGateway(async (id) => await ownTimers(id));
});
afterAll(() => lab.close());

const GATEWAYS = ["us-east", "eu-west", "ap-south"] as const;

async function eachGateway<T>(read: (id: string) => Promise<T>, ids: readonly string[] = GATEWAYS) {
  return Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await read(id)] as const)));
}

/** Timers of the gateway's own: a binding, a connection and a transaction that was answered have one each. */
async function ownTimers(id: string): Promise<number> {
  const { timers = 0, bindings = 0, sip_connections = 0, sip_transactions = 0 } = await gatewayCounters(stack, id);
  return timers - bindings - sip_connections - sip_transactions;
}

function calleeOf({ pair }: Cell): Peer {
  const group = pair.place === "same-region" ? "near" : "far";
  return peers.of(group, isNumber(pair.callee) ? pair.caller : pair.callee);
}

function taking({ pair }: Cell): readonly Peer[] {
  const caller = peers.of("caller", pair.caller);
  if (pair.callee === "conference") return [caller, ...othersInRoom({ peers, pair })];
  return isNumber(pair.callee) ? [caller] : [caller, calleeOf({ pair } as Cell)];
}

async function run(cell: Cell): Promise<void> {
  const { pair, course } = cell;
  const taken = taking(cell);
  const names = taken.map(({ user }) => user.identity);
  if (pair.callee === "conference") names.push("the room");
  // Who only rings for a minute keeps nobody else from talking.
  const giveBack = await turns.take(names, { seats: course === "no-answer" ? 0 : 1 });
  const own = new Lab();
  try {
    for (const { talker } of taken) await talker.mark();
    const [caller = calleeOf(cell)] = taken;
    const spare = users.get(`spare-${pair.caller}`);
    if (spare === undefined) throw new Error(`no spare user for ${pair.caller}`);
    const startedAtMs = Date.now();
    const calls = await RUNS[course]({
      stack,
      lab: own,
      peers,
      pair,
      caller,
      callee: calleeOf(cell),
      spare,
      startedAtMs,
    });
    if (COURSES[course].bad) badCalls.push(...calls);
  } catch (failure) {
    for (const { talker } of taken) await talker.drop();
    throw failure;
  } finally {
    await own.close();
    giveBack();
  }
}

const rows = (wanted: (course: CourseName) => boolean) =>
  cells.filter(({ course }) => wanted(course)).map((cell) => [nameOf(cell), cell] as const);
const isGood = (course: CourseName): boolean => !COURSES[course].bad;
const isOrdinaryBad = (course: CourseName): boolean => COURSES[course].bad && course !== "gateways-failed";

describe.concurrent("a call", () => {
  it.each(rows(isGood))("%s", async (_name, cell) => await run(cell), CELL_LIMIT_MS);
  it.each(rows(isOrdinaryBad))("%s", async (_name, cell) => await run(cell), CELL_LIMIT_MS);
});

describe("35 s after calls that came to nothing", () => {
  it("every leg, port, transaction and timer of the gateways is gone", async () => {
    await expectNothingLeft(GATEWAYS);
  });

  it("no Call object waits for anything, or will wake", async () => {
    await expectNothingPending();
  });
});

/** Each at some moment: probes of neighbours, and a busy machine makes many, are timers too. */
async function expectNothingLeft(ids: readonly string[]): Promise<void> {
  const untilMs = Date.now() + GONE_MS;
  const left = await eachGateway(async (id) => {
    for (;;) {
      const figures = await leftAt(id);
      if (Object.values(figures).every((figure) => figure === 0) || Date.now() > untilMs) return figures;
      await talkFor(250);
    }
  }, ids);
  const nothing = { legs: 0, rtp_ports_in_use: 0, sip_transactions: 0, timers: 0 };
  const figures = await eachGateway(async (id) => await gatewayCounters(stack, id), ids);
  expect(left, JSON.stringify({ figures, quietTimers })).toEqual(Object.fromEntries(ids.map((id) => [id, nothing])));
}

async function leftAt(id: string): Promise<Readonly<Record<string, number>>> {
  const { legs = 0, rtp_ports_in_use = 0, sip_transactions = 0 } = await gatewayCounters(stack, id);
  // One timer more or less: the sweep that forgets the numbers of ended calls.
  const timers = Math.max(0, (await ownTimers(id)) - (quietTimers[id] ?? 0) - 1);
  return { legs, rtp_ports_in_use, sip_transactions, timers };
}

async function expectNothingPending(): Promise<void> {
  expect(badCalls.length).toBeGreaterThan(10);
  for (const sid of badCalls) {
    const { pending, endCause } = await readCall(stack, sid);
    expect(pending, `${sid}: ${String(endCause)}`).toEqual({ requests: 0 });
  }
}

/** Nothing is started again in this stack, so these come last, and in this order. */
describe("a call that no gateway can carry", () => {
  const failing = rows((course) => course === "gateways-failed");

  it.each(failing.filter(([, { pair }]) => !isBrowser(pair.callee)))("%s", async (_name, cell) => {
    await ensureDead(["eu-west"]);
    await run(cell);
  });

  it.each(failing.filter(([, { pair }]) => isBrowser(pair.callee)))("%s", async (_name, cell) => {
    await ensureDead(["eu-west", "ap-south", "us-east"]);
    await run(cell);
  });
});

const dead = new Set<string>();

async function ensureDead(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    if (dead.has(id)) continue;
    if (id === "us-east") {
      await expectNothingLeft([id]);
      await expectNothingPending();
    }
    await stack.killGateway(id);
    dead.add(id);
  }
  await waitUntil("the fleet knows", async () => {
    const response = await stack.request("/v1/gateways");
    const { gateways } = (await response.json()) as {
      readonly gateways: readonly { readonly gateway: string; readonly state: string }[];
    };
    return gateways.every(({ gateway, state }) => !dead.has(gateway) || state === "down");
  });
}
