/** What a region knows of a gateway when a call is routed: a snapshot, at most two seconds old. */
import type { GatewayId, GatewayInstanceId, RegionName } from "#protocol/ids";

export interface GatewayStatus {
  readonly gateway: GatewayId;
  readonly region: RegionName;
  readonly host: string;
  readonly trunkPort: number;
  readonly channels: number;
  readonly instance?: GatewayInstanceId;
  /** `suspect`: silent, not proved dead (decision 6). `draining`: finishes its calls and takes no new ones. */
  readonly state: GatewayState;
  /** Its key was taken back: what it said of its phones is not believed any more, so nobody reaches them for it. */
  readonly revoked?: true;
  readonly legs: number;
  /** Share of one core, 0 to 1. */
  readonly cpu: number;
  readonly updatedAtMs: number;
  /** Since when its present state and instance hold; absent for one that was never heard of. */
  readonly sinceMs?: number;
}

export type GatewayState = "up" | "suspect" | "down" | "draining";

const HEALTH_RANKS = { up: 0, suspect: 1, draining: 2, down: undefined } as const;

/** Lower is better for a new call. A dead gateway has no rank: nothing may choose it. */
export function healthRank(state: GatewayState): 0 | 1 | 2 | undefined {
  return HEALTH_RANKS[state];
}
