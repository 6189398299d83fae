import type { JSX } from "preact";
import type { Ladder } from "../api/types.ts";
import { WideTable } from "./wide-table.tsx";

type Leg = Ladder["legs"][number];

const HEADS = ["Side", "State", "Gateway", "Region", "Sound", "Packets from the device", "Packets to the device"];

/** Each device's sound: who carries it, how it is coded, how much there was. */
export function MediaTable({ ladder }: { readonly ladder: Ladder }): JSX.Element {
  return (
    <section class="card part" aria-labelledby="media-title">
      <h2 id="media-title">Sound, device by device</h2>
      <WideTable label="Sound of each device" heads={HEADS}>
        {ladder.legs.map((leg) => (
          <tr key={leg.leg}>
            <th scope="row">
              {leg.identity}
              <small>{`${leg.kind} over ${(leg.transport ?? "–").toUpperCase()}`}</small>
            </th>
            <td>{STATES[leg.state] ?? leg.state}</td>
            <td>{leg.gateway ?? "–"}</td>
            <td>{leg.region ?? "–"}</td>
            <td>{leg.codec ?? "–"}</td>
            <td>{packets(leg, "packetsReceived")}</td>
            <td>{packets(leg, "packetsSent")}</td>
          </tr>
        ))}
      </WideTable>
      {ladder.isLive && <p class="quiet">Packets are counted up when a device leaves the call.</p>}
    </section>
  );
}

const STATES: Readonly<Record<string, string>> = {
  calling: "is being rung",
  ringing: "rings",
  answered: "answered",
  connected: "talks",
  ended: "left",
  moving: "moves to another gateway",
};

function packets({ statistics }: Leg, name: string): string {
  const count = statistics?.[name];
  return count === undefined ? "–" : count.toLocaleString();
}
