import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { Ladder } from "../api/types.ts";
import { sinceText } from "./clock-text.ts";

type Entry = Ladder["entries"][number];
type MessageEntry = Extract<Entry, { readonly kind: "message" }>;
type Party = Ladder["parties"][number];

const KIND_WORDS: Readonly<Record<Party["kind"], string>> = {
  phone: "phone",
  browser: "browser",
  number: "number",
  gateway: "gateway",
  worker: "control",
};

/** The messages between the parties as arrows, in the order of time; each says on demand what it means. */
export function LadderPicture({ ladder }: { readonly ladder: Ladder }): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  const chosen = useSignal(0);
  const messages = ladder.entries.filter((entry) => entry.kind === "message");
  return (
    <section class="card part" aria-labelledby="ladder-title">
      <h2 id="ladder-title">Message by message</h2>
      <p class="quiet">
        The messages of the call, from top to bottom. Point at one, or go through them with the arrow keys, to see what
        it means.
      </p>
      {messages.length === 0 && <p class="quiet">No messages are known yet.</p>}
      <div class="ladder" data-columns={ladder.parties.length}>
        <Heads parties={ladder.parties} />
        <div class="life-lines lanes" aria-hidden="true">
          {ladder.parties.map(({ id }) => (
            <i key={id} />
          ))}
        </div>
        <ol class="steps" ref={list} onKeyDown={(event) => moveFocus(event, list.current, chosen)}>
          {ladder.entries.map((entry, index) => (
            <Step
              key={index}
              entry={entry}
              parties={ladder.parties}
              number={entry.kind === "message" ? messages.indexOf(entry) : -1}
              chosen={chosen}
            />
          ))}
        </ol>
      </div>
      {ladder.omittedMessages > 0 && (
        <p class="note">{ladder.omittedMessages} messages from the middle of this long call are not shown.</p>
      )}
    </section>
  );
}

function Heads({ parties }: { readonly parties: readonly Party[] }): JSX.Element {
  return (
    <div class="heads" aria-hidden="true">
      {parties.map(({ id, name, kind }) => (
        <span key={id} data-kind={kind}>
          <b>{name}</b>
          <small>{KIND_WORDS[kind]}</small>
        </span>
      ))}
    </div>
  );
}

interface StepProps {
  readonly entry: Entry;
  readonly parties: readonly Party[];
  /** Among the messages. */
  readonly number: number;
  readonly chosen: Signal<number>;
}

function Step({ entry, parties, number, chosen }: StepProps): JSX.Element {
  if (entry.kind !== "message") {
    return (
      <li class="step" data-kind={entry.kind}>
        <span class="at">{sinceText(entry.atMs)}</span>
        <span class="event">{entry.text}</span>
      </li>
    );
  }
  return (
    <li class="step" data-kind="message" data-repeat={entry.repeat} data-class={classOf(entry)}>
      <span class="at">{sinceText(entry.atMs)}</span>
      <span class="lanes">
        <Arrow entry={entry} parties={parties} number={number} chosen={chosen} />
      </span>
    </li>
  );
}

function Arrow({ entry, parties, number, chosen }: StepProps & { readonly entry: MessageEntry }): JSX.Element {
  const [from, to] = [entry.from, entry.to].map((id) => parties.findIndex((party) => party.id === id));
  const [left, right] = [Math.min(from ?? 0, to ?? 0), Math.max(from ?? 0, to ?? 0)];
  const meaning = `meaning-${number}`;
  return (
    <span class="arrow" data-left={left} data-span={right - left} data-to={(from ?? 0) < (to ?? 0) ? "right" : "left"}>
      <button
        type="button"
        data-number={number}
        tabIndex={chosen.value === number ? 0 : -1}
        aria-describedby={meaning}
        onFocus={() => {
          chosen.value = number;
        }}
      >
        <span class="hidden">{`${nameOf(entry, entry.from)} to ${nameOf(entry, entry.to)}: `}</span>
        <Label text={entry.label} />
      </button>
      <span class="meaning" role="tooltip" id={meaning}>
        <b>{entry.label}</b>
        <span>{entry.meaning}</span>
        <small>{detailsOf(entry)}</small>
      </span>
    </span>
  );
}

function nameOf({ device, via }: MessageEntry, end: MessageEntry["from"]): string {
  if (end === "caller" || end === "callee") return device;
  return end === "worker" ? "Worker" : `gateway ${via}`;
}

/** A small screen has no room for the phrase of a status. */
function Label({ text }: { readonly text: string }): JSX.Element {
  const [, status, phrase] = /^(\d{3}) (.+)$/.exec(text) ?? [];
  return (
    <span class="label">
      {status ?? text}
      {phrase !== undefined && <span class="phrase"> {phrase}</span>}
    </span>
  );
}

function detailsOf({ device, via, cseq, method, sdp, repeat }: MessageEntry): string {
  const sound = sdp === undefined ? [] : [`sound: ${sdp.codecs.join(", ")}, ${DIRECTIONS[sdp.direction]}`];
  return [device, `through ${via}`, `number ${cseq} ${method}`, ...sound, ...(repeat ? ["repeated"] : [])].join(" · ");
}

const DIRECTIONS = {
  sendrecv: "both ways",
  sendonly: "one way, on hold",
  recvonly: "one way, held",
  inactive: "silent",
} as const;

/** Colours: asked, on the way, yes, no. */
function classOf({ status }: MessageEntry): string {
  if (status === undefined) return "request";
  if (status < 200) return "provisional";
  return status < 300 || status === 401 || status === 407 ? "success" : "failure";
}

/** One stop for the Tab key, and arrow keys within: a ladder is long. */
function moveFocus(event: KeyboardEvent, list: HTMLOListElement | null, chosen: Signal<number>): void {
  const buttons = [...(list?.querySelectorAll<HTMLButtonElement>("button") ?? [])];
  const here = buttons.findIndex((button) => button.dataset["number"] === String(chosen.value));
  const next = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 }[event.key];
  const target = next === undefined ? undefined : buttons[Math.max(0, Math.min(next, buttons.length - 1))];
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}
