import { beforeEach, describe, expect, it } from "vitest";
import {
  CallStreams,
  COMMAND_ACK_MS,
  EVENT_REPEAT_MS,
  LADDER_MS,
  ENDED_STREAM_MS,
  MOVED_STREAM_MS,
} from "../../../../gateway-node/control/call-streams.ts";
import { EventTooLongError } from "../../../../gateway-node/control/event-too-long-error.ts";
import { CONTROL_FRAME_LIMIT } from "../../../../protocol/control-frames.ts";
import type { GatewayFrame } from "../../../../protocol/control-frames.ts";
import type { PhoneLegCapsule } from "../../../../protocol/capsule.ts";
import type { CallToken, LegId } from "../../../../protocol/ids.ts";
import { LADDER_BATCH } from "../../../../protocol/ladder.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const call = "T".repeat(54) as CallToken;
const leg = "a" as LegId;
const confirm = (seq: number, ackEvent = 0) =>
  ({ kind: "call-command", call, ackEvent, seq, epoch: 1, command: { kind: "confirm-leg", leg } }) as const;

let clock: VirtualClock;
let sent: { readonly channel: number; readonly frame: GatewayFrame }[];
let applied: number[];
let open: boolean;
let streams: CallStreams;

beforeEach(() => {
  clock = new VirtualClock();
  sent = [];
  applied = [];
  open = true;
  streams = new CallStreams({
    clock,
    count: () => {},
    apply: (_call, command) => void applied.push(command.seq),
    send: (channel, frame) => {
      if (open) sent.push({ channel, frame });
      return open;
    },
  });
});

const sentEvents = (): number[] =>
  sent.flatMap(({ frame }) => (frame.kind === "call-events" ? frame.events.map(({ seq }) => seq) : []));

