import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { Ladder } from "../api/types.ts";
import { LogoMark } from "../views/icons.tsx";
import { SignIn } from "../views/sign-in.tsx";
import type { CallReader } from "./call-reader.ts";
import { LadderPicture } from "./ladder-picture.tsx";
import { MediaTable } from "./media-table.tsx";
import { RoutingTable } from "./routing-table.tsx";
import { Summary } from "./summary.tsx";
import { Timeline } from "./timeline.tsx";

export function CallPage({ reader }: { readonly reader: CallReader }): JSX.Element {
  const session = reader.keeper.session.value;
  return (
    <>
      <div class="hidden" aria-live="polite">
        {reader.news.value}
      </div>
      {session === undefined ? <SignIn at={reader} /> : <Told reader={reader} identity={session.identity} />}
    </>
  );
}

function Told({ reader, identity }: { readonly reader: CallReader; readonly identity: string }): JSX.Element {
  const reading = reader.reading.value;
  const ladder = reading.kind === "read" ? reading.ladder : undefined;
  return (
    <div class="call-page">
      <header class="top">
        <a class="brand-name" href="/" aria-label="Nearside, to the phone">
          <LogoMark />
          <span>Nearside</span>
        </a>
        <p class="live-state" data-live={ladder?.isLive === true} role="status">
          <i class="dot" aria-hidden="true" />
          <span>{stateWords(ladder, reader.isOutOfReach.value)}</span>
        </p>
        <span class="who">{identity}</span>
      </header>
      <main>
        {ladder !== undefined && <Parts ladder={ladder} />}
        {reading.kind === "unknown" && (
          <section class="card part">
            <h1>No such call</h1>
            <p class="quiet">There is no call with this number, or you had no part in it.</p>
          </section>
        )}
        {reading.kind === "reading" && <p class="quiet reading">Reading the call…</p>}
      </main>
    </div>
  );
}

function stateWords(ladder: Ladder | undefined, isOutOfReach: boolean): string {
  if (isOutOfReach) return "No connection, trying again…";
  if (ladder === undefined) return "";
  return ladder.isLive ? "Live" : "Over";
}

function Parts({ ladder }: { readonly ladder: Ladder }): JSX.Element {
  const { from, to } = ladder;
  useEffect(() => {
    document.title = `${from} → ${to} · Nearside`;
  }, [from, to]);
  return (
    <>
      <Summary ladder={ladder} />
      <Timeline ladder={ladder} />
      <LadderPicture ladder={ladder} />
      {ladder.routing.map((routing) => (
        <RoutingTable key={routing.to} routing={routing} />
      ))}
      <MediaTable ladder={ladder} />
    </>
  );
}
