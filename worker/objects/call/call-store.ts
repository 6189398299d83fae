/**
 * The call's one document: one row written for each input, whatever changed, and no schema to set up, since a call's
 * object is new with each call. Documents carry a version; older ones are brought up to date when read.
 */
import { callOfLastRelease } from "../../domain/calls/call-of-last-release.ts";
import type { StoredCallState } from "../../domain/calls/call-of-last-release.ts";
import type { CallState } from "../../domain/calls/call-state.ts";

const KEY = "call";
const VERSION = 1;

interface StoredCall {
  readonly version: number;
  readonly state: StoredCallState;
}

export class CallStore {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  load(): CallState | undefined {
    const stored = this.#storage.kv.get<StoredCall>(KEY);
    // One release back and forth (decision 7).
    return stored === undefined || stored.version > VERSION ? undefined : callOfLastRelease(stored.state);
  }

  save(state: CallState): void {
    this.#storage.kv.put<StoredCall>(KEY, { version: VERSION, state });
  }
}
