/** Reads what `counting-worker.mjs` counted. */
import { cpSync, renameSync } from "node:fs";
import { join } from "node:path";
import { sum } from "./statistics.ts";

/** By name: `requests CLASS METHOD`, `rows CLASS HOW`, `woken CLASS`. */
export type ObjectCounts = Readonly<Record<string, number>>;

export interface TraceEntry {
  readonly atMs: number;
  readonly object: string;
  readonly id: number;
  /** Its first request since it was made or woken. */
  readonly isNew: boolean;
  readonly what: string;
  readonly rows: number;
}

/** Puts the counting door before the built Worker. */
export function addCountingDoor(bundle: string): void {
  renameSync(join(bundle, "index.js"), join(bundle, "production.js"));
  cpSync(new URL("./counting-worker.mjs", import.meta.url), join(bundle, "index.js"));
}

export async function readCounts(http: string): Promise<ObjectCounts> {
  return (await (await fetch(`${http}/bench/counts`)).json()) as ObjectCounts;
}

/** The trace so far; from now on one is kept when `on`. */
export async function readTrace(http: string, on: boolean): Promise<readonly TraceEntry[]> {
  const response = await fetch(`${http}/bench/trace`, { method: on ? "POST" : "GET" });
  return (await response.json()) as readonly TraceEntry[];
}

export function countsSince(before: ObjectCounts, after: ObjectCounts): ObjectCounts {
  const changes = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(changes.filter(([, change]) => change !== 0));
}

/**
 * What goes on without any call: a gateway's report every five seconds, and the isolate's view of the fleet, asked once
 * a second at most however many calls there are.
 */
const SHARED = /^requests (?:Region |Gateway message heartbeat)/;

/** Requests or rows for each of `times`, without what is shared by all. */
export function perTime(counts: ObjectCounts, kind: "requests" | "rows", times: number): number {
  const own = Object.entries(counts).filter(([name]) => name.startsWith(`${kind} `) && !SHARED.test(name));
  return sum(own.map(([, count]) => count)) / times;
}

/** As billed: twenty incoming WebSocket messages are one request. */
export function billedRequests(counts: ObjectCounts, times: number): number {
  const all = perTime(counts, "requests", times);
  const messages = Object.entries(counts).filter(([name]) => / message /.test(name) && !SHARED.test(name));
  const each = sum(messages.map(([, count]) => count)) / times;
  return all - each + each / 20;
}

/** "Call 8, Gateway 8 (messages), …": who got them, most first. */
export function byClass(counts: ObjectCounts, kind: "requests" | "rows", times: number): string {
  const classes = new Map<string, number>();
  for (const [name, count] of Object.entries(counts)) {
    const [what, owner = "", how] = name.split(" ");
    if (what !== kind || SHARED.test(name)) continue;
    const label = how === "message" ? `${owner} messages` : owner;
    classes.set(label, (classes.get(label) ?? 0) + count / times);
  }
  const sorted = [...classes].toSorted(([, a], [, b]) => b - a);
  return sorted.map(([label, each]) => `${label} ${Number(each.toFixed(2))}`).join(", ");
}
