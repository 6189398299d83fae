import { SQLSchemaMigrations } from "durable-utils/sql-migrations";

/** One step of an object's schema. Ids rise by one; a step that shipped never changes. */
export interface SchemaStep {
  readonly id: number;
  readonly what: string;
  readonly sql: string;
}

/** Brings an object's tables up to date before its first event; nothing else of the object runs meanwhile. Settles when they are. */
export async function migrate(ctx: DurableObjectState, steps: readonly SchemaStep[]): Promise<void> {
  const migrations = new SQLSchemaMigrations({
    doStorage: ctx.storage,
    migrations: steps.map(({ id, what, sql }) => ({ idMonotonicInc: id, description: what, sql })),
  });
  await ctx.blockConcurrencyWhile(async () => {
    await migrations.runAll();
  });
}
