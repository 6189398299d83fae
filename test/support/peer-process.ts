/** A peer that runs as a process of its own: its output as lines, its end as a promise, and nothing left behind. */
import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";

export interface PeerProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `sipp` paints screens that nobody reads; keep them out of memory. */
  readonly ignoreOutput?: boolean;
  /** What it gets when the test process itself ends; a process with children of its own needs SIGTERM to end them. */
  readonly exitSignal?: NodeJS.Signals;
}

/** Children that live. A test run that is interrupted must not leave phones behind that answer the next run. */
const living = new Set<PeerProcess>();
process.on("exit", () => {
  for (const peer of living) peer.signal(peer.exitSignal);
});

const LINES_KEPT = 20_000;
// eslint-disable-next-line no-control-regex -- terminal colours begin with a control character
const COLOURS = /\u001B\[[0-9;]*m/g;

export class PeerProcess {
  readonly name: string;
  readonly pid: number;
  /** Settles with the exit code, or the signal's name, once the process is gone. */
  readonly ended: Promise<number | string>;
  readonly exitSignal: NodeJS.Signals;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  readonly #watchers = new Set<() => void>();
  #dropped = 0;
  #hasEnded = false;

  private constructor(child: ChildProcessWithoutNullStreams, options: PeerProcessOptions) {
    const { name, ignoreOutput = false, exitSignal = "SIGKILL" } = options;
    this.name = name;
    this.exitSignal = exitSignal;
    this.#child = child;
    this.pid = child.pid ?? -1;
    this.ended = once(child, "exit").then(([code, signal]) => this.#end(code, signal));
    child.stdin.on("error", () => {});
    for (const stream of [child.stdout, child.stderr]) {
      if (ignoreOutput) stream.resume();
      else this.#collect(stream);
    }
    living.add(this);
  }

  static async start(options: PeerProcessOptions): Promise<PeerProcess> {
    const { name, command, args, cwd, env = {} } = options;
    const child = spawn(command, [...args], { cwd, env: { ...process.env, ...env }, stdio: "pipe" });
    try {
      await once(child, "spawn");
    } catch (cause) {
      throw new Error(`${name}: ${command} cannot be started; is its package installed?`, { cause });
    }
    return new PeerProcess(child, options);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Everything that it printed so far, both streams in order of arrival. */
  get output(): string {
    return this.#lines.join("\n");
  }

  /** Place in the output, to wait only for what comes after it. */
  get lineCount(): number {
    return this.#dropped + this.#lines.length;
  }

  /** What it printed at or after a place in the output. */
  linesSince(from: number): readonly string[] {
    return this.#lines.slice(Math.max(0, from - this.#dropped));
  }

  writeLine(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The first line, at or after `from`, that matches. Fails with the last lines when the time is up or the process ends. */
  waitForLine(pattern: RegExp, { timeoutMs = 10_000, from = 0 } = {}): Promise<RegExpExecArray> {
    let place = from;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(look);
        settle();
      };
      const fail = (why: string): void =>
        finish(() =>
          reject(
            new Error(
              `${this.name}: no line matches ${pattern} ${why}; last lines:\n${this.#lines.slice(-30).join("\n")}`,
            ),
          ),
        );
      const look = (): void => {
        for (; place < this.lineCount; place++) {
          const match = pattern.exec(this.#lines[place - this.#dropped] ?? "");
          if (match !== null) return finish(() => resolve(match));
        }
        if (this.#hasEnded) fail("and the process has ended");
      };
      const timer = setTimeout(() => fail(`within ${timeoutMs} ms`), timeoutMs);
      this.#watchers.add(look);
      look();
    });
  }

  signal(name: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#child.kill(name);
  }

  /** SIGKILL: peers that end politely sign off first, and wait for a dead gateway to answer. */
  kill(): void {
    this.signal("SIGKILL");
  }

  /** Ends it and waits until its ports are free. Safe to call again. */
  async close(): Promise<void> {
    this.kill();
    await this.ended;
  }

  #end(code: number | null, signal: NodeJS.Signals | null): number | string {
    this.#hasEnded = true;
    living.delete(this);
    // Its last output is still on the way when it has gone.
    setImmediate(() => this.#wake());
    return code ?? signal ?? "unknown";
  }

  #collect(stream: NodeJS.ReadableStream): void {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = (rest + text).split(/[\r\n]+/);
      rest = lines.pop() ?? "";
      // A prompt never ends its line, and a status line only with the next one: neither may grow for ever.
      if (rest.length > 10_000) rest = rest.slice(-1_000);
      this.#lines.push(...lines.map((line) => line.replaceAll(COLOURS, "")).filter((line) => line !== ""));
      const excess = this.#lines.length - LINES_KEPT;
      if (excess > 0) this.#dropped += this.#lines.splice(0, excess).length;
      this.#wake();
    });
  }

  #wake(): void {
    for (const look of this.#watchers) look();
  }
}
