import { signal } from "@preact/signals";
import { ApiProblem } from "../api/api-client.ts";
import type { ApiClient } from "../api/api-client.ts";
import type { EndpointSettings } from "../api/types.ts";

const LOOK_EVERY_MS = 30_000;

export type SaveOutcome =
  | { readonly ok: true }
  /** `fields`: what is wrong where, by the path in the settings. */
  | { readonly ok: false; readonly words: string; readonly fields: Readonly<Record<string, string>> };

/** What becomes of calls to me: do not disturb, forwarding, how long and where it rings. Other pages may change it too. */
export class CallSettings {
  readonly stored = signal<EndpointSettings | undefined>(undefined);
  readonly #api: ApiClient;
  readonly #timer: ReturnType<typeof setInterval>;
  #changes = 0;

  constructor(api: ApiClient) {
    this.#api = api;
    this.#timer = setInterval(this.#look, LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", this.#look);
    void this.refresh();
  }

  close(): void {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#look);
  }

  async refresh(): Promise<void> {
    const changes = this.#changes;
    try {
      const settings = await this.#api.settings();
      // What was saved meanwhile is newer.
      if (changes === this.#changes) this.stored.value = settings;
    } catch {
      // The next look asks again; until then what was known is shown.
    }
  }

  async save(settings: EndpointSettings): Promise<SaveOutcome> {
    this.#changes += 1;
    try {
      this.stored.value = await this.#api.storeSettings(settings);
      return { ok: true };
    } catch (error) {
      return outcomeOf(error);
    }
  }

  readonly #look = (): void => {
    if (document.visibilityState === "visible") void this.refresh();
  };
}

function outcomeOf(error: unknown): SaveOutcome {
  if (!(error instanceof ApiProblem))
    return {
      ok: false,
      words: "No answer: it may not have been saved. Check your network and save again.",
      fields: {},
    };
  if (error.status === 400) {
    const fields = Object.fromEntries(error.problems.map(fieldProblem));
    return { ok: false, words: "Not saved: look at what is marked.", fields };
  }
  if (error.status === 401) return { ok: false, words: "Not saved: sign out and in again.", fields: {} };
  return { ok: false, words: "Not saved: this is on our side. Save again in a few seconds.", fields: {} };
}

/** The API writes `forward.always: forward-target-foreign`. */
function fieldProblem(problem: string): readonly [string, string] {
  const [field = "", rule = ""] = problem.split(": ");
  if (rule === "forward-target-foreign") return [field, "Only people and numbers of your own organisation."];
  if (rule === "forward-target-invalid") return [field, "That is neither a name nor a number."];
  return [field, "This value cannot be used."];
}

/** For the top of the page; nothing when calls ring as usual. */
export function settingsWords({ doNotDisturb, forward }: EndpointSettings): string | undefined {
  if (forward.always !== undefined) return `Forwarding to ${forward.always}`;
  if (doNotDisturb) return forward.busy === undefined ? "Do not disturb" : `Do not disturb · to ${forward.busy}`;
  return undefined;
}
