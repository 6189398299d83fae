/** What a test starts and owns: closed in reverse order, whatever happens in between. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Closable {
  close(): Promise<void> | void;
}

export class Lab implements Closable {
  readonly #owned: Closable[] = [];

  /** Takes over the closing of a peer: `const phone = await lab.own(startBaresip(…))`. */
  async own<T extends Closable>(started: T | Promise<T>): Promise<T> {
    const peer = await started;
    this.#owned.push(peer);
    return peer;
  }

  /** A folder that goes with the lab. */
  async folder(): Promise<string> {
    return (await this.own(temporaryFolder())).path;
  }

  /** Closes all, and only then reports what failed to close. Safe to call again. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let peer = this.#owned.pop(); peer !== undefined; peer = this.#owned.pop()) {
      try {
        await peer.close();
      } catch (failure) {
        failures.push(failure);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, "peers that did not close");
  }
}

export interface TemporaryFolder {
  readonly path: string;
  readonly close: () => Promise<void>;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "nearside-test-"));
  return { path, close: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}
