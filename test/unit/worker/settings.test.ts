import { describe, expect, it } from "vitest";
import { ConfigurationError, readSettings } from "../../../worker/settings.ts";

const GOOD = { OPERATOR_TOKEN: "0123456789abcdef", CALL_TOKEN_KEY: "ab".repeat(32) };

describe("the Worker's settings", () => {
  it("take the bundled map when none is given, and are no development unless it is said", () => {
    const settings = readSettings(GOOD);
    expect(settings.regions.regions.map(({ name }) => name)).toEqual(["us-east", "eu-west", "ap-south"]);
    expect(settings.development).toBe(false);
    expect(readSettings({ ...GOOD, DEVELOPMENT: "true" }).development).toBe(true);
    expect(Object.isFrozen(settings)).toBe(true);
  });

  it("tell every problem at once, and no secret", () => {
    const broken = { OPERATOR_TOKEN: "hush", CALL_TOKEN_KEY: "hushhush", DEVELOPMENT: "yes", REGION_CONFIG: "{}" };
    let caught: unknown;
    try {
      readSettings(broken);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(ConfigurationError);
    const { problems, message } = caught as ConfigurationError;
    for (const name of ["OPERATOR_TOKEN", "CALL_TOKEN_KEY", "DEVELOPMENT", "REGION_CONFIG"])
      expect(
        problems.some((problem) => problem.startsWith(name)),
        name,
      ).toBe(true);
    expect(message).not.toContain("hush");
  });

  it("refuse a map that is no JSON", () => {
    expect(() => readSettings({ ...GOOD, REGION_CONFIG: "{" })).toThrow(/REGION_CONFIG must be JSON/);
  });
});