describe("the streams of a gateway", () => {
  it("send a call's events on the channel of its first message, with the last command carried out", () => {
    streams.receive(1, confirm(1));
    streams.open(call, 0);
    streams.publish(call, 3, { kind: "leg-cancelled", leg });
    expect(sent).toEqual([
      {
        channel: 1,
        frame: {
          kind: "call-events",
          call,
          ackCommand: 1,
          events: [{ seq: 1, epoch: 3, event: { kind: "leg-cancelled", leg } }],
        },
      },
    ]);
  });

  it("hold back what nobody waits for, and send it in one frame with what cannot wait", () => {
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "media-flowing", leg, afterMs: 3 });
    streams.publish(call, 1, { kind: "media-flowing", leg, afterMs: 4 });
    expect(sent).toEqual([]);
    streams.publish(call, 1, { kind: "leg-ended", leg, cause: "bye" });
    expect(sent).toHaveLength(1);
    expect(sentEvents()).toEqual([1, 2, 3]);
    clock.advance(1_500);
    expect(sentEvents()).toEqual([1, 2, 3]);
  });

  it("hold nothing back for longer than a second", () => {
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "media-flowing", leg, afterMs: 3 });
    clock.advance(999);
    expect(sent).toEqual([]);
    clock.advance(1);
    expect(sentEvents()).toEqual([1]);
  });

  it("let the most hurried of the unhurried decide when all of them go", () => {
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "media-flowing", leg, afterMs: 3 });
    clock.advance(50);
    streams.publish(call, 1, { kind: "leg-confirmed", leg, capsule: {} as PhoneLegCapsule });
    clock.advance(100);
    expect(sent).toHaveLength(1);
    expect(sentEvents()).toEqual([1, 2]);
  });

  it.each([
    { phase: "answered", sentAtOnce: 0 },
    { phase: "confirmed", sentAtOnce: 1 },
  ] as const)("of a change in phase $phase send $sentAtOnce at once", ({ phase, sentAtOnce }) => {
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "leg-changed", leg, capsule: { phase } as PhoneLegCapsule });
    expect(sent).toHaveLength(sentAtOnce);
    clock.advance(100);
    expect(sent).toHaveLength(1);
  });

  it("acknowledge commands after a second when no event went out, and not again after an event", () => {
    streams.receive(0, confirm(1));
    clock.advance(COMMAND_ACK_MS + 250);
    expect(sent.map(({ frame }) => frame)).toEqual([{ kind: "command-ack", call, ackCommand: 1 }]);
    streams.receive(0, confirm(2));
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    clock.advance(COMMAND_ACK_MS + 250);
    expect(sent.filter(({ frame }) => frame.kind === "command-ack")).toHaveLength(1);
  });

  it("acknowledge a repeated command again without carrying it out again", () => {
    streams.receive(0, confirm(1));
    clock.advance(1_250);
    streams.receive(0, confirm(1));
    clock.advance(1_250);
    expect(applied).toEqual([1]);
    expect(sent.filter(({ frame }) => frame.kind === "command-ack")).toHaveLength(2);
  });

  it("say each second how far they are while a command is missing, whatever events go out", () => {
    streams.receive(0, confirm(1));
    streams.receive(0, confirm(3));
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    clock.advance(2 * COMMAND_ACK_MS + 250);
    const acknowledgement = { kind: "command-ack", call, ackCommand: 1 };
    const acknowledgements = () => sent.map(({ frame }) => frame).filter(({ kind }) => kind === "command-ack");
    expect(acknowledgements()).toEqual([acknowledgement, acknowledgement]);
    streams.receive(0, confirm(2, 1));
    clock.advance(3 * COMMAND_ACK_MS);
    expect(acknowledgements()).toEqual([acknowledgement, acknowledgement, { ...acknowledgement, ackCommand: 3 }]);
    expect(applied).toEqual([1, 2, 3]);
  });

  it("send as many frames as the length of their events takes, each short enough for the Worker", () => {
    streams.open(call, 0);
    open = false;
    const sdp = "x".repeat(100_000);
    for (let count = 0; count < 5; count += 1)
      streams.publish(call, 1, { kind: "webrtc-leg-ready", leg, localSdp: sdp });
    open = true;
    streams.replay(0);
    expect(sentEvents()).toEqual([1, 2, 3, 4, 5]);
    for (const { frame } of sent) expect(JSON.stringify(frame).length).toBeLessThanOrEqual(CONTROL_FRAME_LIMIT);
    expect(sent).toHaveLength(3);
  });

  it("refuse an event that no frame can carry, and keep nothing of it", () => {
    streams.open(call, 0);
    // Escaped, each of these is six characters.
    const localSdp = "\u0001".repeat(50_000);
    expect(() => streams.publish(call, 1, { kind: "webrtc-leg-ready", leg, localSdp })).toThrow(EventTooLongError);
    expect(streams.settled(call)).toBe(true);
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    expect(sentEvents()).toEqual([1]);
  });

  it("keep events while the channel is away and repeat them in order after welcome", () => {
    streams.open(call, 0);
    open = false;
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    streams.publish(call, 1, { kind: "leg-ended", leg, cause: "bye" });
    expect(sent).toEqual([]);
    open = true;
    streams.replay(0);
    expect(sentEvents()).toEqual([1, 2]);
    streams.replay(1);
    expect(sentEvents()).toEqual([1, 2]);
  });

  it("repeat an event that an open channel did not get acknowledged, until it is", () => {
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    clock.advance(EVENT_REPEAT_MS + 250);
    expect(sentEvents()).toEqual([1, 1]);
    streams.acknowledge(call, 1);
    clock.advance(5 * EVENT_REPEAT_MS);
    expect(sentEvents()).toEqual([1, 1]);
    expect(streams.settled(call)).toBe(true);
  });

  it("name in hello the calls that have legs or unacknowledged events, each on its channel", () => {
    streams.open(call, 1);
    streams.receive(1, confirm(1));
    expect(streams.resumed(0)).toEqual([]);
    expect(streams.resumed(1)).toEqual([{ call, appliedCommand: 1 }]);
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    streams.release(call, "ended");
    expect(streams.resumed(1)).toHaveLength(1);
    streams.acknowledge(call, 1);
    expect(streams.resumed(1)).toEqual([]);
  });

  it("do not name a call in hello that the Call object cannot know yet", () => {
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    expect(streams.resumed(0)).toEqual([]);
    streams.acknowledge(call, 1);
    expect(streams.resumed(0)).toEqual([{ call, appliedCommand: 0 }]);
  });

  it.each([
    ["ended", ENDED_STREAM_MS],
    ["moved", MOVED_STREAM_MS],
  ] as const)("keep the numbers of a call whose legs %s for %i ms, and leave no timer behind", (departure, keptMs) => {
    streams.open(call, 0);
    streams.release(call, departure);
    clock.advance(keptMs - 1);
    expect(streams.has(call)).toBe(true);
    clock.advance(120_000);
    expect(streams.has(call)).toBe(false);
    expect(clock.armed).toBe(0);
  });

  it("keep a call whose last events nobody has acknowledged", () => {
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "leg-ended", leg, cause: "bye" });
    streams.release(call, "ended");
    clock.advance(2 * ENDED_STREAM_MS);
    expect(streams.has(call)).toBe(true);
  });

  it("go on with the numbers of a call that moved away and comes back after an hour", () => {
    streams.receive(0, confirm(1));
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    streams.acknowledge(call, 1);
    streams.release(call, "moved");
    clock.advance(3_600_000);
    streams.receive(0, confirm(2, 1));
    streams.publish(call, 2, { kind: "leg-cancelled", leg });
    expect(applied).toEqual([1, 2]);
    expect(sentEvents()).toEqual([1, 2]);
  });
});

