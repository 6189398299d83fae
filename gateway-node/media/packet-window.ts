/** Which of the last 64 indices were used: a replay window for received packets, a repeat guard for sent ones (RFC 3711 section 3.3.2). */
export const PACKET_WINDOW_SIZE = 64;

export class PacketWindow {
  /** Highest index marked; -1 before the first. */
  highest = -1;
  /** Bit n of the pair is index `highest - n`; 0 to 31 in `#near`, 32 to 63 in `#far`. */
  #near = 0;
  #far = 0;

  /** True when `index` is neither older than the window nor marked. */
  isFresh(index: number): boolean {
    const age = this.highest - index;
    if (age < 0 || this.highest < 0) return true;
    if (age >= PACKET_WINDOW_SIZE) return false;
    return age < 32 ? ((this.#near >>> age) & 1) === 0 : ((this.#far >>> (age - 32)) & 1) === 0;
  }

  /** Marks `index`, which must be fresh. */
  mark(index: number): void {
    if (index > this.highest) this.#advance(this.highest < 0 ? PACKET_WINDOW_SIZE : index - this.highest);
    if (index > this.highest) this.highest = index;
    const age = this.highest - index;
    if (age < 32) this.#near |= 1 << age;
    else this.#far |= 1 << (age - 32);
  }

  /** Everything up to and including `index` counts as used. */
  closeUpTo(index: number): void {
    this.highest = index;
    this.#near = -1;
    this.#far = -1;
  }

  #advance(by: number): void {
    if (by >= PACKET_WINDOW_SIZE) {
      this.#near = 0;
      this.#far = 0;
    } else if (by >= 32) {
      this.#far = by === 32 ? this.#near : this.#near << (by - 32);
      this.#near = 0;
    } else {
      this.#far = (this.#far << by) | (this.#near >>> (32 - by));
      this.#near <<= by;
    }
  }
}
