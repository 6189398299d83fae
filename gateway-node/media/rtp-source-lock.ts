import { isOwnAddress } from "./media-hosts.ts";

/**
 * Which address a plain RTP leg listens to: learnt once from an expected host, then locked until signalling says otherwise
 * (symmetric RTP, RFC 4961; everything else is RTP bleed or injection).
 */
export class RtpSourceLock {
  readonly #localHost: string;
  #allowedHosts: readonly string[] = [];
  #host = "";
  #port = 0;

  /** `localHost`: the address that the leg's own socket is bound to. */
  constructor(localHost: string) {
    this.#localHost = localHost;
  }

  /** New signalling: forget the source, learn it anew from these hosts. */
  expect(allowedHosts: readonly string[]): void {
    this.#allowedHosts = allowedHosts;
    this.#port = 0;
  }

  get locked(): boolean {
    return this.#port !== 0;
  }

  isLockedTo(host: string, port: number): boolean {
    return port === this.#port && host === this.#host;
  }

  /** Locks to this source if none is locked yet and its host is expected. */
  learn(host: string, port: number): boolean {
    if (this.locked || !this.#expects(host)) return false;
    this.#host = host;
    this.#port = port;
    return true;
  }

  /**
   * A phone on this very machine signals one of the machine's addresses, but its RTP has the one that it sends to: so the
   * kernel chooses for sockets without an address of their own, and nobody else can send from there.
   */
  #expects(host: string): boolean {
    return this.#allowedHosts.includes(host) || (host === this.#localHost && this.#allowedHosts.some(isOwnAddress));
  }
}
