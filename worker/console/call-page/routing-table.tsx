import type { JSX } from "preact";
import type { Ladder } from "../api/types.ts";
import { WideTable } from "./wide-table.tsx";

type Routing = Ladder["routing"][number];
type Candidate = Routing["candidates"][number];

const HEADS = ["Way", "Gateway", "Borders", "Round trip", "Distance", "What became of it"];

/** Why the call went where it went. */
export function RoutingTable({ routing }: { readonly routing: Routing }): JSX.Element {
  return (
    <section class="card part" aria-labelledby={`routing-title-${routing.to}`}>
      <h2 id={`routing-title-${routing.to}`}>Why this way to {routing.to}</h2>
      <p>{routing.sentence}</p>
      <WideTable label={`Candidates for ${routing.to}`} heads={HEADS}>
        {routing.candidates.map((candidate, index) => (
          <tr key={index} data-chosen={candidate.verdict === "chosen"}>
            <th scope="row">{candidate.device}</th>
            <td>{candidate.gateway ?? "–"}</td>
            <td>{figure(candidate, `${candidate.crossings}`)}</td>
            <td>{figure(candidate, `${candidate.rttMs} ms`)}</td>
            <td>{figure(candidate, `${Math.round(candidate.distanceKm)} km`)}</td>
            <td>
              <b>{VERDICTS[candidate.verdict]}</b> <small>{candidate.reason}</small>
            </td>
          </tr>
        ))}
      </WideTable>
    </section>
  );
}

/** What has no gateway has no figures either. */
function figure({ gateway }: Candidate, text: string): string {
  return gateway === undefined ? "–" : text;
}

const VERDICTS: Readonly<Record<Candidate["verdict"], string>> = {
  chosen: "Rang.",
  "same-device-farther": "In reserve.",
  "other-device-nearer": "Not rung.",
  expired: "Signed out.",
  "gateway-down": "Out of reach.",
  "no-live-gateway": "Out of reach.",
  unreachable: "Out of reach.",
};
