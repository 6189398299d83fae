import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { DIAL_PROBLEM_WORDS } from "../phone/dial-target.ts";
import type { DialTarget } from "../phone/dial-target.ts";
import type { SipCall } from "../phone/sip-call.ts";
import { usePhone } from "./phone-context.ts";

const SUGGESTIONS = 4;

/** To whom the other side of a call is put through: at once, or after a word with them. */
export function TransferPanel({ call, onDone }: { readonly call: SipCall; readonly onDone: () => void }): JSX.Element {
  const phone = usePhone();
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState("");
  const [problem, setProblem] = useState<string | undefined>(undefined);
  useLayoutEffect(() => field.current?.focus(), []);

  function finish(target: DialTarget): void {
    if (target.ok) return onDone();
    setProblem(DIAL_PROBLEM_WORDS[target.code]);
    field.current?.focus();
  }

  return (
    <form
      class="transfer card"
      aria-label={`Transfer ${call.peer}`}
      onKeyDown={({ key }) => {
        if (key === "Escape") onDone();
      }}
      onSubmit={(event) => {
        event.preventDefault();
        finish(phone.transfer(call, typed));
      }}
    >
      <label class="field">
        <span>Put {call.peer} through to</span>
        <input
          ref={field}
          placeholder="Name or number"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          enterkeyhint="go"
          aria-invalid={problem !== undefined}
          aria-describedby="transfer-problem"
          value={typed}
          onInput={({ currentTarget }) => {
            setTyped(currentTarget.value);
            setProblem(undefined);
          }}
        />
      </label>
      <p class="form-problem" id="transfer-problem" role="alert">
        {problem}
      </p>
      <Suggestions typed={typed} besides={call.peerIdentity} onPick={setTyped} />
      <div class="buttons">
        <button type="submit" class="primary">
          Transfer now
        </button>
        {/* A call as any: this one waits, and the strip above offers to connect the two. */}
        <button type="button" class="secondary" onClick={() => finish(phone.dial(typed))}>
          Ask them first
        </button>
      </div>
    </form>
  );
}

interface SuggestionsProps {
  readonly typed: string;
  readonly besides: string;
  readonly onPick: (identity: string) => void;
}

/** Contacts that fit what is typed, those who are there first. */
function Suggestions({ typed, besides, onPick }: SuggestionsProps): JSX.Element | null {
  const contacts = usePhone().contacts.value?.list.value ?? [];
  const wanted = typed.trim().toLowerCase();
  const fitting = contacts
    .filter(({ identity }) => identity !== besides && identity.includes(wanted) && identity !== wanted)
    .toSorted((a, b) => Number(b.presence === "online") - Number(a.presence === "online"))
    .slice(0, SUGGESTIONS);
  if (fitting.length === 0) return null;
  return (
    <ul class="suggestions" aria-label="Contacts">
      {fitting.map(({ identity, presence }) => (
        <li key={identity} data-presence={presence}>
          <button type="button" class="secondary" onClick={() => onPick(identity)}>
            <i class="dot" aria-hidden="true" />
            {identity}
            <span class="hidden">, {presence}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
