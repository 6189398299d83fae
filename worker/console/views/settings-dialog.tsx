import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { EndpointSettings, ForwardCondition } from "../api/types.ts";
import { DIAL_PROBLEM_WORDS, parseDialTarget } from "../phone/dial-target.ts";
import { CloseIcon } from "./icons.tsx";
import { usePhone } from "./phone-context.ts";

const FORWARDS: readonly { readonly when: ForwardCondition; readonly label: string }[] = [
  { when: "always", label: "Always" },
  { when: "busy", label: "When I am busy or decline" },
  { when: "noAnswer", label: "When I do not answer" },
  { when: "unreachable", label: "When none of my phones is connected" },
];

/** What becomes of calls to me. */
export function SettingsDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const settings = usePhone().callSettings.value;
  const stored = settings?.stored.value;
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => void settings?.refresh(), [settings]);
  const close = (): void => dialog.current?.close();
  return (
    <dialog class="card dialog" ref={dialog} aria-labelledby="settings-title" onClose={onClose}>
      <div class="dialog-head">
        <h2 id="settings-title">Calls to me</h2>
        <button type="button" class="plain" aria-label="Close" onClick={close}>
          <CloseIcon />
        </button>
      </div>
      {stored === undefined ? (
        <p class="quiet" role="status">
          Looking up how your calls are handled…
        </p>
      ) : (
        <SettingsForm stored={stored} onSaved={close} />
      )}
    </dialog>
  );
}

interface SettingsFormProps {
  readonly stored: EndpointSettings;
  readonly onSaved: () => void;
}

interface Problems {
  readonly words?: string;
  readonly fields: Readonly<Record<string, string>>;
}

function SettingsForm({ stored, onSaved }: SettingsFormProps): JSX.Element {
  const phone = usePhone();
  const [wanted, setWanted] = useState(stored);
  const [problems, setProblems] = useState<Problems>({ fields: {} });
  const [isSaving, setSaving] = useState(false);
  const change = (part: Partial<EndpointSettings>): void => setWanted((before) => ({ ...before, ...part }));

  async function save(): Promise<void> {
    const { identity = "", sipDomain = "" } = phone.session.value ?? {};
    const { forward, fields } = readForwards(wanted.forward, identity, sipDomain);
    if (Object.keys(fields).length > 0) return setProblems({ words: "Not saved: look at what is marked.", fields });
    setSaving(true);
    const outcome = await phone.callSettings.value?.save({ ...wanted, forward });
    setSaving(false);
    if (outcome?.ok === true) onSaved();
    else setProblems(outcome ?? { fields: {} });
  }

  return (
    <form
      class="choice"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!isSaving) void save();
      }}
    >
      <label class="switch">
        <input
          type="checkbox"
          checked={wanted.doNotDisturb}
          onChange={({ currentTarget }) => change({ doNotDisturb: currentTarget.checked })}
        />
        <span>
          <b>Do not disturb</b>
          <small>Nothing rings; callers hear that you are busy.</small>
        </span>
      </label>
      <RingChoice wanted={wanted} onChange={change} />
      <fieldset class="forwards">
        <legend>Forward calls</legend>
        {FORWARDS.map(({ when, label }) => (
          <ForwardField
            key={when}
            label={label}
            value={wanted.forward[when] ?? ""}
            problem={problems.fields[`forward.${when}`]}
            onChange={(target) => change({ forward: { ...wanted.forward, [when]: target } })}
          />
        ))}
      </fieldset>
      <p class="form-problem" role="alert">
        {problems.words}
      </p>
      <button type="submit" class="primary" aria-disabled={isSaving}>
        {isSaving ? "Saving…" : "Save"}
      </button>
    </form>
  );
}

const RING_SECONDS = [10, 15, 20, 30, 45, 60] as const;

interface RingChoiceProps {
  readonly wanted: EndpointSettings;
  readonly onChange: (part: Partial<EndpointSettings>) => void;
}

function RingChoice({ wanted, onChange }: RingChoiceProps): JSX.Element {
  const { ring, ringTimeoutSeconds } = wanted;
  // An application may have chosen another one.
  const choices = [...new Set([...RING_SECONDS, ringTimeoutSeconds])].toSorted((a, b) => a - b);
  return (
    <div class="pair">
      <label class="field">
        <span>Ring</span>
        <select
          value={ring}
          onChange={({ currentTarget }) => onChange({ ring: currentTarget.value === "nearest" ? "nearest" : "all" })}
        >
          <option value="all">All my phones</option>
          <option value="nearest">Only the best one</option>
        </select>
      </label>
      <label class="field">
        <span>For at most</span>
        <select
          value={ringTimeoutSeconds}
          onChange={({ currentTarget }) => onChange({ ringTimeoutSeconds: Number(currentTarget.value) })}
        >
          {choices.map((seconds) => (
            <option key={seconds} value={seconds}>
              {seconds} seconds
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

interface ForwardFieldProps {
  readonly label: string;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onChange: (target: string) => void;
}

function ForwardField({ label, value, problem, onChange }: ForwardFieldProps): JSX.Element {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        placeholder="Nowhere"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        aria-invalid={problem !== undefined}
        value={value}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
      {problem !== undefined && <span class="form-problem">{problem}</span>}
    </label>
  );
}

/** As they go to the API: empty ones are none. */
function readForwards(
  written: EndpointSettings["forward"],
  identity: string,
  sipDomain: string,
): { readonly forward: EndpointSettings["forward"]; readonly fields: Readonly<Record<string, string>> } {
  const forward: Partial<Record<ForwardCondition, string>> = {};
  const fields: Record<string, string> = {};
  for (const { when } of FORWARDS) {
    const target = parseDialTarget(written[when] ?? "", sipDomain);
    if (target.ok && target.user === identity) fields[`forward.${when}`] = "That is you: calls would go in a circle.";
    else if (target.ok) forward[when] = target.user;
    else if (target.code !== "nothing-typed") fields[`forward.${when}`] = DIAL_PROBLEM_WORDS[target.code];
  }
  return { forward, fields };
}
