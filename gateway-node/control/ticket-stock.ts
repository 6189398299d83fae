/** Unused call tokens: with one of them the first frame of a phone's INVITE already names its Call object. */
import type { CallToken } from "#protocol/ids";

/** Asked for again when fewer are left. */
export const LOW_STOCK = 128;
export const ORDER_COUNT = 256;
/** More than any order sums up to; a peer that sends more has a fault. */
const CAPACITY = 1_024;

export class TicketStock {
  readonly #tickets = new Set<CallToken>();
  #ordered = false;

  get size(): number {
    return this.#tickets.size;
  }

  add(tickets: readonly CallToken[]): void {
    this.#ordered = false;
    for (const ticket of tickets) if (this.#tickets.size < CAPACITY) this.#tickets.add(ticket);
  }

  take(): CallToken | undefined {
    for (const ticket of this.#tickets) {
      this.#tickets.delete(ticket);
      return ticket;
    }
    return undefined;
  }

  /** How many to order now; 0 while an order is under way. */
  order(): number {
    if (this.#ordered || this.#tickets.size >= LOW_STOCK) return 0;
    this.#ordered = true;
    return ORDER_COUNT;
  }

  /** The channel closed: an order on it is lost. */
  orderLost(): void {
    this.#ordered = false;
  }
}
