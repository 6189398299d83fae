import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiProblem } from "../api/api-client.ts";
import type { Softphone } from "../model/softphone.ts";
import { LogoMark } from "./icons.tsx";

function fieldsOf(form: HTMLFormElement): (name: string) => string {
  const fields = new FormData(form);
  return (name) => {
    const value = fields.get(name);
    return typeof value === "string" ? value : "";
  };
}

/** Where somebody signs in: the softphone, or the page of a call. */
export type SignInPlace = Pick<Softphone, "keeper" | "signIn" | "settings" | "region">;

export function SignIn({ at: phone }: { readonly at: SignInPlace }): JSX.Element {
  const [problem, setProblem] = useState<string | undefined>(
    phone.keeper.hasExpired.value ? "You were signed out after a day. Sign in again to go on." : undefined,
  );
  const [isBusy, setBusy] = useState(false);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  // At once: a browser gets round to the autofocus of an element that a script adds only later, and what is typed until then is lost.
  useLayoutEffect(() => name.current?.focus(), []);

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const field = fieldsOf(event.currentTarget);
    setBusy(true);
    setProblem(undefined);
    try {
      await phone.signIn({
        identity: field("identity").trim(),
        sipDomain: field("domain").trim(),
        password: field("password"),
      });
    } catch (error) {
      setProblem(problemWords(error));
      setBusy(false);
      password.current?.select();
    }
  }

  return (
    <main class="sign-in">
      <form class="card" onSubmit={(event) => void submit(event)} aria-labelledby="sign-in-title">
        <Brand />
        <label class="field">
          <span>Name</span>
          <input ref={name} name="identity" required autocomplete="username" autocapitalize="none" spellcheck={false} />
        </label>
        <label class="field">
          <span>Password</span>
          <input
            ref={password}
            name="password"
            type="password"
            required
            autocomplete="current-password"
            aria-describedby={problem === undefined ? undefined : "sign-in-problem"}
          />
        </label>
        <DomainField at={phone} />
        <p class="form-problem" id="sign-in-problem" role="alert">
          {problem}
        </p>
        <button class="primary wide" type="submit" disabled={isBusy}>
          {isBusy ? "Signing in…" : "Sign in"}
        </button>
        {phone.settings.development && <DevelopmentHelp at={phone} />}
      </form>
    </main>
  );
}

function Brand(): JSX.Element {
  return (
    <div class="brand">
      <LogoMark />
      <div>
        <h1 id="sign-in-title">Sign in to Nearside</h1>
        <p class="quiet">Calls in your browser, through the nearest gateway.</p>
      </div>
    </div>
  );
}

function DomainField({ at }: { readonly at: SignInPlace }): JSX.Element {
  const { sipDomains } = at.settings;
  return (
    <label class="field">
      <span>Organisation</span>
      {sipDomains.length > 0 ? (
        <select name="domain">
          {sipDomains.map((domain) => (
            <option key={domain}>{domain}</option>
          ))}
        </select>
      ) : (
        <input
          name="domain"
          required
          autocomplete="organization"
          autocapitalize="none"
          spellcheck={false}
          placeholder="example.com"
        />
      )}
    </label>
  );
}

function DevelopmentHelp({ at: phone }: { readonly at: SignInPlace }): JSX.Element {
  return (
    <div class="development">
      <label class="field">
        <span>Enter in region</span>
        <select
          value={phone.region ?? ""}
          onChange={({ currentTarget }) => {
            const { value } = currentTarget;
            location.search = value === "" ? "" : `?region=${encodeURIComponent(value)}`;
          }}
        >
          <option value="">the nearest</option>
          {phone.settings.regions.map((region) => (
            <option key={region}>{region}</option>
          ))}
        </select>
      </label>
      <p class="quiet">
        A development stack. Its people are alice, bob and carol; their passwords are in <code>.local/stack.json</code>.
      </p>
    </div>
  );
}

function problemWords(error: unknown): string {
  if (!(error instanceof ApiProblem)) return "Nobody answers. Check your network and try again.";
  if (error.code === "sign-in-refused") return "Name, password and organisation do not fit together.";
  if (error.code === "too-many-tries") {
    const minutes = Math.max(1, Math.ceil((error.retryAfterSeconds ?? 60) / 60));
    return `That was wrong too often. Try again in ${minutes === 1 ? "a minute" : `${minutes} minutes`}.`;
  }
  return `That did not work (${error.code}). Try again.`;
}
