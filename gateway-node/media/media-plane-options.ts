import type { GatewayId, GatewayInstanceId } from "#protocol/ids";
import type { MediaPlaneEvents } from "./media-plane.ts";

export interface MediaTimer {
  clear(): void;
}

/** Time as the media plane sees it; `nowMs` is Unix time. */
export interface MediaClock {
  nowMs(): number;
  setTimer(ms: number, run: () => void): MediaTimer;
}

export interface MediaLogEvent {
  /** Stable kebab-case name. */
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface MediaPlaneOptions {
  readonly gateway: GatewayId;
  readonly instance: GatewayInstanceId;
  /** Address of RTP legs and of the trunk. */
  readonly host: string;
  /** Addresses offered to browsers, one candidate each; empty: `planMediaHosts` chooses. */
  readonly mediaHosts: readonly string[];
  readonly rtpPorts: readonly [number, number];
  readonly trunkPort: number;
  /** 32 bytes that all gateways share and the Worker never sees. */
  readonly fleetKey: Buffer;
  readonly clock: MediaClock;
  readonly events: MediaPlaneEvents;
  count(counter: string, by?: number): void;
  log(event: MediaLogEvent): void;
}

/** What every part of the plane needs; the rest of the options concerns one part only. */
export type MediaContext = Pick<MediaPlaneOptions, "clock" | "events" | "count" | "log" | "fleetKey">;
