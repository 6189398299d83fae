import { describe, expect, it } from "vitest";
import { NonInviteServerTransaction } from "#sip/transaction/non-invite-server-transaction";
import type { NonInviteServerInput, NonInviteServerState } from "#sip/transaction/non-invite-server-transaction";
import { aRequest, aResponse, drive } from "./drive-machine.ts";

const start: NonInviteServerInput = { kind: "start" };
const again: NonInviteServerInput = { kind: "request" };
const timerJ: NonInviteServerInput = { kind: "timer", timer: "J" };
const failed: NonInviteServerInput = { kind: "transport-error", reason: "refused" };
const respond = (status: number): NonInviteServerInput => ({
  kind: "respond",
  response: aResponse(status, "REGISTER"),
});

function server(options: { reliable?: boolean } = {}) {
  return drive<NonInviteServerInput>(
    new NonInviteServerTransaction({ request: aRequest("REGISTER"), reliable: false, ...options }),
  );
}

const WAYS: Record<NonInviteServerState, readonly NonInviteServerInput[]> = {
  initial: [],
  trying: [start],
  proceeding: [start, respond(100)],
  completed: [start, respond(200)],
  terminated: [start, respond(200), timerJ],
};

const INPUTS: readonly (readonly [string, NonInviteServerInput])[] = [
  ["start", start],
  ["request", again],
  ["1xx", respond(100)],
  ["final", respond(401)],
  ["J", timerJ],
  ["transport-error", failed],
];

type Row = readonly [from: NonInviteServerState, input: string, to: NonInviteServerState, outputs: readonly string[]];
const TABLE: readonly Row[] = [
  ["initial", "start", "trying", ["to-tu request"]],
  ["trying", "1xx", "proceeding", ["send 100"]],
  ["trying", "final", "completed", ["send 401", "set J"]],
  ["proceeding", "request", "proceeding", ["send 100"]],
  ["proceeding", "1xx", "proceeding", ["send 100"]],
  ["proceeding", "final", "completed", ["send 401", "set J"]],
  ["proceeding", "transport-error", "terminated", ["to-tu transport-error", "terminated"]],
  ["completed", "request", "completed", ["send 200"]],
  ["completed", "J", "terminated", ["terminated"]],
  ["completed", "transport-error", "terminated", ["to-tu transport-error", "terminated"]],
];

describe("non-INVITE server transaction", () => {
  const cases = Object.keys(WAYS).flatMap((from) =>
    INPUTS.map(([name, input]) => ({ from: from as NonInviteServerState, name, input })),
  );
  it.each(cases)("in $from takes $name as RFC 3261 figure 8 says", ({ from, name, input }) => {
    const row = TABLE.find(([state, inputName]) => state === from && inputName === name);
    const machine = server();
    for (const step of WAYS[from]) machine.feed(step);
    expect(machine.state).toBe(from);

    expect({ asked: machine.feed(input), state: machine.state }).toEqual({
      asked: row?.[3] ?? [],
      state: row?.[2] ?? from,
    });
  });

  it("answers repeats with the final response for 32 s over UDP", () => {
    const machine = server();
    machine.feed(start);
    machine.feed(respond(200));
    machine.advanceTo(31_999);
    expect(machine.feed(again)).toEqual(["send 200"]);
    machine.advanceTo(60_000);
    expect(machine.trace.at(-1)).toBe("32000 terminated");
  });

  it("ends with the final response on a reliable transport, for Timer J is zero there", () => {
    const machine = server({ reliable: true });
    machine.feed(start);
    expect(machine.feed(respond(200))).toEqual(["send 200", "terminated"]);
  });
});
