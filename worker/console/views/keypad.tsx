import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { playKey } from "../media/tones.ts";
import { DIAL_PROBLEM_WORDS } from "../phone/dial-target.ts";
import { BackspaceIcon, PhoneIcon } from "./icons.tsx";
import { usePhone } from "./phone-context.ts";

const KEYS: readonly (readonly [key: string, letters: string])[] = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
];
const LONG_PRESS_MS = 500;

/** Twelve keys; `onLong` is for the one that has a second meaning. */
export function Keys({
  label,
  onKey,
  onLong,
}: {
  readonly label: string;
  readonly onKey: (key: string) => void;
  readonly onLong?: (key: string) => void;
}): JSX.Element {
  const press = useRef<{ timer: ReturnType<typeof setTimeout>; wasLong: boolean } | undefined>(undefined);
  const begin = (letters: string): void => {
    if (letters !== "+" || onLong === undefined) return;
    const now = {
      wasLong: false,
      timer: setTimeout(() => {
        now.wasLong = true;
        onLong("+");
      }, LONG_PRESS_MS),
    };
    press.current = now;
  };
  const finish = (key: string): void => {
    clearTimeout(press.current?.timer);
    const wasLong = press.current?.wasLong === true;
    press.current = undefined;
    if (wasLong) return;
    playKey(key);
    onKey(key);
  };
  return (
    <div class="keys" role="group" aria-label={label}>
      {KEYS.map(([key, letters]) => (
        <button key={key} type="button" class="key" onPointerDown={() => begin(letters)} onClick={() => finish(key)}>
          <b>{key}</b>
          <small aria-hidden="true">{letters}</small>
        </button>
      ))}
    </div>
  );
}

/** Where calls begin: a field for a name or a number, and keys for those who point. */
export function Keypad(): JSX.Element {
  const phone = usePhone();
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const typed = phone.dialText.value;
  useDialFocus(field);

  function write(text: string): void {
    phone.dialText.value = text;
    setProblem(undefined);
  }

  function dial(): void {
    // An empty field brings the last number back, as on any phone.
    const last = phone.lastNumber();
    if (typed.trim() === "" && last !== "") return write(last);
    const target = phone.dial(typed);
    if (!target.ok) setProblem(DIAL_PROBLEM_WORDS[target.code]);
    if (!target.ok) field.current?.focus();
  }

  return (
    <form
      class="keypad"
      aria-label="Call somebody"
      onSubmit={(event) => {
        event.preventDefault();
        dial();
      }}
    >
      <div class="dial-field">
        <input
          ref={field}
          id="dial"
          aria-label="Name or number"
          placeholder="Name or number"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          enterkeyhint="go"
          aria-invalid={problem !== undefined}
          aria-describedby="dial-problem"
          value={typed}
          onInput={({ currentTarget }) => write(currentTarget.value)}
        />
        {typed !== "" && <Backspace onPress={() => write(typed.slice(0, -1))} />}
      </div>
      <p class="form-problem" id="dial-problem" role="alert">
        {problem}
      </p>
      <Keys label="Keypad" onKey={(key) => write(typed + key)} onLong={(key) => write(typed + key)} />
      <button type="submit" class="call-button" aria-label="Call" disabled={phone.link.value.kind === "stopped"}>
        <PhoneIcon />
      </button>
      <EchoHint />
    </form>
  );
}

function Backspace({ onPress }: { readonly onPress: () => void }): JSX.Element {
  return (
    <button type="button" class="plain" aria-label="Delete the last character" onClick={onPress}>
      <BackspaceIcon />
    </button>
  );
}

function EchoHint(): JSX.Element {
  const phone = usePhone();
  return (
    <p class="quiet hint">
      New here? Call{" "}
      <button type="button" class="link" onClick={() => phone.dial("echo")}>
        echo
      </button>{" "}
      and hear yourself.
    </p>
  );
}

/** What is typed anywhere on the page is meant for the field, unless another one has it. */
function useDialFocus(field: { readonly current: HTMLInputElement | null }): void {
  const phone = usePhone();
  // Before the next key can come.
  useLayoutEffect(() => {
    const wide = matchMedia("(min-width: 760px)").matches;
    // On a phone the on-screen keyboard would cover the keys.
    if (wide && isFocusFree()) field.current?.focus();
  }, [field]);
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null) return;
      const isMeant = isFocusFree() ? /^[\w+*#.]$/.test(event.key) : /^[\d+*#]$/.test(event.key);
      if (!isMeant || isEditable(event.target)) return;
      event.preventDefault();
      phone.dialText.value += event.key;
      field.current?.focus();
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [phone, field]);
}

function isFocusFree(): boolean {
  return document.activeElement === null || document.activeElement === document.body;
}

export function isEditable(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}
