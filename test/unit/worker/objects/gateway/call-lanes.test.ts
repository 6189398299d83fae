import { describe, expect, it } from "vitest";
import { parseCallToken, parseGatewayInstanceId } from "../../../../../protocol/ids.ts";
import { CallLanes } from "../../../../../worker/objects/gateway/call-lanes.ts";

const [one, two] = ["a", "b"].map((letter) => parseCallToken(letter.repeat(40))!);

function lanes(): { readonly lanes: CallLanes; readonly trace: string[]; release(): Promise<void> } {
  const trace: string[] = [];
  let waiting: (() => void)[] = [];
  return {
    trace,
    lanes: new CallLanes(async (call, { events, ackCommand }) => {
      trace.push(`${call[0]} ${events.map(({ seq }) => seq).join("+") || "none"} ack ${ackCommand}`);
      await new Promise<void>((resolve) => waiting.push(resolve));
    }),
    async release() {
      const now = waiting;
      waiting = [];
      for (const resolve of now) resolve();
      for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
    },
  };
}

const [run, laterRun] = ["0", "1"].map((digit) => parseGatewayInstanceId(digit.repeat(32))!);

function events(...seqs: number[]) {
  return {
    kind: "events",
    instance: run!,
    ackCommand: seqs.at(-1) ?? 0,
    events: seqs.map((seq) => ({ seq, epoch: 1, event: { kind: "leg-cancelled" as const, leg: "a" as never } })),
  } as const;
}

describe("lanes of calls", () => {
  it("bring the events of one call one after the other, those that waited together, while another call passes", async () => {
    const world = lanes();
    void world.lanes.push(one!, events(1));
    void world.lanes.push(one!, events(2));
    void world.lanes.push(one!, events(3));
    void world.lanes.push(two!, events(1));
    expect(world.trace).toEqual(["a 1 ack 1", "b 1 ack 1"]);
    await world.release();
    expect(world.trace).toEqual(["a 1 ack 1", "b 1 ack 1", "a 2+3 ack 3"]);
    await world.release();
    expect(world.lanes.isBusy(one!)).toBe(false);
  });

  it("do not grow when the same events come again while they wait", async () => {
    const world = lanes();
    void world.lanes.push(one!, events(1));
    for (let repetition = 0; repetition < 3; repetition += 1) void world.lanes.push(one!, events(1, 2));
    void world.lanes.push(one!, events(3));
    await world.release();
    expect(world.trace).toEqual(["a 1 ack 1", "a 1+2+3 ack 3"]);
  });

  it("keep the events of two runs of a gateway apart, for each has numbers of its own", async () => {
    const world = lanes();
    void world.lanes.push(one!, events(1));
    void world.lanes.push(one!, events(2));
    void world.lanes.push(one!, { ...events(1), instance: laterRun! });
    await world.release();
    await world.release();
    expect(world.trace).toEqual(["a 1 ack 1", "a 2 ack 2", "a 1 ack 1"]);
  });

  it("keep what is to be done between events in its place", async () => {
    const world = lanes();
    void world.lanes.push(one!, events(1));
    void world.lanes.push(one!, { kind: "task", run: async () => void world.trace.push("task") });
    void world.lanes.push(one!, events(2));
    await world.release();
    await world.release();
    expect(world.trace).toEqual(["a 1 ack 1", "task", "a 2 ack 2"]);
  });
});
