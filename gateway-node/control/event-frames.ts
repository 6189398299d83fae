import type { NumberedEvent } from "#protocol/call-messages";
import { CONTROL_FRAME_LIMIT } from "#protocol/control-frames";
import type { OutgoingEvent } from "./call-stream.ts";

/** More than a call ever has on its way; the Worker refuses frames with over 100. */
const EVENTS_A_FRAME = 50;
/** For the frame's own fields, the longest call token among them. */
const FRAME_HEAD = 512;
/** For the number and epoch that go with each event. */
const EVENT_HEAD = 64;

/** Events in their order, as few frames as their number and length allow. No single event is longer than a frame. */
export function intoFrames(outgoing: readonly OutgoingEvent[]): readonly (readonly NumberedEvent[])[] {
  const frames: NumberedEvent[][] = [];
  let current: NumberedEvent[] = [];
  let length = FRAME_HEAD;
  for (const { numbered, length: eventLength } of outgoing) {
    const added = eventLength + EVENT_HEAD;
    if (current.length === EVENTS_A_FRAME || (current.length > 0 && length + added > CONTROL_FRAME_LIMIT)) {
      frames.push(current);
      current = [];
      length = FRAME_HEAD;
    }
    current.push(numbered);
    length += added;
  }
  if (current.length > 0) frames.push(current);
  return frames;
}
