import { describe, expect, it } from "vitest";
import { NonInviteClientTransaction } from "#sip/transaction/non-invite-client-transaction";
import type { NonInviteClientInput, NonInviteClientState } from "#sip/transaction/non-invite-client-transaction";
import { aRequest, aResponse, drive } from "./drive-machine.ts";

const start: NonInviteClientInput = { kind: "start" };
const failed: NonInviteClientInput = { kind: "transport-error", reason: "refused" };
const response = (status: number): NonInviteClientInput => ({ kind: "response", response: aResponse(status, "BYE") });
const timer = (letter: "E" | "F" | "K"): NonInviteClientInput => ({ kind: "timer", timer: letter });

function client(options: { reliable?: boolean; timeoutMs?: number } = {}) {
  return drive<NonInviteClientInput>(
    new NonInviteClientTransaction({ request: aRequest("BYE"), reliable: false, ...options }),
  );
}

const WAYS: Record<NonInviteClientState, readonly NonInviteClientInput[]> = {
  initial: [],
  trying: [start],
  proceeding: [start, response(100)],
  completed: [start, response(200)],
  terminated: [start, failed],
};

const INPUTS: readonly (readonly [string, NonInviteClientInput])[] = [
  ["start", start],
  ["1xx", response(100)],
  ["2xx", response(200)],
  ["3xx-6xx", response(481)],
  ["E", timer("E")],
  ["F", timer("F")],
  ["K", timer("K")],
  ["transport-error", failed],
];

type Row = readonly [from: NonInviteClientState, input: string, to: NonInviteClientState, outputs: readonly string[]];
const TABLE: readonly Row[] = [
  ["initial", "start", "trying", ["set F", "set E", "send BYE"]],
  ["trying", "1xx", "proceeding", ["to-tu 100"]],
  ["trying", "2xx", "completed", ["set K", "to-tu 200"]],
  ["trying", "3xx-6xx", "completed", ["set K", "to-tu 481"]],
  ["trying", "E", "trying", ["set E", "send BYE"]],
  ["trying", "F", "terminated", ["to-tu timeout", "terminated"]],
  ["trying", "transport-error", "terminated", ["to-tu transport-error", "terminated"]],
  ["proceeding", "1xx", "proceeding", ["to-tu 100"]],
  ["proceeding", "2xx", "completed", ["set K", "to-tu 200"]],
  ["proceeding", "3xx-6xx", "completed", ["set K", "to-tu 481"]],
  ["proceeding", "E", "proceeding", ["set E", "send BYE"]],
  ["proceeding", "F", "terminated", ["to-tu timeout", "terminated"]],
  ["proceeding", "transport-error", "terminated", ["to-tu transport-error", "terminated"]],
  ["completed", "K", "terminated", ["terminated"]],
];

describe("non-INVITE client transaction", () => {
  const cases = Object.keys(WAYS).flatMap((from) =>
    INPUTS.map(([name, input]) => ({ from: from as NonInviteClientState, name, input })),
  );
  it.each(cases)("in $from takes $name as RFC 3261 figure 6 says", ({ from, name, input }) => {
    const row = TABLE.find(([state, inputName]) => state === from && inputName === name);
    const machine = client();
    for (const step of WAYS[from]) machine.feed(step);
    expect(machine.state).toBe(from);

    expect({ asked: machine.feed(input), state: machine.state }).toEqual({
      asked: row?.[3] ?? [],
      state: row?.[2] ?? from,
    });
  });

  it("retransmits over UDP after 0.5, 1, 2 and then every 4 s, and times out at 32 s", () => {
    const machine = client();
    machine.feed(start);
    machine.advanceTo(60_000);
    expect(machine.trace).toEqual([
      ...[0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500].map(
        (atMs) => `${atMs} send BYE`,
      ),
      "32000 to-tu timeout",
      "32000 terminated",
    ]);
  });

  it("slows down to one repeat in 4 s once a provisional response came", () => {
    const machine = client();
    machine.feed(start);
    machine.feed(response(100));
    machine.advanceTo(9_000);
    expect(machine.trace).toEqual(["0 send BYE", "0 to-tu 100", "500 send BYE", "4500 send BYE", "8500 send BYE"]);
  });

  it("sends once over a reliable transport and ends with the final response", () => {
    const machine = client({ reliable: true });
    machine.feed(start);
    machine.advanceTo(20_000);
    expect(machine.feed(response(200))).toEqual(["to-tu 200", "terminated"]);
    expect(machine.trace[0]).toBe("0 send BYE");
    expect(machine.trace).toHaveLength(3);
  });

  it("absorbs repeats of the final response for 5 s over UDP", () => {
    const machine = client();
    machine.feed(start);
    machine.feed(response(200));
    machine.advanceTo(4_999);
    expect(machine.feed(response(200))).toEqual([]);
    machine.advanceTo(5_000);
    expect(machine.trace.at(-1)).toBe("5000 terminated");
  });

  it("gives up at the TU's own deadline instead of Timer F", () => {
    const machine = client({ timeoutMs: 700 });
    machine.feed(start);
    machine.advanceTo(60_000);
    expect(machine.trace).toEqual(["0 send BYE", "500 send BYE", "700 to-tu timeout", "700 terminated"]);
  });
});
