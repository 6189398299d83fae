import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { readIfPresent, writePrivateFile } from "./local-folder.ts";
import type { LocalFolder } from "./local-folder.ts";
import { StartProblem } from "./problem.ts";
import { identifyProcess, isRunning, killProcess } from "./process-table.ts";
import type { ProcessIdentity } from "./process-table.ts";

const identitySchema = z.object({ pid: z.number().int().positive(), startedAt: z.string() });
const runSchema = z.object({ launcher: identitySchema, children: z.array(identitySchema) });

/** Who runs the stack of a folder: keeps a second start out, and lets the next start find what a killed launcher left. */
export interface RunFile {
  setChildren(pids: readonly number[]): void;
  release(): void;
}

const ORPHAN_GRACE_MS = 3_000;

export async function claimRun(folder: LocalFolder): Promise<RunFile> {
  const launcher = identifyProcess(process.pid);
  if (launcher === undefined) throw new Error("this process must be in the process table");
  const orphans = takeRunFile(folder.runFile, launcher);
  await endProcesses(orphans, ORPHAN_GRACE_MS);
  return {
    setChildren(pids) {
      const children = pids.flatMap((pid) => identifyProcess(pid) ?? []);
      writePrivateFile(folder.runFile, JSON.stringify({ launcher, children }));
    },
    release() {
      rmSync(folder.runFile, { force: true });
    },
  };
}

/** Exclusive creation lets one of two simultaneous starts win. */
function takeRunFile(file: string, launcher: ProcessIdentity): readonly ProcessIdentity[] {
  const text = JSON.stringify({ launcher, children: [] });
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, text, { flag: "wx", mode: 0o600 });
    return [];
  } catch {
    const previous = readRun(file);
    if (previous !== undefined && isRunning(previous.launcher)) {
      throw new StartProblem(
        "already-running",
        `npm start already runs in this folder (pid ${previous.launcher.pid}): stop it with Ctrl-C there or with kill ${previous.launcher.pid}`,
      );
    }
    writePrivateFile(file, text);
    return previous?.children ?? [];
  }
}

function readRun(file: string): z.infer<typeof runSchema> | undefined {
  try {
    return runSchema.safeParse(JSON.parse(readIfPresent(file) ?? "null")).data;
  } catch {
    return undefined;
  }
}

/** SIGTERM, then SIGKILL for those that are still there after the grace. */
export async function endProcesses(processes: readonly ProcessIdentity[], graceMs: number): Promise<void> {
  const deadlineMs = performance.now() + graceMs;
  for (const identity of processes) killProcess(identity, "SIGTERM");
  while (processes.some(isRunning) && performance.now() < deadlineMs) await sleep(25);
  for (const identity of processes) killProcess(identity, "SIGKILL");
  while (processes.some(isRunning)) await sleep(10);
}
