import type { LegCounters } from "./leg-counters.ts";
import type { MediaLegKey } from "./media-plane.ts";
import type { PacketSink } from "./packet-relay.ts";

/** Takes an authenticated packet of a leg on to where the leg is joined. The packet may be rewritten. */
export type LegPacketHandler = (leg: MediaLeg, packet: Buffer, nowMs: number) => void;

/** What the plane asks of a leg, whatever its peer speaks. */
export interface MediaLeg extends PacketSink {
  readonly key: MediaLegKey;
  readonly epoch: number;
  readonly counters: LegCounters;
  /** The peer takes no media now: it has put us on hold. */
  readonly holds: boolean;
  /** Called about once a second: time-outs, consent, reports. */
  onSecond(nowMs: number, joined: boolean): void;
  /** Stops sending and listening at once; the ports stay bound until `release`. */
  stop(): void;
  /** Gives the ports back. */
  release(): void;
}
