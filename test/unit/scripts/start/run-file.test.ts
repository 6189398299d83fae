import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { localFolderAt } from "../../../../scripts/start/local-folder.ts";
import type { LocalFolder } from "../../../../scripts/start/local-folder.ts";
import { identifyProcess, isRunning } from "../../../../scripts/start/process-table.ts";
import { claimRun } from "../../../../scripts/start/run-file.ts";

let folder: LocalFolder;
beforeEach(() => {
  folder = localFolderAt(mkdtempSync(join(tmpdir(), "nearside-run-")));
});
afterEach(() => rmSync(folder.root, { recursive: true }));

function writeRun(launcher: unknown, children: readonly unknown[]): void {
  writeFileSync(folder.runFile, JSON.stringify({ launcher, children }));
}

const GONE = { pid: 2 ** 22 + 1, startedAt: "1" };

describe("claimRun", () => {
  it("keeps a second start out while the first one runs, and says how to stop that", async () => {
    const run = await claimRun(folder);
    await expect(claimRun(folder)).rejects.toThrow(`kill ${process.pid}`);
    run.release();
    expect(existsSync(folder.runFile)).toBe(false);
    (await claimRun(folder)).release();
  });

  it("is readable by its owner only", async () => {
    await claimRun(folder);
    expect(statSync(folder.runFile).mode & 0o777).toBe(0o600);
  });

  it("ends exactly what a killed launcher left behind", async () => {
    const orphan = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    const exited = once(orphan, "exit");
    await once(orphan, "spawn");
    const identity = identifyProcess(orphan.pid ?? 0);
    expect(identity).toBeDefined();
    // A process that got the number of one of ours later must live: here it is this very test.
    const reused = { pid: process.pid, startedAt: "not when we started" };
    writeRun(GONE, [identity, reused, GONE]);
    await claimRun(folder);
    expect(await exited).toEqual([null, "SIGTERM"]);
    expect(identity !== undefined && isRunning(identity)).toBe(false);
  });

  it.each(["", "{", '{"launcher":1}'])("takes over from the broken file %j", async (text) => {
    writeFileSync(folder.runFile, text);
    await expect(claimRun(folder)).resolves.toBeDefined();
  });
});
