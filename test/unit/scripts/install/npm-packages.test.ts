import { describe, expect, it } from "vitest";
import { packagesAreCurrent } from "../../../../scripts/install/npm-packages.mjs";

const entry = (version: string) => ({ version, integrity: `sha512-${version}` });
const lock = {
  packages: {
    "": { version: "0.1.0" },
    "node_modules/ws": entry("8.23.0"),
    "node_modules/workerd-darwin": { ...entry("1.0.0"), optional: true },
  },
};

describe("packagesAreCurrent", () => {
  it.each([
    ["everything stands there in its version", { "node_modules/ws": entry("8.23.0") }, true],
    [
      "an optional binary of this platform stands there too",
      { "node_modules/ws": entry("8.23.0"), "node_modules/workerd-darwin": entry("1.0.0") },
      true,
    ],
    ["a package is missing", {}, false],
    ["a package has another version", { "node_modules/ws": entry("8.22.0") }, false],
    ["a package has another content", { "node_modules/ws": { version: "8.23.0", integrity: "sha512-other" } }, false],
    [
      "an optional binary is of another version",
      { "node_modules/ws": entry("8.23.0"), "node_modules/workerd-darwin": entry("0.9.0") },
      false,
    ],
  ])("when %s: %o", (_, packages, current) => {
    expect(packagesAreCurrent(lock, { packages })).toBe(current);
  });

  it("takes an installation that never finished for none", () => {
    expect(packagesAreCurrent(lock, undefined)).toBe(false);
    expect(packagesAreCurrent(lock, {})).toBe(false);
  });
});
