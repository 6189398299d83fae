import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseWorkerSettings } from "../../../../scripts/start/worker-settings.ts";

const repository = readFileSync(new URL("../../../../wrangler.toml", import.meta.url), "utf8");

describe("parseWorkerSettings", () => {
  it("reads the repository's own wrangler.toml", () => {
    const settings = parseWorkerSettings(repository);
    expect(settings.compatibilityFlags).toContain("nodejs_compat");
    expect(settings.vars).toEqual({ DEVELOPMENT: "false" });
    expect(settings.objects).toContainEqual({ binding: "CALL_INDEX", className: "CallIndexObject" });
  });

  it("refuses an object class that no migration puts on SQLite", () => {
    const text = repository.replace('  "CallObject",\n', "");
    expect(() => parseWorkerSettings(text)).toThrow("add CallObject to new_sqlite_classes of a migration");
  });

  it("says which setting is missing", () => {
    expect(() => parseWorkerSettings(repository.replace(/compatibility_date.*\n/, ""))).toThrow("compatibility_date");
  });
});
