import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SupervisedProcess } from "../../../../scripts/start/supervised-process.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nearside-supervised-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A program that says its pid when it listens to signals; what it and its supervisor say can be awaited. */
function supervise(options: {
  readonly script?: string;
  readonly command?: string;
  readonly restart?: boolean;
  readonly graceMs?: number;
}) {
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const hear = (text: string) => {
    said.push(text);
    for (const check of waiting) check();
  };
  const script =
    options.script ?? `process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1000); console.log("up");`;
  const logFile = join(folder, "p.log");
  const supervised = new SupervisedProcess(
    {
      name: "p",
      command: options.command ?? process.execPath,
      args: ["-e", script],
      cwd: folder,
      env: process.env,
      logFile,
      graceMs: options.graceMs ?? 3_000,
    },
    {
      say: hear,
      onLine: (line) => hear(`line ${line}`),
      onDead: () => hear("dead"),
      onPid: () => {},
      mayRestart: () => options.restart ?? true,
    },
  );
  const heard = (text: string, times = 1) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (said.filter((entry) => entry.includes(text)).length < times) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
    });
  return { supervised, said, heard, logFile };
}

describe("SupervisedProcess", () => {
  it("starts a killed program again at once, with a line that says so", async () => {
    const { supervised, said, heard } = supervise({});
    await heard("line up");
    const first = supervised.pid ?? 0;
    process.kill(first, "SIGKILL");
    await heard("line up", 2);
    expect(supervised.pid).not.toBe(first);
    expect(said).toContain(`p died (pid ${first}, SIGKILL); started again (pid ${supervised.pid})`);
    await supervised.stop();
    expect(supervised.pid).toBeUndefined();
  });

  it("leaves it dead when that was asked for", async () => {
    const { supervised, said, heard } = supervise({ restart: false });
    await heard("line up");
    process.kill(supervised.pid ?? 0, "SIGKILL");
    await heard("dead");
    expect(said.at(-2)).toMatch(/^p died \(pid \d+, SIGKILL\); not started again$/);
    expect(supervised.pid).toBeUndefined();
    await supervised.stop();
  });

  it("kills what does not end in its grace", async () => {
    const script = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("up");`;
    const { supervised, heard } = supervise({ script, graceMs: 50 });
    await heard("line up");
    await supervised.stop();
    expect(supervised.pid).toBeUndefined();
  });

  it("waits longer and longer for a program that cannot live, and stops waiting when it is stopped", async () => {
    const { supervised, said, heard } = supervise({ script: "process.exit(3)" });
    await heard("starts again in 0.25 s");
    await supervised.stop();
    expect(said.filter((line) => line.includes("exit code 3); started again"))).toHaveLength(3);
  });

  it("says when there is no such program", async () => {
    const { supervised, said, heard } = supervise({ command: join(folder, "none"), restart: false });
    await heard("dead");
    expect(said[0]).toContain("could not start");
    await supervised.stop();
  });

  it("keeps the program's output, and that of the start before", async () => {
    const first = supervise({});
    await first.heard("line up");
    await first.supervised.stop();
    const second = supervise({
      script: `console.log("second"); console.error("trouble"); setInterval(() => {}, 1000);`,
    });
    await second.heard("line second");
    await second.supervised.stop();
    expect(readFileSync(second.logFile, "utf8")).toContain("second\n");
    expect(readFileSync(`${second.logFile}.1`, "utf8")).toBe("up\n");
  });
});
