import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { PastCall } from "../api/types.ts";
import { CallPageLink } from "./call-page-link.tsx";
import { DirectionIcon, PhoneIcon } from "./icons.tsx";
import { usePhone } from "./phone-context.ts";
import { durationText, durationWords, momentText } from "./time-words.ts";

export function HistoryPanel(): JSX.Element {
  const history = usePhone().history.value;
  const calls = history?.calls.value;
  useEffect(() => void history?.refresh(), [history]);
  return (
    <section class="panel" aria-labelledby="history-title">
      <h2 id="history-title">Recent calls</h2>
      {history?.hasFailed.value === true && <p class="note">No connection: the list may be out of date.</p>}
      {calls?.length === 0 && <p class="quiet">No calls yet. The first one will stand here.</p>}
      <ul class="rows">
        {calls?.map((call) => (
          <HistoryRow key={call.sid} call={call} />
        ))}
      </ul>
      {history?.more.value === true && (
        <button type="button" class="secondary" onClick={() => void history.showMore()}>
          Show earlier calls
        </button>
      )}
    </section>
  );
}

function HistoryRow({ call }: { readonly call: PastCall }): JSX.Element {
  const phone = usePhone();
  const isMissed = call.outcome === "missed";
  const at = new Date(call.createdAt);
  return (
    <li class="row" data-missed={isMissed}>
      <span class="direction">
        <DirectionIcon kind={isMissed ? "missed" : call.direction} />
      </span>
      <span class="row-text">
        <b>{call.peer}</b>
        <small>
          {outcomeWords(call)} · <time dateTime={call.createdAt}>{momentText(at, new Date())}</time>
        </small>
      </span>
      <CallPageLink sid={call.sid} peer={call.peer} />
      <button type="button" class="round" aria-label={`Call ${call.peer} again`} onClick={() => phone.dial(call.peer)}>
        <PhoneIcon />
      </button>
    </li>
  );
}

function outcomeWords({ direction, outcome, answeredAt, endedAt }: PastCall): JSX.Element | string {
  switch (outcome) {
    case "answered": {
      const ms = answeredAt === null || endedAt === null ? 0 : Date.parse(endedAt) - Date.parse(answeredAt);
      return (
        <>
          <span class="hidden">{`${direction === "outgoing" ? "Outgoing" : "Incoming"}, ${durationWords(ms)}`}</span>
          <span aria-hidden="true">{durationText(ms)}</span>
        </>
      );
    }
    case "in-progress":
      return "Now";
    case "missed":
      return "Missed";
    case "declined":
      return "You declined";
    case "busy":
      return "Busy";
    case "no-answer":
      return "No answer";
    case "canceled":
      return "Cancelled";
    case "failed":
      return "Failed";
  }
}
