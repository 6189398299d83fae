/**
 * Digest nonces that need no memory (RFC 7616 section 5.4): time, randomness and a MAC over both and the context they
 * were made for. Any gateway with the key can check them, also after a restart. What they cannot show is whether a
 * nonce was used before: `NonceCounter` remembers that.
 */

/** The MAC and its key. HMAC-SHA-256 gives 64 hex digits, of which a nonce carries 32. */
export interface NonceKey<Key> {
  readonly key: Key;
  readonly hmacHex: (key: Key, text: string) => string;
  /** What a nonce is bound to, such as realm and source address: elsewhere it is forged. */
  readonly context: string;
}

export interface CreateNonceOptions<Key> extends NonceKey<Key> {
  readonly nowMs: number;
  /** 8 to 64 lower-case hex digits, so that two nonces of one millisecond differ. */
  readonly random: string;
}

export interface CheckNonceOptions<Key> extends NonceKey<Key> {
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

/** `stale`: genuine, but its time is over (or far ahead of our clock); the client may try again with a new one. */
export type NonceVerdict = "valid" | "stale" | "forged";

const TIME_DIGITS = 12;
const MAC_DIGITS = 32;
const NONCE = /^[0-9a-f]{52,108}$/;

export function createNonce<Key>(options: CreateNonceOptions<Key>): string {
  const { nowMs, random } = options;
  if (!/^[0-9a-f]{8,64}$/.test(random))
    throw new TypeError("a nonce needs 8 to 64 lower-case hex digits of randomness");
  const payload = Math.trunc(nowMs).toString(16).padStart(TIME_DIGITS, "0") + random;
  return payload + macOf(payload, options);
}

export function checkNonce<Key>(nonce: string, options: CheckNonceOptions<Key>): NonceVerdict {
  if (!NONCE.test(nonce)) return "forged";
  const payload = nonce.slice(0, -MAC_DIGITS);
  if (!equalInConstantTime(nonce.slice(-MAC_DIGITS), macOf(payload, options))) return "forged";
  const ageMs = options.nowMs - createdAtMs(nonce);
  // A neighbour's clock may run ahead of ours, but a nonce is never good for longer than its lifetime on both sides.
  return Math.abs(ageMs) <= options.lifetimeMs ? "valid" : "stale";
}

/** When a nonce that `checkNonce` found valid ends to be so. */
export function nonceExpiresAtMs(nonce: string, lifetimeMs: number): number {
  return createdAtMs(nonce) + lifetimeMs;
}

function createdAtMs(nonce: string): number {
  return Number.parseInt(nonce.slice(0, TIME_DIGITS), 16);
}

function macOf<Key>(payload: string, { key, hmacHex, context }: NonceKey<Key>): string {
  return hmacHex(key, `${payload}\n${context}`).slice(0, MAC_DIGITS);
}

/** Takes as long for the first wrong digit as for the last, so that a MAC or response cannot be guessed digit by digit. */
export function equalInConstantTime(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at++) difference |= a.charCodeAt(at) ^ b.charCodeAt(at % Math.max(b.length, 1));
  return difference === 0;
}

interface NonceUse {
  readonly highest: number;
  readonly expiresAtMs: number;
}

/**
 * The highest nonce count seen for each nonce (RFC 7616 section 3.4: `nc` detects replays). Ask only after the digest
 * was verified, so that strangers cannot fill it. When it is full it forgets the oldest nonce, and refuses from then on
 * every unknown nonce that is as old: the client gets a new one, and nothing can be replayed.
 */
export class NonceCounter {
  readonly #limit: number;
  readonly #uses = new Map<string, NonceUse>();
  #forgottenUntilMs = -Infinity;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#uses.size;
  }

  /** Whether this nonce was never used with this count or a higher one. A request for which it is false gets a new challenge. */
  accept(
    nonce: string,
    count: number,
    { nowMs, expiresAtMs }: { readonly nowMs: number; readonly expiresAtMs: number },
  ): boolean {
    this.#forgetExpired(nowMs);
    const known = this.#uses.get(nonce);
    if (nowMs > expiresAtMs || count < 1) return false;
    if (known === undefined ? expiresAtMs <= this.#forgottenUntilMs : count <= known.highest) return false;
    this.#uses.set(nonce, { highest: count, expiresAtMs });
    if (this.#uses.size > this.#limit) this.#forgetOldest();
    return true;
  }

  /** In order of first use, which is nearly the order of expiry: stopping at the first live one is cheap and late by little. */
  #forgetExpired(nowMs: number): void {
    for (const [nonce, use] of this.#uses) {
      if (use.expiresAtMs >= nowMs) return;
      this.#uses.delete(nonce);
    }
  }

  #forgetOldest(): void {
    for (const [nonce, use] of this.#uses) {
      this.#uses.delete(nonce);
      this.#forgottenUntilMs = Math.max(this.#forgottenUntilMs, use.expiresAtMs);
      return;
    }
  }
}
