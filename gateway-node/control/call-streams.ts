/** The streams of all calls that this gateway has a part in, each on its channel. */
import type { CallEvent } from "#protocol/call-messages";
import { CALL_EVENT_LIMIT } from "#protocol/control-frames";
import type { GatewayFrame, ResumedCall } from "#protocol/control-frames";
import type { CallToken } from "#protocol/ids";
import { LADDER_BATCH } from "#protocol/ladder";
import type { LadderMessage } from "#protocol/ladder";
import type { Clock, Timer } from "../clock.ts";
import { CallStream } from "./call-stream.ts";
import type { OutgoingEvent } from "./call-stream.ts";
import { EventTooLongError } from "./event-too-long-error.ts";
import { intoFrames } from "./event-frames.ts";
import type { CallCommandFrame, ReceivedCommand } from "./worker-frame.ts";

/** Carried-out commands are acknowledged within this time when no event goes out. */
export const COMMAND_ACK_MS = 1_000;
/**
 * What nobody waits for is held back so long, to go out together with what follows: each frame costs the Call object a
 * request and a row. Until it is out, an adopter knows the step before it, which is as good (docs/design/capsule.md).
 */
const UNHURRIED_MS: { readonly [Kind in CallEvent["kind"]]?: number } = {
  "leg-changed": 100,
  "leg-confirmed": 100,
  "media-flowing": 1_000,
  "leg-statistics": 1_000,
};
/** What a phone changed in a talk has its answer already: an adopter must not meet it with what was before. */
function waitOf(event: CallEvent): number | undefined {
  return event.kind === "leg-changed" && event.capsule.phase === "confirmed" ? undefined : UNHURRIED_MS[event.kind];
}

/**
 * SIP messages for the ladder go with whatever goes next, an acknowledgement or an event; alone only after this time, so that
 * a call costs no frame more for them. Nobody's call hangs on them.
 */
export const LADDER_MS = 5_000;
/** While so many batches are not acknowledged the next one grows, up to its limit. */
const LADDER_BATCHES = 2;
function isForLadder({ numbered }: OutgoingEvent): boolean {
  return numbered.event.kind === "leg-signalling";
}

/** An event that is not acknowledged on an open channel goes out again after this time. */
export const EVENT_REPEAT_MS = 4_000;
/** After the last leg ended here; late repeats of commands are still recognised. */
export const ENDED_STREAM_MS = 10 * 60_000;
/** After the last leg moved away: the call lives, and when it comes back both sides go on with their numbers. */
export const MOVED_STREAM_MS = 24 * 3_600_000;

/** Why no leg of a call is here any more. */
export type Departure = "ended" | "moved";

export interface CallStreamsOptions {
  readonly clock: Clock;
  /** `false` when the channel is not open: the event waits in its outbox. */
  readonly send: (channel: number, frame: GatewayFrame) => boolean;
  readonly apply: (call: CallToken, command: ReceivedCommand) => void;
  readonly count: (name: string, by?: number) => void;
}

interface OpenStream {
  readonly call: CallToken;
  readonly channel: number;
  readonly stream: CallStream;
  /** Events up to this number went out at least once on the open channel. */
  sentEvent: number;
  /** Of the newest event. */
  epoch: number;
  ladder: LadderMessage[];
  ladderOmitted: number;
  unhurried: Timer | undefined;
  unhurriedAtMs: number;
  acknowledgeAtMs: number | undefined;
  repeatAtMs: number | undefined;
  /** Set while no leg of the call is here. */
  forgetAtMs: number | undefined;
}

const TICK_MS = 250;
const FORGET_EVERY_MS = 60_000;

export class CallStreams {
  readonly #options: CallStreamsOptions;
  readonly #streams = new Map<CallToken, OpenStream>();
  /** Those with an event or a command that is not acknowledged: the only ones that the tick looks at. */
  readonly #owing = new Set<OpenStream>();
  #tick: Timer | undefined;
  #forgetting: Timer | undefined;

  constructor(options: CallStreamsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#streams.size;
  }

  has(call: CallToken): boolean {
    return this.#streams.has(call);
  }

  channelOf(call: CallToken): number | undefined {
    return this.#streams.get(call)?.channel;
  }

  /** Binds a call to the channel of its first message; later calls change nothing. */
  open(call: CallToken, channel: number): void {
    this.#obtain(call, channel).forgetAtMs = undefined;
  }

