import type { CallEvent } from "#protocol/call-messages";

/** What a peer said makes an event that no frame can carry: its leg ends, for the Call object cannot be told of it. */
export class EventTooLongError extends Error {
  readonly code = "event-too-long";

  constructor(kind: CallEvent["kind"], length: number) {
    super(`${kind} of ${String(length)} characters`);
    this.name = "EventTooLongError";
  }
}
