/** CPU time that processes used, from /proc: what a machine with other work on it can still compare. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ, which Linux fixes at 100 for what it shows to user space. */
const TICKS_A_SECOND = 100;

/** utime + stime of one process (proc(5)), in milliseconds; 0 when it is gone. */
export function cpuMs(pid: number): number {
  const fields = statFields(pid);
  return fields === undefined ? 0 : ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
}

/** The same over a process and its direct children: Kamailio works in children. */
export function familyCpuMs(pid: number): number {
  let sum = cpuMs(pid);
  for (const name of readdirSync("/proc")) {
    const child = Number(name);
    if (Number.isInteger(child) && Number(statFields(child)?.[1]) === pid) sum += cpuMs(child);
  }
  return sum;
}

/** Fields from the state on: the name before it may hold blanks and brackets. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Processes by what they do; a negative pid counts its children too. */
export type Pids = Readonly<Record<string, number>>;

/** Starts to measure; the function that it returns says what each process has used since, in milliseconds. */
export function startCpuMeter(pids: Pids): () => Readonly<Record<string, number>> {
  const read = (pid: number): number => (pid < 0 ? familyCpuMs(-pid) : cpuMs(pid));
  const before = Object.entries(pids).map(([name, pid]) => [name, pid, read(pid)] as const);
  return () => Object.fromEntries(before.map(([name, pid, ms]) => [name, read(pid) - ms] as const));
}