  /** Throws `EventTooLongError` for an event that no frame can carry: then nothing of it is kept. */
  publish(call: CallToken, epoch: number, event: CallEvent): void {
    const entry = this.#streams.get(call);
    if (entry === undefined) {
      this.#options.count("calls.event-without-stream");
      return;
    }
    const { length } = JSON.stringify(event);
    if (length > CALL_EVENT_LIMIT) throw new EventTooLongError(event.kind, length);
    entry.epoch = epoch;
    entry.stream.append(epoch, event, length);
    const waitMs = waitOf(event);
    if (waitMs === undefined) this.#sendNew(entry);
    else this.#sendWithin(entry, waitMs);
    this.#owe(entry);
  }

  /** Keeps a SIP message for the call's ladder. */
  note(call: CallToken, message: LadderMessage): void {
    const entry = this.#streams.get(call);
    if (entry === undefined) return;
    if (entry.ladder.length < LADDER_BATCH) entry.ladder.push(message);
    else {
      entry.ladderOmitted += 1;
      this.#options.count("calls.ladder-omitted");
    }
    this.#sendWithin(entry, LADDER_MS);
  }

  /** Whether every event of the call so far is stored at its Call object, but for what only its ladder wants. */
  settled(call: CallToken): boolean {
    return (this.#streams.get(call)?.stream.unacknowledged ?? []).every(isForLadder);
  }

  receive(channel: number, frame: CallCommandFrame): void {
    const entry = this.#obtain(frame.call, channel);
    entry.stream.acknowledge(frame.ackEvent);
    const arrival = entry.stream.receive({ seq: frame.seq, epoch: frame.epoch, command: frame.command });
    if (arrival.kind !== "ready") this.#options.count(`control.command-${arrival.kind}`);
    entry.acknowledgeAtMs ??= this.#options.clock.nowMs() + COMMAND_ACK_MS;
    this.#owe(entry);
    if (arrival.kind === "ready") for (const command of arrival.commands) this.#options.apply(frame.call, command);
  }

  acknowledge(call: CallToken, upTo: number): void {
    this.#streams.get(call)?.stream.acknowledge(upTo);
  }

  /** The call has no leg here any more; its numbers are kept for a while. */
  release(call: CallToken, departure: Departure): void {
    const entry = this.#streams.get(call);
    if (entry === undefined) return;
    entry.forgetAtMs = this.#options.clock.nowMs() + (departure === "moved" ? MOVED_STREAM_MS : ENDED_STREAM_MS);
    this.#forgetting ??= this.#options.clock.setTimer(FORGET_EVERY_MS, () => this.#forgetOld());
  }

  forget(call: CallToken): void {
    const entry = this.#streams.get(call);
    if (entry === undefined) return;
    this.#streams.delete(call);
    this.#owing.delete(entry);
    entry.unhurried?.clear();
  }

  /** For `hello.calls`. A call of which only unacknowledged events exist is made by their repetition, not resumed. */
  resumed(channel: number): readonly ResumedCall[] {
    return [...this.#streams.values()]
      .filter(
        (entry) =>
          entry.channel === channel &&
          entry.stream.known &&
          (entry.forgetAtMs === undefined || entry.stream.unacknowledged.length > 0),
      )
      .map((entry) => ({ call: entry.call, appliedCommand: entry.stream.appliedCommand }));
  }

  /** After `welcome`: everything that is not acknowledged goes out again, in order. */
  replay(channel: number): void {
    for (const entry of this.#streams.values()) if (entry.channel === channel) this.#repeat(entry);
  }

  stop(): void {
    this.#tick?.clear();
    this.#forgetting?.clear();
    for (const { unhurried } of this.#streams.values()) unhurried?.clear();
    this.#tick = undefined;
    this.#forgetting = undefined;
  }

  #obtain(call: CallToken, channel: number): OpenStream {
    const known = this.#streams.get(call);
    if (known !== undefined) return known;
    const entry: OpenStream = {
      call,
      channel,
      stream: new CallStream(),
      sentEvent: 0,
      epoch: 0,
      ladder: [],
      ladderOmitted: 0,
      unhurried: undefined,
      unhurriedAtMs: 0,
      acknowledgeAtMs: undefined,
      repeatAtMs: undefined,
      forgetAtMs: undefined,
    };
    this.#streams.set(call, entry);
    // Until a leg exists here; `open` says so.
    this.release(call, "ended");
    return entry;
  }

  /** Sends what has not gone out yet, the held back with it, in order. */
  #sendNew(entry: OpenStream): void {
    entry.unhurried?.clear();
    entry.unhurried = undefined;
    this.#appendLadder(entry);
    this.#send(
      entry,
      entry.stream.unacknowledged.filter(({ numbered }) => numbered.seq > entry.sentEvent),
    );
  }

  /** Behind the events that are due: a call's first one must stay the first. */
  #appendLadder(entry: OpenStream): boolean {
    const { stream, ladder, ladderOmitted } = entry;
    const [first] = ladder;
    if (first === undefined) return false;
    const waiting = stream.unacknowledged.filter(isForLadder);
    if (waiting.length >= LADDER_BATCHES) return false;
    const omitted = ladderOmitted === 0 ? {} : { omitted: ladderOmitted };
    const event: CallEvent = { kind: "leg-signalling", leg: first.leg, messages: ladder, ...omitted };
    stream.append(entry.epoch, event, JSON.stringify(event).length);
    entry.ladder = [];
    entry.ladderOmitted = 0;
    this.#owe(entry);
    return true;
  }

