import { signal } from "@preact/signals";
import type { ApiClient } from "../api/api-client.ts";
import type { PastCall } from "../api/types.ts";

/** The calls that were, newest first, a page at a time. */
export class History {
  readonly calls = signal<readonly PastCall[] | undefined>(undefined);
  readonly more = signal(false);
  readonly hasFailed = signal(false);
  readonly #api: ApiClient;

  constructor(api: ApiClient) {
    this.#api = api;
  }

  async refresh(): Promise<void> {
    try {
      const { calls, more } = await this.#api.calls();
      const known = this.calls.value ?? [];
      const oldest = calls.at(-1)?.createdAt ?? "";
      // What was unfolded below stays.
      this.calls.value = merge(
        calls,
        known.filter(({ createdAt }) => createdAt < oldest),
      );
      if (known.length <= calls.length) this.more.value = more;
      this.hasFailed.value = false;
    } catch {
      this.hasFailed.value = true;
    }
  }

  async showMore(): Promise<void> {
    const known = this.calls.value ?? [];
    const last = known.at(-1);
    if (last === undefined) return await this.refresh();
    try {
      const { calls, more } = await this.#api.calls(last.createdAt);
      this.calls.value = merge(known, calls);
      this.more.value = more;
      this.hasFailed.value = false;
    } catch {
      this.hasFailed.value = true;
    }
  }
}

/** Pages overlap by the instant that they share. */
function merge(first: readonly PastCall[], second: readonly PastCall[]): readonly PastCall[] {
  const sids = new Set(first.map(({ sid }) => sid));
  return [...first, ...second.filter(({ sid }) => !sids.has(sid))];
}
