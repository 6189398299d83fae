/** The enrolled gateways of a region, as stored: a row changes with a gateway's state, never with its heartbeats. */
import { parseGatewayId, parseGatewayInstanceId } from "#protocol/ids";
import type { GatewayId, GatewayInstanceId } from "#protocol/ids";
import type { GatewayState } from "../../domain/routing/gateway-status.ts";
import type { SchemaStep } from "../storage/migrate.ts";
import type { UntoldChannel } from "./key-withdrawal.ts";

export const REGION_SCHEMA: readonly SchemaStep[] = [
  {
    id: 1,
    what: "gateways with key and state",
    sql: `CREATE TABLE IF NOT EXISTS gateways (
      gateway TEXT PRIMARY KEY,
      public_key TEXT NOT NULL,
      revoked INTEGER NOT NULL DEFAULT 0,
      state TEXT NOT NULL DEFAULT 'down',
      instance TEXT,
      state_at_ms INTEGER NOT NULL
    ) WITHOUT ROWID`,
  },
  {
    id: 2,
    what: "channels that have not been told that a key was withdrawn",
    sql: "CREATE TABLE IF NOT EXISTS untold_channels (gateway TEXT NOT NULL, channel INTEGER NOT NULL, PRIMARY KEY (gateway, channel)) WITHOUT ROWID",
  },
];

export interface GatewayRow {
  readonly gateway: GatewayId;
  readonly publicKey: string;
  readonly revoked: boolean;
  readonly state: GatewayState;
  readonly instance: GatewayInstanceId | undefined;
  readonly stateAtMs: number;
}

export class GatewayTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  all(): readonly GatewayRow[] {
    return this.#sql.exec("SELECT * FROM gateways ORDER BY gateway").toArray().flatMap(rowOf);
  }

  get(gateway: GatewayId): GatewayRow | undefined {
    return this.#sql.exec("SELECT * FROM gateways WHERE gateway = ?", gateway).toArray().flatMap(rowOf)[0];
  }

  /** Another key is another gateway process, which has yet to say hello. */
  enrol(gateway: GatewayId, publicKey: string, nowMs: number): void {
    this.#sql.exec(
      `INSERT INTO gateways (gateway, public_key, state_at_ms) VALUES (?, ?, ?)
       ON CONFLICT (gateway) DO UPDATE SET
         state = CASE WHEN public_key = excluded.public_key THEN state ELSE 'down' END,
         public_key = excluded.public_key, revoked = 0`,
      gateway,
      publicKey,
      nowMs,
    );
  }

  revoke(gateway: GatewayId, nowMs: number): void {
    this.#sql.exec(
      "UPDATE gateways SET revoked = 1, state = 'down', state_at_ms = ? WHERE gateway = ?",
      nowMs,
      gateway,
    );
  }

  addUntold({ gateway, channel }: UntoldChannel): void {
    this.#sql.exec("INSERT OR IGNORE INTO untold_channels (gateway, channel) VALUES (?, ?)", gateway, channel);
  }

  removeUntold({ gateway, channel }: UntoldChannel): void {
    this.#sql.exec("DELETE FROM untold_channels WHERE gateway = ? AND channel = ?", gateway, channel);
  }

  untold(): readonly UntoldChannel[] {
    return this.#sql
      .exec("SELECT gateway, channel FROM untold_channels")
      .toArray()
      .flatMap((row) => {
        const gateway = parseGatewayId(row["gateway"]);
        return gateway === undefined ? [] : [{ gateway, channel: Number(row["channel"]) }];
      });
  }

  setState(gateway: GatewayId, state: GatewayState, instance: GatewayInstanceId | undefined, nowMs: number): void {
    this.#sql.exec(
      "UPDATE gateways SET state = ?, instance = ?, state_at_ms = ? WHERE gateway = ?",
      state,
      instance ?? null,
      nowMs,
      gateway,
    );
  }
}

function rowOf(row: Record<string, SqlStorageValue>): readonly GatewayRow[] {
  const gateway = parseGatewayId(row["gateway"]);
  if (gateway === undefined) return [];
  return [
    {
      gateway,
      publicKey: String(row["public_key"]),
      revoked: row["revoked"] === 1,
      state: stateOf(row["state"]),
      instance: parseGatewayInstanceId(row["instance"]),
      stateAtMs: Number(row["state_at_ms"]),
    },
  ];
}

function stateOf(value: unknown): GatewayState {
  return value === "up" || value === "suspect" || value === "draining" ? value : "down";
}
