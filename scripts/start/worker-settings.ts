import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { StartProblem } from "./problem.ts";

const settingsSchema = z.object({
  name: z.string(),
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()).default([]),
  vars: z.record(z.string(), z.string()).default({}),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  migrations: z.array(z.object({ tag: z.string(), new_sqlite_classes: z.array(z.string()).default([]) })),
});

/** The part of wrangler.toml that workerd needs, so that `npm start` and `wrangler deploy` cannot drift apart. */
export interface WorkerSettings {
  readonly name: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly vars: Readonly<Record<string, string>>;
  readonly objects: readonly { readonly binding: string; readonly className: string }[];
}

export function readWorkerSettings(root: string): WorkerSettings {
  return parseWorkerSettings(readFileSync(join(root, "wrangler.toml"), "utf8"));
}

export function parseWorkerSettings(text: string): WorkerSettings {
  const parsed = settingsSchema.safeParse(parse(text));
  if (!parsed.success) throw new StartProblem("settings-broken", `wrangler.toml: ${z.prettifyError(parsed.error)}`);
  const { data } = parsed;
  const sqlite = new Set(data.migrations.flatMap((migration) => migration.new_sqlite_classes));
  const keyValue = data.durable_objects.bindings.filter(({ class_name }) => !sqlite.has(class_name));
  if (keyValue.length > 0) {
    const names = keyValue.map(({ class_name }) => class_name).join(", ");
    throw new StartProblem("settings-broken", `wrangler.toml: add ${names} to new_sqlite_classes of a migration`);
  }
  return {
    name: data.name,
    compatibilityDate: data.compatibility_date,
    compatibilityFlags: data.compatibility_flags,
    vars: data.vars,
    objects: data.durable_objects.bindings.map(({ name, class_name }) => ({ binding: name, className: class_name })),
  };
}
