import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createWriteStream, existsSync, renameSync } from "node:fs";
import type { WriteStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { restartDelayMs, STEADY_LIFE_MS } from "./restart-policy.ts";

/** A program that is kept running. */
export interface ProgramPlan {
  /** For people: "worker", or the gateway's id. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

export interface SupervisorHooks {
  readonly say: (line: string) => void;
  /** Asked at each death that nobody ordered. */
  readonly mayRestart: () => boolean;
  /** The pid is another one, or none. */
  readonly onPid: () => void;
  /** It died, stays dead, and its last words are in its log. */
  readonly onDead: () => void;
  /** Each line that the program writes to stdout. */
  readonly onLine?: (line: string) => void;
}

/** A grandchild may hold the pipe open; it is not waited for. */
const LAST_WORDS_MS = 500;

/** One program: started, logged, started again when it dies, stopped for good by `stop()`. */
export class SupervisedProcess {
  readonly name: string;
  readonly #plan: ProgramPlan;
  readonly #hooks: SupervisorHooks;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #restartTimer: NodeJS.Timeout | undefined;
  #quickDeaths = 0;
  #stopping = false;

  constructor(plan: ProgramPlan, hooks: SupervisorHooks) {
    this.name = plan.name;
    this.#plan = plan;
    this.#hooks = hooks;
    if (existsSync(plan.logFile)) renameSync(plan.logFile, `${plan.logFile}.1`);
    this.#log = createWriteStream(plan.logFile, { flags: "a", mode: 0o600 });
    // A full disk must not take the stack down.
    this.#log.on("error", () => {});
    this.#start();
  }

  /** Undefined while it is dead. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  #start(): void {
    const { command, args, cwd, env } = this.#plan;
    const startedAtMs = performance.now();
    // A group of its own keeps the terminal's Ctrl-C away: the launcher stops its children in order.
    const child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"], detached: true });
    this.#child = child;
    child.stdin.on("error", () => {});
    this.#readLines(child);
    this.#ended = new Promise((resolve) => {
      let settled = false;
      const end = (how: string) => {
        if (settled) return;
        settled = true;
        this.#child = undefined;
        resolve();
        this.#died(child, how, performance.now() - startedAtMs);
      };
      child.once("error", (error) => end(`could not start: ${error.message}`));
      child.once("exit", (code, signal) => end(signal === null ? `exit code ${code}` : signal));
    });
    this.#hooks.onPid();
  }

  #readLines(child: ChildProcess): void {
    const decoder = new StringDecoder("utf8");
    let rest = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#log.write(chunk);
      if (this.#hooks.onLine === undefined) return;
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#hooks.onLine(line);
    });
    child.stderr?.on("data", (chunk: Buffer) => this.#log.write(chunk));
  }

  #died(child: ChildProcess, how: string, livedMs: number): void {
    if (this.#stopping) return;
    this.#hooks.onPid();
    const { pid } = child;
    const death = `${this.name} died (${pid === undefined ? how : `pid ${pid}, ${how}`})`;
    if (!this.#hooks.mayRestart()) {
      this.#hooks.say(`${death}; not started again`);
      return this.#afterLastWords(child, this.#hooks.onDead);
    }
    this.#quickDeaths = livedMs < STEADY_LIFE_MS ? this.#quickDeaths + 1 : 0;
    const delayMs = restartDelayMs(this.#quickDeaths);
    const restart = () => {
      this.#start();
      this.#hooks.say(`${death}; started again (pid ${this.pid ?? "none"})`);
    };
    if (delayMs === 0) return restart();
    this.#hooks.say(`${death}; starts again in ${delayMs / 1000} s, its log is ${this.#plan.logFile}`);
    this.#restartTimer = setTimeout(restart, delayMs);
  }

  /** A process may be gone before what it wrote has been read: `exit` comes before its pipes end, and the log is written later still. */
  #afterLastWords(child: ChildProcess, then: () => void): void {
    const written = () => this.#log.write("", () => then());
    if (child.stderr === null || child.stderr.closed) return void written();
    const timer = setTimeout(() => child.stderr?.destroy(), LAST_WORDS_MS);
    child.stderr.once("close", () => {
      clearTimeout(timer);
      written();
    });
  }

  /** SIGTERM, SIGKILL after the grace; settles when the process is gone. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (child !== undefined) {
      child.kill("SIGTERM");
      const killer = setTimeout(() => child.kill("SIGKILL"), this.#plan.graceMs);
      await this.#ended;
      clearTimeout(killer);
    }
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }
}
