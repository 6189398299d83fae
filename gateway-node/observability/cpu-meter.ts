/** Share of one core that this process used since it was last asked, 0 to 1. */
import type { Clock } from "../clock.ts";

export function createCpuMeter(clock: Clock): () => number {
  let last = process.cpuUsage();
  let lastAtMs = clock.nowMs();
  return () => {
    const usage = process.cpuUsage();
    const nowMs = clock.nowMs();
    const usedMs = (usage.user - last.user + usage.system - last.system) / 1000;
    const share = nowMs > lastAtMs ? usedMs / (nowMs - lastAtMs) : 0;
    last = usage;
    lastAtMs = nowMs;
    return Math.min(1, Math.max(0, share));
  };
}
