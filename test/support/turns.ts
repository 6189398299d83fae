/** Who may use what: tests that run at the same time share phones, and each takes all that it needs at once or waits. */
export class Turns {
  readonly #taken = new Set<string>();
  #waiting: { readonly names: readonly string[]; readonly seats: number; readonly go: () => void }[] = [];
  #seats: number;

  /** `seats` is how many may be at work at a time. */
  constructor(seats = Infinity) {
    this.#seats = seats;
  }

  /** Waits until all of them are free, and takes them. The answer gives them back. One that only waits takes no seat. */
  async take(names: readonly string[], { seats = 1 } = {}): Promise<() => void> {
    await new Promise<void>((go) => {
      this.#waiting.push({ names, seats, go });
      this.#serve();
    });
    return () => {
      for (const name of names) this.#taken.delete(name);
      this.#seats += seats;
      this.#serve();
    };
  }

  /** In the order of asking; who needs only what is free does not wait for those that need more. */
  #serve(): void {
    this.#waiting = this.#waiting.filter(({ names, seats, go }) => {
      if (seats > this.#seats || names.some((name) => this.#taken.has(name))) return true;
      this.#seats -= seats;
      for (const name of names) this.#taken.add(name);
      go();
      return false;
    });
  }
}
