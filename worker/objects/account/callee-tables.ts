/** An account's rows about calls to its endpoints and numbers. */
import type { EndpointId } from "#protocol/ids";
import type { CalleePlan, EndpointSettings, NumberSettings } from "../../domain/accounts/callee-plan.ts";

export class CalleeTables {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  plan(endpoint: EndpointId): CalleePlan {
    const settings = this.settings(endpoint);
    const number = this.number(endpoint);
    return { ...(settings === undefined ? {} : { settings }), ...(number === undefined ? {} : { number }) };
  }

  settings(identity: EndpointId): EndpointSettings | undefined {
    const json = this.#read("SELECT settings FROM endpoint_settings WHERE identity = ?", identity);
    return json === undefined ? undefined : (JSON.parse(json) as EndpointSettings);
  }

  storeSettings(identity: EndpointId, settings: EndpointSettings): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO endpoint_settings (identity, settings) VALUES (?, ?)",
      identity,
      JSON.stringify(settings),
    );
  }

  number(endpoint: EndpointId): NumberSettings | undefined {
    const json = this.#read("SELECT settings FROM numbers WHERE endpoint = ?", endpoint);
    return json === undefined ? undefined : (JSON.parse(json) as NumberSettings);
  }

  numbers(): readonly NumberSettings[] {
    return this.#sql
      .exec("SELECT settings FROM numbers ORDER BY endpoint")
      .toArray()
      .map((row) => JSON.parse(String(row["settings"])) as NumberSettings);
  }

  countNumbers(): number {
    return Number(this.#sql.exec("SELECT count(*) AS numbers FROM numbers").one()["numbers"]);
  }

  storeNumber(endpoint: EndpointId, settings: NumberSettings): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO numbers (endpoint, settings) VALUES (?, ?)",
      endpoint,
      JSON.stringify(settings),
    );
  }

  removeNumber(endpoint: EndpointId): boolean {
    return this.#sql.exec("DELETE FROM numbers WHERE endpoint = ? RETURNING endpoint", endpoint).toArray().length > 0;
  }

  #read(query: string, endpoint: EndpointId): string | undefined {
    const [row] = this.#sql.exec(query, endpoint).toArray();
    return row === undefined ? undefined : String(row["settings"]);
  }
}
