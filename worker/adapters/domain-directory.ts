import type { AccountSid, SipDomain } from "#protocol/ids";
import type { RegionLink } from "./region-link.ts";

/** Domains hardly ever change hands. */
const CACHE_MS = 30_000;
/** What strangers ask for must not fill the memory. */
const CACHE_LIMIT = 10_000;

/** Which account owns a SIP domain, remembered for a while by the object that asks. */
export class DomainDirectory {
  readonly #link: RegionLink;
  readonly #owners = new Map<SipDomain, { readonly account: AccountSid; readonly untilMs: number }>();

  constructor(link: RegionLink) {
    this.#link = link;
  }

  async accountOf(sipDomain: SipDomain): Promise<AccountSid | undefined> {
    const nowMs = Date.now();
    const cached = this.#owners.get(sipDomain);
    if (cached !== undefined && cached.untilMs > nowMs) return cached.account;
    const account = await this.#link.accounts.ofDomain(sipDomain);
    this.#owners.delete(sipDomain);
    if (account !== undefined) {
      if (this.#owners.size >= CACHE_LIMIT) this.#owners.clear();
      this.#owners.set(sipDomain, { account, untilMs: nowMs + CACHE_MS });
    }
    return account;
  }
}
