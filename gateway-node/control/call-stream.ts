/**
 * One call's stream between this gateway instance and its Call object: numbering, acknowledgement, dedupe, outbox.
 * Pure; frames may be lost, repeated and reordered between reconnects (docs/design/control-channel.md, "A call's stream").
 */
import type { CallEvent, NumberedEvent } from "#protocol/call-messages";
import type { ReceivedCommand } from "./worker-frame.ts";

/** Commands that overtook others are held; more than this many means a broken peer, and the excess is dropped until repeated. */
const HELD_COMMANDS = 64;

export type CommandArrival =
  /** These are next, in order, and count as carried out from now on. */
  | { readonly kind: "ready"; readonly commands: readonly ReceivedCommand[] }
  /** Seen before: its acknowledgement was lost and is owed again. */
  | { readonly kind: "repeated" }
  /** An earlier one is missing. */
  | { readonly kind: "early" };

export interface OutgoingEvent {
  readonly numbered: NumberedEvent;
  /** Of the event as JSON, in characters. */
  readonly length: number;
}

export class CallStream {
  #lastEvent = 0;
  #appliedCommand = 0;
  #known = false;
  #outbox: OutgoingEvent[] = [];
  readonly #held = new Map<number, ReceivedCommand>();

  get appliedCommand(): number {
    return this.#appliedCommand;
  }

  /** Whether the Call object has shown that it knows of us; until then there is nothing that it could resume. */
  get known(): boolean {
    return this.#known;
  }

  /** Whether a command is missing before some that are here. */
  get gap(): boolean {
    return this.#held.size > 0;
  }

  /** In the order of their numbers; all of them go out again when the channel reopens. */
  get unacknowledged(): readonly OutgoingEvent[] {
    return this.#outbox;
  }

  append(epoch: number, event: CallEvent, length: number): void {
    this.#lastEvent += 1;
    this.#outbox.push({ numbered: { seq: this.#lastEvent, epoch, event }, length });
  }

  acknowledge(upTo: number): void {
    // A peer cannot acknowledge what was never sent; taking it at its word would lose later events.
    if (upTo > this.#lastEvent) return;
    this.#known ||= upTo > 0;
    this.#outbox = this.#outbox.filter(({ numbered }) => numbered.seq > upTo);
  }

  receive(numbered: ReceivedCommand): CommandArrival {
    this.#known = true;
    if (numbered.seq <= this.#appliedCommand) return { kind: "repeated" };
    if (this.#held.size < HELD_COMMANDS || numbered.seq === this.#appliedCommand + 1)
      this.#held.set(numbered.seq, numbered);
    const commands: ReceivedCommand[] = [];
    for (;;) {
      const next = this.#held.get(this.#appliedCommand + 1);
      if (next === undefined) break;
      this.#held.delete(next.seq);
      this.#appliedCommand = next.seq;
      commands.push(next);
    }
    return commands.length === 0 ? { kind: "early" } : { kind: "ready", commands };
  }
}
