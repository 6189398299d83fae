import type { JSX } from "preact";
import type { Ladder } from "../api/types.ts";
import { sinceText } from "./clock-text.ts";

type Entry = Ladder["entries"][number];

/** What happened, without the messages. */
export function Timeline({ ladder }: { readonly ladder: Ladder }): JSX.Element {
  return (
    <section class="card part" aria-labelledby="timeline-title">
      <h2 id="timeline-title">What happened</h2>
      <ol class="timeline">{ladder.entries.map((entry, index) => happening(entry, index))}</ol>
    </section>
  );
}

function happening(entry: Entry, index: number): JSX.Element | null {
  if (entry.kind === "message") return null;
  return (
    <li key={index} data-kind={entry.kind}>
      <span class="at">{sinceText(entry.atMs)}</span>
      <span>{entry.text}</span>
    </li>
  );
}
