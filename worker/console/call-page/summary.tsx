import type { JSX } from "preact";
import type { Ladder } from "../api/types.ts";
import { Timer } from "../views/timer.tsx";
import { durationText } from "../views/time-words.ts";
import { dateText } from "./clock-text.ts";

/** Who called whom and how it went, for a glance. */
export function Summary({ ladder }: { readonly ladder: Ladder }): JSX.Element {
  const { from, to, isLive, outcome, startedAtMs, answeredAtMs, moves } = ladder;
  return (
    <section class="card part summary" aria-labelledby="summary-title">
      <h1 id="summary-title">
        {from} {isLive ? "calls" : "called"} {to}
      </h1>
      <p class="outcome">{outcome}</p>
      <dl class="facts">
        <Fact name="Began">
          <time dateTime={new Date(startedAtMs).toISOString()}>{dateText(startedAtMs)}</time>
        </Fact>
        <Fact name="Answered after">
          {answeredAtMs === undefined ? "–" : `${((answeredAtMs - startedAtMs) / 1_000).toFixed(1)} s`}
        </Fact>
        <Fact name="Talked for">{talkTime(ladder)}</Fact>
        <Fact name="Way">{wayWords(ladder)}</Fact>
      </dl>
      {moves.map(({ text, leg, atMs, state }) => (
        <p class="note moved" data-state={state} key={`${leg} ${atMs}`}>
          {text}
          {state === "done" && " Nobody had to do anything."}
        </p>
      ))}
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: JSX.Element | string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function talkTime({ answeredAtMs, endedAtMs }: Ladder): JSX.Element | string {
  if (answeredAtMs === undefined) return "–";
  return endedAtMs === undefined ? <Timer sinceMs={answeredAtMs} /> : durationText(endedAtMs - answeredAtMs);
}

/** Gateways of both sides as they are now. */
function wayWords({ legs }: Ladder): string {
  const of = (side: "caller" | "callee"): string | undefined => {
    const ofSide = legs.filter((leg) => leg.side === side && leg.gateway !== undefined);
    return (ofSide.find(({ codec }) => codec !== undefined) ?? ofSide[0])?.gateway;
  };
  const gateways = [...new Set([of("caller"), of("callee")].filter((gateway) => gateway !== undefined))];
  return gateways.length === 0 ? "–" : gateways.join(" → ");
}
