import { expect, it } from "vitest";
import { cpuMs, familyCpuMs } from "../../../bench/support/process-cpu.ts";

it("reads the CPU time of this very process as Node does, to within a few ticks", () => {
  const { user, system } = process.cpuUsage();
  expect(Math.abs(cpuMs(process.pid) - (user + system) / 1000)).toBeLessThan(200);
});

it("counts a process that is gone as nothing", () => {
  expect(cpuMs(4_194_305)).toBe(0);
});

it("counts children with their parent", () => {
  const own = cpuMs(process.pid);
  expect(familyCpuMs(process.ppid)).toBeGreaterThanOrEqual(own);
});
