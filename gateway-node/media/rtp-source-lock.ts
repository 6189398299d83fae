/**
 * Which address a plain RTP leg listens to: learnt once from an expected host, then locked until signalling says otherwise
 * (symmetric RTP, RFC 4961; everything else is RTP bleed or injection).
 */
export class RtpSourceLock {
  #allowedHosts: readonly string[] = [];
  #host = "";
  #port = 0;

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
    if (this.locked || !this.#allowedHosts.includes(host)) return false;
    this.#host = host;
    this.#port = port;
    return true;
  }
}
