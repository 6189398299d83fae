import type { NumberedEvent } from "#protocol/call-messages";
import type { CallToken, GatewayInstanceId } from "#protocol/ids";

/** What waits in a lane. Events that wait together travel together. */
export type LaneItem =
  | {
      readonly kind: "events";
      /** Each run of a gateway has numbers of its own. */
      readonly instance: GatewayInstanceId;
      readonly ackCommand: number;
      readonly events: readonly NumberedEvent[];
    }
  | { readonly kind: "task"; readonly run: () => Promise<void> };

/**
 * Keeps what belongs to one call in order while calls pass each other: the next item of a call starts only when the
 * one before has ended, whatever it awaits.
 */
export class CallLanes {
  readonly #waiting = new Map<CallToken, LaneItem[]>();
  readonly #deliver: (call: CallToken, item: Extract<LaneItem, { kind: "events" }>) => Promise<void>;

  /** `deliver` must not reject. */
  constructor(deliver: (call: CallToken, item: Extract<LaneItem, { kind: "events" }>) => Promise<void>) {
    this.#deliver = deliver;
  }

  /** Whether something of this call is being done, so that what comes now has to queue. */
  isBusy(call: CallToken): boolean {
    return this.#waiting.has(call);
  }

  /** Settles when the lane is empty, if this call had to start it; at once otherwise. */
  async push(call: CallToken, item: LaneItem): Promise<void> {
    const waiting = this.#waiting.get(call);
    if (waiting === undefined) {
      await this.#drain(call, item);
      return;
    }
    const last = waiting.at(-1);
    if (last?.kind === "events" && item.kind === "events" && last.instance === item.instance) {
      // What comes again while it waits is there already: a call that waits for long must not grow with each repetition.
      const newest = last.events.at(-1)?.seq ?? 0;
      waiting[waiting.length - 1] = {
        kind: "events",
        instance: item.instance,
        ackCommand: Math.max(last.ackCommand, item.ackCommand),
        events: [...last.events, ...item.events.filter(({ seq }) => seq > newest)],
      };
    } else {
      waiting.push(item);
    }
  }

  async #drain(call: CallToken, first: LaneItem): Promise<void> {
    const waiting: LaneItem[] = [];
    this.#waiting.set(call, waiting);
    try {
      for (let item: LaneItem | undefined = first; item !== undefined; item = waiting.shift()) {
        await (item.kind === "events" ? this.#deliver(call, item) : item.run());
      }
    } finally {
      this.#waiting.delete(call);
    }
  }
}