describe("SIP messages for the ladder", () => {
  const message = (cseq: number) => ({ leg, atMs: 1, sent: true, method: "INVITE", cseq });
  const kinds = (): string[] =>
    sent.flatMap(({ frame }) =>
      frame.kind === "call-events" ? frame.events.map(({ event }) => event.kind) : [frame.kind],
    );
  const noted = (): number[] =>
    sent.flatMap(({ frame }) =>
      frame.kind === "call-events"
        ? frame.events.flatMap(({ event }) =>
            event.kind === "leg-signalling" ? event.messages.map(({ cseq }) => cseq) : [],
          )
        : [],
    );

  it("go with the next event, behind it, in one frame", () => {
    streams.open(call, 0);
    streams.note(call, message(1));
    streams.note(call, message(2));
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    expect(sent).toHaveLength(1);
    expect(kinds()).toEqual(["leg-cancelled", "leg-signalling"]);
    expect(noted()).toEqual([1, 2]);
  });

  it("go in place of a bare acknowledgement of commands", () => {
    streams.receive(0, confirm(1));
    streams.note(call, message(1));
    clock.advance(COMMAND_ACK_MS + 250);
    expect(sent.map(({ frame }) => frame)).toEqual([
      {
        kind: "call-events",
        call,
        ackCommand: 1,
        events: [{ seq: 1, epoch: 0, event: { kind: "leg-signalling", leg, messages: [message(1)] } }],
      },
    ]);
    clock.advance(COMMAND_ACK_MS + 250);
    expect(sent).toHaveLength(1);
  });

  it("do not keep back the acknowledgement that asks for a missing command", () => {
    streams.receive(0, confirm(1));
    streams.receive(0, confirm(3));
    streams.note(call, message(1));
    clock.advance(COMMAND_ACK_MS + 250);
    expect(kinds()).toEqual(["command-ack"]);
  });

  it("go alone when nothing else goes, and come again until they are acknowledged", () => {
    streams.open(call, 0);
    streams.note(call, message(1));
    clock.advance(LADDER_MS - 1);
    expect(sent).toEqual([]);
    clock.advance(1);
    expect(noted()).toEqual([1]);
    clock.advance(EVENT_REPEAT_MS + 250);
    expect(noted()).toEqual([1, 1]);
    streams.acknowledge(call, 1);
    clock.advance(2 * EVENT_REPEAT_MS);
    expect(noted()).toEqual([1, 1]);
  });

  it("are no reason to think that the Worker has not stored the call", () => {
    streams.open(call, 0);
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    streams.note(call, message(1));
    expect(streams.settled(call)).toBe(false);
    streams.acknowledge(call, 1);
    clock.advance(LADDER_MS);
    expect(streams.settled(call)).toBe(true);
  });

  it("are few while the channel is closed, however many come: the rest is counted", () => {
    open = false;
    streams.open(call, 0);
    for (let second = 0; second < 3_600; second += 10) {
      for (let cseq = 0; cseq < 10; cseq += 1) streams.note(call, message(cseq));
      clock.advance(10_000);
    }
    open = true;
    streams.replay(0);
    const known = noted().length;
    streams.acknowledge(call, 2);
    streams.publish(call, 1, { kind: "leg-cancelled", leg });
    const last = sent.at(-1)?.frame;
    const batch = last?.kind === "call-events" ? last.events.at(-1)?.event : undefined;
    expect(batch).toMatchObject({ kind: "leg-signalling", omitted: 3_600 - known - LADDER_BATCH });
  });

  it("of a call that is forgotten here are dropped", () => {
    streams.note(call, message(1));
    clock.advance(LADDER_MS);
    expect(sent).toEqual([]);
  });
});
