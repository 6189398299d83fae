import { describe, expect, it } from "vitest";
import { InviteServerTransaction } from "#sip/transaction/invite-server-transaction";
import type { InviteServerInput, InviteServerState } from "#sip/transaction/invite-server-transaction";
import { aRequest, aResponse, drive } from "./drive-machine.ts";

const start: InviteServerInput = { kind: "start" };
const again: InviteServerInput = { kind: "request" };
const ack: InviteServerInput = { kind: "ack", request: aRequest("ACK") };
const failed: InviteServerInput = { kind: "transport-error", reason: "refused" };
const respond = (status: number): InviteServerInput => ({ kind: "respond", response: aResponse(status) });
const timer = (letter: "G" | "H" | "I" | "L"): InviteServerInput => ({ kind: "timer", timer: letter });

function server(options: { reliable?: boolean } = {}) {
  return drive<InviteServerInput>(
    new InviteServerTransaction({ request: aRequest("INVITE"), trying: aResponse(100), reliable: false, ...options }),
  );
}

const WAYS: Record<InviteServerState, readonly InviteServerInput[]> = {
  initial: [],
  proceeding: [start],
  completed: [start, respond(486)],
  confirmed: [start, respond(486), ack],
  accepted: [start, respond(200)],
  terminated: [start, respond(486), ack, timer("I")],
};

const INPUTS: readonly (readonly [string, InviteServerInput])[] = [
  ["start", start],
  ["INVITE", again],
  ["ACK", ack],
  ["1xx", respond(180)],
  ["2xx", respond(200)],
  ["3xx-6xx", respond(603)],
  ["G", timer("G")],
  ["H", timer("H")],
  ["I", timer("I")],
  ["L", timer("L")],
  ["transport-error", failed],
];

type Row = readonly [from: InviteServerState, input: string, to: InviteServerState, outputs: readonly string[]];
const TABLE: readonly Row[] = [
  ["initial", "start", "proceeding", ["send 100", "to-tu request"]],
  ["proceeding", "INVITE", "proceeding", ["send 100"]],
  ["proceeding", "1xx", "proceeding", ["send 180"]],
  ["proceeding", "2xx", "accepted", ["send 200", "set L"]],
  ["proceeding", "3xx-6xx", "completed", ["send 603", "set H", "set G"]],
  ["proceeding", "transport-error", "proceeding", ["to-tu transport-error"]],
  ["completed", "INVITE", "completed", ["send 486"]],
  ["completed", "ACK", "confirmed", ["set I"]],
  ["completed", "G", "completed", ["set G", "send 486"]],
  ["completed", "H", "terminated", ["to-tu timeout", "terminated"]],
  ["completed", "transport-error", "completed", ["to-tu transport-error"]],
  ["confirmed", "I", "terminated", ["terminated"]],
  ["accepted", "ACK", "accepted", ["to-tu ack"]],
  ["accepted", "2xx", "accepted", ["send 200"]],
  ["accepted", "L", "terminated", ["terminated"]],
  ["accepted", "transport-error", "accepted", ["to-tu transport-error"]],
];

describe("INVITE server transaction", () => {
  const cases = Object.keys(WAYS).flatMap((from) =>
    INPUTS.map(([name, input]) => ({ from: from as InviteServerState, name, input })),
  );
  it.each(cases)("in $from takes $name as RFC 3261 figure 7 and RFC 6026 figure 7 say", ({ from, name, input }) => {
    const row = TABLE.find(([state, inputName]) => state === from && inputName === name);
    const machine = server();
    for (const step of WAYS[from]) machine.feed(step);
    expect(machine.state).toBe(from);

    expect({ asked: machine.feed(input), state: machine.state }).toEqual({
      asked: row?.[3] ?? [],
      state: row?.[2] ?? from,
    });
  });

  it("repeats a failure over UDP after 0.5, 1, 2 and then every 4 s until Timer H at 32 s", () => {
    const machine = server();
    machine.feed(start);
    machine.feed(respond(486));
    machine.advanceTo(60_000);
    expect(machine.trace.slice(2)).toEqual([
      ...[0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500].map(
        (atMs) => `${atMs} send 486`,
      ),
      "32000 to-tu timeout",
      "32000 terminated",
    ]);
  });

  it("sends a failure once over a reliable transport, and waits for its ACK until Timer H", () => {
    const machine = server({ reliable: true });
    machine.feed(start);
    machine.feed(respond(486));
    machine.advanceTo(60_000);
    expect(machine.trace.slice(2)).toEqual(["0 send 486", "32000 to-tu timeout", "32000 terminated"]);
  });

  it("absorbs repeated ACKs for 5 s over UDP, and ends with the first one on a reliable transport", () => {
    const unreliable = server();
    for (const input of [start, respond(404), ack]) unreliable.feed(input);
    expect(unreliable.feed(ack)).toEqual([]);
    unreliable.advanceTo(60_000);
    expect(unreliable.trace.at(-1)).toBe("5000 terminated");

    const reliable = server({ reliable: true });
    for (const input of [start, respond(404)]) reliable.feed(input);
    expect(reliable.feed(ack)).toEqual(["terminated"]);
  });

  it.each([true, false])("absorbs repeated INVITEs for 32 s after a 2xx (reliable: %s)", (reliable) => {
    const machine = server({ reliable });
    machine.feed(start);
    machine.feed(respond(200));
    machine.advanceTo(31_999);
    expect(machine.feed(again)).toEqual([]);
    machine.advanceTo(60_000);
    expect(machine.trace.at(-1)).toBe("32000 terminated");
  });

  it("answers a repeated INVITE with the newest provisional response", () => {
    const machine = server();
    for (const input of [start, respond(180), respond(183)]) machine.feed(input);
    expect(machine.feed(again)).toEqual(["send 183"]);
  });
});
