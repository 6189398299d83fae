import type { LegStatistics } from "./media-plane.ts";

/** Mutable twin of `LegStatistics`, one for each leg. */
export class LegCounters {
  packetsReceived = 0;
  packetsSent = 0;
  bytesReceived = 0;
  trunkPacketsSent = 0;
  trunkPacketsReceived = 0;

  snapshot(): LegStatistics {
    const { packetsReceived, packetsSent, bytesReceived, trunkPacketsSent, trunkPacketsReceived } = this;
    return { packetsReceived, packetsSent, bytesReceived, trunkPacketsSent, trunkPacketsReceived };
  }
}
