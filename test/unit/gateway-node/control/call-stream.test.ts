import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CallStream } from "../../../../gateway-node/control/call-stream.ts";
import type { OutgoingEvent } from "../../../../gateway-node/control/call-stream.ts";
import type { CallEvent, NumberedCommand } from "../../../../protocol/call-messages.ts";
import type { LegId } from "../../../../protocol/ids.ts";

const leg = "a" as LegId;
const command = (seq: number): NumberedCommand => ({ seq, epoch: 1, command: { kind: "confirm-leg", leg } });
const event: CallEvent = { kind: "leg-cancelled", leg };

describe("commands of a call's stream", () => {
  it("hands out each command once and in order, whatever is lost, repeated or reordered, once all have arrived", () => {
    const deliveries = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 120 });
    fc.assert(
      fc.property(deliveries, (arrivals) => {
        const stream = new CallStream();
        const applied: number[] = [];
        // What a reconnect brings: everything again.
        for (const seq of [...arrivals, ...Array.from({ length: 20 }, (_, index) => index + 1)]) {
          const arrival = stream.receive(command(seq));
          if (arrival.kind === "ready") applied.push(...arrival.commands.map((ready) => ready.seq));
          expect(stream.appliedCommand).toBe(applied.length);
        }
        expect(applied).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      }),
    );
  });

  it("holds a command that overtook another and says so", () => {
    const stream = new CallStream();
    expect(stream.receive(command(2))).toEqual({ kind: "early" });
    expect(stream.receive(command(1))).toEqual({ kind: "ready", commands: [command(1), command(2)] });
    expect(stream.receive(command(2))).toEqual({ kind: "repeated" });
  });

  it("holds no more than a bounded number of early commands, and still takes the next one", () => {
    const stream = new CallStream();
    for (let seq = 2; seq < 500; seq += 1) stream.receive(command(seq));
    const arrival = stream.receive(command(1));
    expect(arrival.kind === "ready" && arrival.commands.length).toBe(65);
  });
});

describe("events of a call's stream", () => {
  it("reach the Call object exactly once and in order over a channel that loses, repeats and reconnects", () => {
    const step = fc.oneof(
      fc.constant("append" as const),
      fc.constant("reconnect" as const),
      fc.constant("lose" as const),
      fc.constant("ack" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const stream = new CallStream();
        const stored: number[] = [];
        // The Call object's side: n only after n-1, and nothing twice.
        const arrive = (sent: readonly OutgoingEvent[]): void => {
          for (const { numbered } of sent) if (numbered.seq === stored.length + 1) stored.push(numbered.seq);
        };
        let appended = 0;
        let lost = false;
        for (const one of steps) {
          if (one === "append") {
            appended += 1;
            stream.append(1, event, 10);
            if (!lost) arrive(stream.unacknowledged.slice(-1));
          } else if (one === "lose") lost = true;
          else if (one === "ack") stream.acknowledge(stored.length);
          else {
            lost = false;
            arrive(stream.unacknowledged);
          }
        }
        arrive(stream.unacknowledged);
        expect(stored).toEqual(Array.from({ length: appended }, (_, index) => index + 1));
        stream.acknowledge(appended);
        expect(stream.unacknowledged).toEqual([]);
      }),
    );
  });

  it("ignores an acknowledgement of what was never sent", () => {
    const stream = new CallStream();
    stream.append(1, event, 10);
    stream.acknowledge(7);
    expect(stream.unacknowledged).toHaveLength(1);
  });
});