  #sendWithin(entry: OpenStream, waitMs: number): void {
    const dueAtMs = this.#options.clock.nowMs() + waitMs;
    if (entry.unhurried !== undefined && entry.unhurriedAtMs <= dueAtMs) return;
    entry.unhurried?.clear();
    entry.unhurriedAtMs = dueAtMs;
    entry.unhurried = this.#options.clock.setTimer(waitMs, () => this.#sendNew(entry));
  }

  /** `false` when the channel is not open: all of it waits in the outbox. */
  #send(entry: OpenStream, outgoing: readonly OutgoingEvent[]): boolean {
    const { call, channel, stream } = entry;
    for (const events of intoFrames(outgoing)) {
      const ackCommand = stream.appliedCommand;
      if (!this.#options.send(channel, { kind: "call-events", call, ackCommand, events })) return false;
      entry.sentEvent = Math.max(entry.sentEvent, events.at(-1)?.seq ?? 0);
      if (!stream.gap) entry.acknowledgeAtMs = undefined;
      entry.repeatAtMs ??= this.#options.clock.nowMs() + EVENT_REPEAT_MS;
    }
    return true;
  }

  #repeat(entry: OpenStream): void {
    entry.repeatAtMs = undefined;
    const events = entry.stream.unacknowledged;
    if (events.length > 0 && this.#send(entry, events)) this.#options.count("control.event-repeated", events.length);
  }

  #owe(entry: OpenStream): void {
    this.#owing.add(entry);
    this.#tick ??= this.#options.clock.setTimer(TICK_MS, () => this.#onTick());
  }

  #onTick(): void {
    this.#tick = undefined;
    const nowMs = this.#options.clock.nowMs();
    for (const entry of this.#owing) {
      const settled = entry.stream.unacknowledged.length === 0;
      if (settled) entry.repeatAtMs = undefined;
      else if (entry.repeatAtMs !== undefined && entry.repeatAtMs <= nowMs) this.#repeat(entry);
      if (entry.acknowledgeAtMs !== undefined && entry.acknowledgeAtMs <= nowMs) {
        // Nothing but an acknowledgement is answered with the command that is missing.
        entry.acknowledgeAtMs = entry.stream.gap ? nowMs + COMMAND_ACK_MS : undefined;
        const ackCommand = entry.stream.appliedCommand;
        if (entry.stream.gap || !this.#appendLadder(entry))
          this.#options.send(entry.channel, { kind: "command-ack", call: entry.call, ackCommand });
        else this.#sendNew(entry);
      }
      if (settled && entry.acknowledgeAtMs === undefined) this.#owing.delete(entry);
    }
    if (this.#owing.size > 0) this.#tick = this.#options.clock.setTimer(TICK_MS, () => this.#onTick());
  }

  #forgetOld(): void {
    this.#forgetting = undefined;
    const nowMs = this.#options.clock.nowMs();
    let waiting = false;
    for (const entry of this.#streams.values()) {
      if (entry.forgetAtMs === undefined) continue;
      if (entry.forgetAtMs <= nowMs && entry.stream.unacknowledged.length === 0) this.forget(entry.call);
      else waiting = true;
    }
    if (waiting) this.#forgetting = this.#options.clock.setTimer(FORGET_EVERY_MS, () => this.#forgetOld());
  }
}
