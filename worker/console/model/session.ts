import { signal } from "@preact/signals";
import { ApiProblem } from "../api/api-client.ts";
import type { ApiClient } from "../api/api-client.ts";

/** Somebody who is signed in. */
export interface Session {
  readonly identity: string;
  readonly sipDomain: string;
  readonly token: string;
  readonly expiresAtMs: number;
}

/** For this tab only: gone with it. */
const STORED_KEY = "nearside.session";
const RENEW_BEFORE_MS = 15 * 60_000;
const LOOK_EVERY_MS = 30_000;

/** Keeps the access token: over reloads of the tab, and renewed while the page is open. */
export class SessionKeeper {
  readonly session = signal<Session | undefined>(undefined);
  /** The session ended by itself, not by its user. */
  readonly hasExpired = signal(false);
  onRenewed: () => void = () => {};

  constructor() {
    const stored = readStored();
    if (stored !== undefined && stored.expiresAtMs > Date.now()) this.session.value = stored;
  }

  get token(): string | undefined {
    return this.session.value?.token;
  }

  begin(session: Session): void {
    this.hasExpired.value = false;
    this.#keep(session);
  }

  end({ expired = false } = {}): void {
    this.hasExpired.value = expired;
    this.session.value = undefined;
    sessionStorage.removeItem(STORED_KEY);
  }

  /** Looks at the clock now and then: a timer for an hour ahead sleeps with the machine. */
  watch(api: ApiClient): void {
    setInterval(() => void this.renewWhenDue(api), LOOK_EVERY_MS);
    document.addEventListener("visibilitychange", () => void this.renewWhenDue(api));
  }

  async renewWhenDue(api: ApiClient): Promise<void> {
    const session = this.session.value;
    if (session === undefined || session.expiresAtMs - Date.now() > RENEW_BEFORE_MS) return;
    try {
      const { token, expiresAt } = await api.renew();
      if (this.session.value?.token !== session.token) return;
      this.#keep({ ...session, token, expiresAtMs: Date.parse(expiresAt) });
      this.onRenewed();
    } catch (error) {
      const isRefused = error instanceof ApiProblem && error.status === 401;
      if (isRefused && session.expiresAtMs <= Date.now()) this.end({ expired: true });
    }
  }

  #keep(session: Session): void {
    this.session.value = session;
    sessionStorage.setItem(STORED_KEY, JSON.stringify(session));
  }
}

function readStored(): Session | undefined {
  try {
    const stored: Partial<Session> = JSON.parse(sessionStorage.getItem(STORED_KEY) ?? "{}");
    const { identity, sipDomain, token, expiresAtMs } = stored;
    return identity === undefined || sipDomain === undefined || token === undefined || expiresAtMs === undefined
      ? undefined
      : { identity, sipDomain, token, expiresAtMs };
  } catch {
    return undefined;
  }
}
