import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** As the system gives it; only compared. */
  readonly startedAt: string;
}

/** The identity of a running process; undefined when there is none. A zombie has ended. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === "linux" ? startOnLinux(pid) : startByPs(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export function isRunning({ pid, startedAt }: ProcessIdentity): boolean {
  return identifyProcess(pid)?.startedAt === startedAt;
}

/** Ends exactly this process; a process that took over its number is left alone. */
export function killProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch {
    // It ended in this very moment.
  }
}

/** The nearest process above us with such a command line, a few generations up (Linux only). */
export function findAncestor(commandLine: RegExp): ProcessIdentity | undefined {
  let pid = process.ppid;
  for (let generation = 0; generation < 4 && pid > 1; generation += 1) {
    const fields = statFields(pid);
    if (fields === undefined) return undefined;
    if (commandLine.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"))) return identifyProcess(pid);
    pid = Number(fields[1]);
  }
  return undefined;
}

function startOnLinux(pid: number): string | undefined {
  const fields = statFields(pid);
  return fields?.[0] === "Z" || fields?.[0] === "X" ? undefined : fields?.[19];
}

/** /proc/PID/stat from its third field (state, parent, ...); those count from the last ")", because a name may contain anything (proc(5)). */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
}
