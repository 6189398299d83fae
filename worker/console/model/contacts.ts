import { signal } from "@preact/signals";
import type { ApiClient } from "../api/api-client.ts";
import type { Contact } from "../api/types.ts";

const LOOK_EVERY_MS = 3_000;

/** The other people of the account, looked at every three seconds while somebody looks at the page. */
export class Contacts {
  readonly list = signal<readonly Contact[] | undefined>(undefined);
  readonly more = signal(false);
  readonly search = signal("");
  readonly isStale = signal(false);
  readonly #api: ApiClient;
  readonly #timer: ReturnType<typeof setInterval>;
  #asked = 0;

  constructor(api: ApiClient) {
    this.#api = api;
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", this.#lookNow);
    void this.refresh();
  }

  close(): void {
    clearInterval(this.#timer);
    document.removeEventListener("visibilitychange", this.#lookNow);
  }

  async searchFor(text: string): Promise<void> {
    this.search.value = text;
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const { contacts, more } = await this.#api.contacts(this.search.value.trim());
      // An answer to an older question may come later.
      if (asked !== this.#asked) return;
      this.list.value = contacts;
      this.more.value = more;
      this.isStale.value = false;
    } catch {
      if (asked === this.#asked) this.isStale.value = true;
    }
  }

  readonly #lookNow = (): void => void this.#look();

  async #look(): Promise<void> {
    if (document.visibilityState === "visible") await this.refresh();
  }
}
