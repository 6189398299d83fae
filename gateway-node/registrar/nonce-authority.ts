/** Digest nonces of this process: stateless but for the counts of those that were used (RFC 7616 sections 3.4 and 5.4). */
import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { checkNonce, createNonce, NonceCounter, nonceExpiresAtMs } from "#sip/core/nonce";
import type { Clock } from "../clock.ts";

/** A challenge is answered within moments. */
export const CHALLENGE_LIFETIME_MS = 60_000;
/** `nextnonce` goes to a client that has just proved itself and is for its next refresh, at most an hour away. */
export const REFRESH_LIFETIME_MS = 3_660_000;
const COUNTED_NONCES = 100_000;

/** What a nonce is bound to. */
export interface NonceScope {
  readonly realm: string;
  /** Source address of the request: a captured answer is worth nothing elsewhere. */
  readonly host: string;
}

export type NonceCheck =
  | { readonly verdict: "valid" | "stale"; readonly purpose: Purpose }
  | { readonly verdict: "forged" };

type Purpose = "challenge" | "refresh";
const LIFETIMES_MS: Readonly<Record<Purpose, number>> = {
  challenge: CHALLENGE_LIFETIME_MS,
  refresh: REFRESH_LIFETIME_MS,
};
const PURPOSES: readonly Purpose[] = ["challenge", "refresh"];

export class NonceAuthority {
  readonly #clock: Clock;
  readonly #key: KeyObject;
  readonly #counter = new NonceCounter(COUNTED_NONCES);

  /** `key` is this process's own: after a restart every client is challenged once. */
  constructor(clock: Clock, key: Buffer = randomBytes(32)) {
    this.#clock = clock;
    this.#key = createSecretKey(key);
  }

  issue(purpose: Purpose, scope: NonceScope): string {
    const random = randomBytes(8).toString("hex");
    return createNonce({ ...this.#keyFor(purpose, scope), nowMs: this.#clock.nowMs(), random });
  }

  /** Before the digest is computed: what is not genuine or not in time needs no more work. */
  check(nonce: string, scope: NonceScope): NonceCheck {
    for (const purpose of PURPOSES) {
      const verdict = checkNonce(nonce, {
        ...this.#keyFor(purpose, scope),
        nowMs: this.#clock.nowMs(),
        lifetimeMs: LIFETIMES_MS[purpose],
      });
      if (verdict !== "forged") return { verdict, purpose };
    }
    return { verdict: "forged" };
  }

  /** After the digest was verified. `false`: this count of this nonce was used before. */
  use(nonce: string, count: number): boolean {
    // The longer lifetime for both kinds: a count must outlive every nonce that `check` still lets through.
    const expiresAtMs = nonceExpiresAtMs(nonce, REFRESH_LIFETIME_MS);
    return this.#counter.accept(nonce, count, { nowMs: this.#clock.nowMs(), expiresAtMs });
  }

  #keyFor(
    purpose: Purpose,
    scope: NonceScope,
  ): { readonly key: KeyObject; readonly hmacHex: typeof hmacHex; readonly context: string } {
    return { key: this.#key, hmacHex, context: `${purpose}\n${scope.realm}\n${scope.host}` };
  }
}

function hmacHex(key: KeyObject, text: string): string {
  return createHmac("sha256", key).update(text).digest("hex");
}
