import { parseCallToken, parseGatewayInstanceId } from "#protocol/ids";
import type { CallToken, GatewayInstanceId } from "#protocol/ids";
import type { SchemaStep } from "../storage/migrate.ts";

export const GATEWAY_SCHEMA: readonly SchemaStep[] = [
  {
    id: 1,
    what: "calls that live on this channel, by instance",
    sql: "CREATE TABLE IF NOT EXISTS live_calls (call TEXT NOT NULL, instance TEXT NOT NULL, PRIMARY KEY (call, instance)) WITHOUT ROWID",
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
  #instances: Map<CallToken, Set<GatewayInstanceId>> | undefined;
  readonly #unwritten = new Map<
    string,
    { readonly call: CallToken; readonly instance: GatewayInstanceId; readonly live: boolean }
  >();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  note(call: CallToken, instance: GatewayInstanceId, live: boolean): void {
    const instances = this.#all().get(call) ?? new Set<GatewayInstanceId>();
    if (instances.has(instance) === live) return;
    if (live) instances.add(instance);
    else instances.delete(instance);
    if (instances.size > 0) this.#all().set(call, instances);
    else this.#all().delete(call);
    this.#unwritten.set(`${call}/${instance}`, { call, instance, live });
    this.#timer ??= setTimeout(() => this.write(), WRITE_EVERY_MS);
  }

  /** Calls of one instance. */
  of(instance: GatewayInstanceId): readonly CallToken[] {
    return [...this.#all()].filter(([, instances]) => instances.has(instance)).map(([call]) => call);
  }

  /** Calls of every instance but this one, which are lost when it runs; of all when none may run. */
  ofOthers(
    instance: GatewayInstanceId | undefined,
  ): readonly { readonly call: CallToken; readonly instance: GatewayInstanceId }[] {
    return [...this.#all()].flatMap(([call, instances]) =>
      [...instances].filter((other) => other !== instance).map((other) => ({ call, instance: other })),
    );
  }

  /** Writes what changed, now. */
  write(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { call, instance, live } of this.#unwritten.values()) {
      if (live) this.#sql.exec("INSERT OR IGNORE INTO live_calls (call, instance) VALUES (?, ?)", call, instance);
      else this.#sql.exec("DELETE FROM live_calls WHERE call = ? AND instance = ?", call, instance);
    }
    this.#unwritten.clear();
  }

  #all(): Map<CallToken, Set<GatewayInstanceId>> {
    if (this.#instances !== undefined) return this.#instances;
    const instances = new Map<CallToken, Set<GatewayInstanceId>>();
    for (const row of this.#sql.exec("SELECT call, instance FROM live_calls").toArray()) {
      const call = parseCallToken(row["call"]);
      const instance = parseGatewayInstanceId(row["instance"]);
      if (call === undefined || instance === undefined) continue;
      instances.set(call, (instances.get(call) ?? new Set()).add(instance));
    }
    this.#instances = instances;
    return instances;
  }
}
