import { describe, expect, it } from "vitest";
import {
  describeMissing,
  installObstacle,
  missingTools,
  SYSTEM_TOOLS,
} from "../../../../scripts/test/debian-packages.ts";

describe("missingTools", () => {
  it("finds a tool wherever it came from", () => {
    const missing = missingTools((file) => file !== "/usr/bin/sipp" && !file.endsWith("/sox"));
    expect(missing.map((tool) => tool.package)).toEqual(["sox"]);
  });

  it("names every package on a bare machine", () => {
    expect(missingTools(() => false)).toEqual(SYSTEM_TOOLS);
  });
});

it.each([
  [0, true, undefined],
  [1000, true, "installing needs root"],
  [undefined, true, "installing needs root"],
  [0, false, "this system has no apt-get"],
])("with user %s and apt-get there %s, what keeps us from installing is %s", (uid, apt, obstacle) => {
  // Not undefined: that would ask for the user who runs this test.
  expect(installObstacle(uid ?? -1, () => apt)).toBe(obstacle);
});

it("says exactly what is left out, and why", () => {
  const [chromium] = SYSTEM_TOOLS;
  if (chromium === undefined) throw new Error("there are tools");
  expect(describeMissing([chromium], "installing needs root")).toEqual([
    "left out: calls from Chromium, because chromium is missing and installing needs root",
  ]);
  expect(describeMissing([chromium], undefined)[0]).toContain("apt-get could not install it");
});
