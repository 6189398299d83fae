/** Digest secrets of this gateway's own users, fetched when first needed and kept for as short as is useful. */
import type { EndpointCredentials } from "#protocol/control-frames";
import type { EndpointId, SipDomain } from "#protocol/ids";
import type { Clock } from "../clock.ts";

/** A revoked user is refused within this time; a changed password works at once, since a wrong digest asks again. */
export const CREDENTIAL_FRESH_MS = 600_000;
/** A user that does not exist: long enough to take the load of a guessing scanner off the Worker. */
export const CREDENTIAL_NEGATIVE_MS = 5_000;
/** While the Worker cannot be reached, phones go on refreshing with what is known. */
export const CREDENTIAL_STALE_MS = 60 * 60_000;
const CAPACITY = 20_000;

export type CredentialLookup =
  | { readonly kind: "found"; readonly credentials: EndpointCredentials }
  | { readonly kind: "unknown" }
  | { readonly kind: "unreachable" };

/** `undefined`: no answer in time. */
export type FetchCredentials = (
  sipDomain: SipDomain,
  endpoint: EndpointId,
) => Promise<{ readonly credentials?: EndpointCredentials } | undefined>;

interface Entry {
  readonly credentials: EndpointCredentials | undefined;
  readonly fetchedAtMs: number;
}

export class CredentialCache {
  readonly #clock: Clock;
  readonly #fetch: FetchCredentials;
  readonly #count: (name: string) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #underWay = new Map<string, Promise<CredentialLookup>>();

  constructor(options: {
    readonly clock: Clock;
    readonly fetch: FetchCredentials;
    readonly count: (name: string) => void;
  }) {
    this.#clock = options.clock;
    this.#fetch = options.fetch;
    this.#count = options.count;
  }

  get size(): number {
    return this.#entries.size;
  }

  lookup(sipDomain: SipDomain, endpoint: EndpointId): Promise<CredentialLookup> {
    const key = `${endpoint}@${sipDomain}`;
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#clock.nowMs() - entry.fetchedAtMs < freshFor(entry))
      return Promise.resolve(asLookup(entry));
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const asked = this.#ask(key, sipDomain, endpoint).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, asked);
    return asked;
  }

  /** For a response that is not what the user's secret gives: the password may have changed a moment ago. */
  expire(sipDomain: SipDomain, endpoint: EndpointId): void {
    const key = `${endpoint}@${sipDomain}`;
    const entry = this.#entries.get(key);
    if (entry?.credentials !== undefined && this.#clock.nowMs() - entry.fetchedAtMs >= CREDENTIAL_NEGATIVE_MS)
      this.#entries.delete(key);
  }

  async #ask(key: string, sipDomain: SipDomain, endpoint: EndpointId): Promise<CredentialLookup> {
    this.#count("credentials.asked");
    const answer = await this.#fetch(sipDomain, endpoint);
    const nowMs = this.#clock.nowMs();
    if (answer !== undefined) {
      const entry: Entry = { credentials: answer.credentials, fetchedAtMs: nowMs };
      this.#keep(key, entry);
      return asLookup(entry);
    }
    const old = this.#entries.get(key);
    if (old?.credentials === undefined || nowMs - old.fetchedAtMs >= CREDENTIAL_STALE_MS)
      return { kind: "unreachable" };
    this.#count("credentials.stale-used");
    return asLookup(old);
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    // The oldest answer goes first; a map iterates in the order of insertion.
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= CAPACITY) break;
      this.#entries.delete(oldest);
    }
  }
}

function freshFor(entry: Entry): number {
  return entry.credentials === undefined ? CREDENTIAL_NEGATIVE_MS : CREDENTIAL_FRESH_MS;
}

function asLookup(entry: Entry): CredentialLookup {
  return entry.credentials === undefined ? { kind: "unknown" } : { kind: "found", credentials: entry.credentials };
}
