import { parseCallToken, parseGatewayInstanceId } from "#protocol/ids";
import type { CallToken, GatewayInstanceId } from "#protocol/ids";
import type { SchemaStep } from "../storage/migrate.ts";

export const GATEWAY_SCHEMA: readonly SchemaStep[] = [
  {
    id: 1,
    what: "calls that live on this channel, by instance",
    sql: "CREATE TABLE IF NOT EXISTS live_calls (call TEXT NOT NULL, instance TEXT NOT NULL, PRIMARY KEY (call, instance)) WITHOUT ROWID",
  },
  {
    id: 2,
    what: "one row for each instance, with its calls as JSON: however many begin and end in a second, they cost one row",
    sql: `
      CREATE TABLE IF NOT EXISTS live_call_lists (instance TEXT PRIMARY KEY, calls TEXT NOT NULL) WITHOUT ROWID;
      INSERT OR IGNORE INTO live_call_lists (instance, calls) SELECT instance, json_group_array(call) FROM live_calls GROUP BY instance;
      DROP TABLE live_calls`,
  },
];

/** What is changed is written together, at most this often. */
const WRITE_EVERY_MS = 1_000;

/**
 * Which calls live on the gateway, so that they can be told when it dies. Written in batches: what the last second
 * forgot, the gateway's own hello names, unless it died in that second.
 */
export class LiveCalls {
  readonly #sql: SqlStorage;
  /** `undefined`: not read from the table yet. */
  #calls: Map<GatewayInstanceId, Set<CallToken>> | undefined;
  readonly #unwritten = new Set<GatewayInstanceId>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  note(call: CallToken, instance: GatewayInstanceId, live: boolean): void {
    const calls = this.#all().get(instance) ?? new Set<CallToken>();
    if (calls.has(call) === live) return;
    if (live) calls.add(call);
    else calls.delete(call);
    this.#all().set(instance, calls);
    this.#unwritten.add(instance);
    this.#timer ??= setTimeout(() => this.write(), WRITE_EVERY_MS);
  }

  /** Calls of one instance. */
  of(instance: GatewayInstanceId): readonly CallToken[] {
    return [...(this.#all().get(instance) ?? [])];
  }

  /** Calls of every instance but this one, which are lost when it runs; of all when none may run. */
  ofOthers(
    instance: GatewayInstanceId | undefined,
  ): readonly { readonly call: CallToken; readonly instance: GatewayInstanceId }[] {
    return [...this.#all()]
      .filter(([other]) => other !== instance)
      .flatMap(([other, calls]) => [...calls].map((call) => ({ call, instance: other })));
  }

  /** Writes what changed, now. */
  write(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const instance of this.#unwritten) {
      const calls = this.of(instance);
      if (calls.length > 0)
        this.#sql.exec(
          "INSERT OR REPLACE INTO live_call_lists (instance, calls) VALUES (?, ?)",
          instance,
          JSON.stringify(calls),
        );
      else this.#sql.exec("DELETE FROM live_call_lists WHERE instance = ?", instance);
    }
    this.#unwritten.clear();
  }

  #all(): Map<GatewayInstanceId, Set<CallToken>> {
    if (this.#calls !== undefined) return this.#calls;
    const all = new Map<GatewayInstanceId, Set<CallToken>>();
    for (const row of this.#sql.exec("SELECT instance, calls FROM live_call_lists").toArray()) {
      const instance = parseGatewayInstanceId(row["instance"]);
      const calls: unknown = JSON.parse(String(row["calls"]));
      if (instance === undefined || !Array.isArray(calls)) continue;
      all.set(instance, new Set(calls.flatMap((call) => parseCallToken(call) ?? [])));
    }
    this.#calls = all;
    return all;
  }
}
