import { describe, expect, it } from "vitest";
import { InviteClientTransaction } from "#sip/transaction/invite-client-transaction";
import type { InviteClientInput, InviteClientState } from "#sip/transaction/invite-client-transaction";
import { aRequest, aResponse, drive } from "./drive-machine.ts";

const start: InviteClientInput = { kind: "start" };
const cancel: InviteClientInput = { kind: "cancel" };
const failed: InviteClientInput = { kind: "transport-error", reason: "refused" };
const response = (status: number): InviteClientInput => ({ kind: "response", response: aResponse(status) });
const timer = (letter: "A" | "B" | "D" | "M" | "cancelled"): InviteClientInput => ({ kind: "timer", timer: letter });

function client(options: { reliable?: boolean; timeoutMs?: number } = {}) {
  return drive<InviteClientInput>(
    new InviteClientTransaction({ request: aRequest("INVITE"), reliable: false, ...options }),
  );
}

/** Inputs that bring a fresh machine into each state. */
const WAYS: Record<InviteClientState, { readonly reliable: boolean; readonly inputs: readonly InviteClientInput[] }> = {
  initial: { reliable: false, inputs: [] },
  calling: { reliable: false, inputs: [start] },
  proceeding: { reliable: false, inputs: [start, response(180)] },
  completed: { reliable: false, inputs: [start, response(486)] },
  accepted: { reliable: false, inputs: [start, response(200)] },
  terminated: { reliable: true, inputs: [start, response(486)] },
};

const INPUTS: readonly (readonly [string, InviteClientInput])[] = [
  ["start", start],
  ["1xx", response(183)],
  ["2xx", response(200)],
  ["3xx-6xx", response(603)],
  ["A", timer("A")],
  ["B", timer("B")],
  ["D", timer("D")],
  ["M", timer("M")],
  ["cancelled", timer("cancelled")],
  ["transport-error", failed],
  ["cancel", cancel],
];

type Row = readonly [from: InviteClientState, input: string, to: InviteClientState, outputs: readonly string[]];
/** Everything that is not listed leaves the state alone and asks for nothing. */
const TABLE: readonly Row[] = [
  ["initial", "start", "calling", ["set B", "set A", "send INVITE"]],
  ["calling", "1xx", "proceeding", ["to-tu 183"]],
  ["calling", "2xx", "accepted", ["set M", "to-tu 200"]],
  ["calling", "3xx-6xx", "completed", ["send ACK", "set D", "to-tu 603"]],
  ["calling", "A", "calling", ["set A", "send INVITE"]],
  ["calling", "B", "terminated", ["to-tu timeout", "terminated"]],
  ["calling", "transport-error", "terminated", ["to-tu transport-error", "terminated"]],
  ["proceeding", "1xx", "proceeding", ["to-tu 183"]],
  ["proceeding", "2xx", "accepted", ["set M", "to-tu 200"]],
  ["proceeding", "3xx-6xx", "completed", ["send ACK", "set D", "to-tu 603"]],
  ["proceeding", "cancel", "proceeding", ["set cancelled", "send-cancel"]],
  ["proceeding", "cancelled", "terminated", ["to-tu timeout", "terminated"]],
  ["completed", "3xx-6xx", "completed", ["send ACK"]],
  ["completed", "D", "terminated", ["terminated"]],
  ["completed", "transport-error", "terminated", ["to-tu transport-error", "terminated"]],
  ["accepted", "2xx", "accepted", ["to-tu 200"]],
  ["accepted", "M", "terminated", ["terminated"]],
];

describe("INVITE client transaction", () => {
  const cases = Object.keys(WAYS).flatMap((from) =>
    INPUTS.map(([name, input]) => ({ from: from as InviteClientState, name, input })),
  );
  it.each(cases)("in $from takes $name as RFC 3261 figure 5 and RFC 6026 figure 8 say", ({ from, name, input }) => {
    const row = TABLE.find(([state, inputName]) => state === from && inputName === name);
    const way = WAYS[from];
    const machine = client({ reliable: way.reliable });
    for (const step of way.inputs) machine.feed(step);
    expect(machine.state).toBe(from);

    const asked = from === "terminated" ? [] : machine.feed(input);
    expect({ asked, state: machine.state }).toEqual({ asked: row?.[3] ?? [], state: row?.[2] ?? from });
  });

  it("retransmits over UDP at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s, then times out at 32 s", () => {
    const machine = client();
    machine.feed(start);
    machine.advanceTo(60_000);
    expect(machine.trace).toEqual([
      ...[0, 500, 1_500, 3_500, 7_500, 15_500, 31_500].map((atMs) => `${atMs} send INVITE`),
      "32000 to-tu timeout",
      "32000 terminated",
    ]);
    expect(machine.timers.size).toBe(0);
  });

  it("sends once over a reliable transport and still times out at 32 s", () => {
    const machine = client({ reliable: true });
    machine.feed(start);
    machine.advanceTo(60_000);
    expect(machine.trace).toEqual(["0 send INVITE", "32000 to-tu timeout", "32000 terminated"]);
  });

  it("gives up at the TU's own deadline instead of Timer B", () => {
    const machine = client({ timeoutMs: 2_000 });
    machine.feed(start);
    machine.advanceTo(60_000);
    expect(machine.trace.at(-1)).toBe("2000 terminated");
  });

  it("stops retransmitting, and waits without limit, once a provisional response came", () => {
    const machine = client();
    machine.feed(start);
    machine.advanceTo(400);
    machine.feed(response(100));
    machine.advanceTo(3_600_000);
    expect(machine.trace).toEqual(["0 send INVITE", "400 to-tu 100"]);
    expect(machine.state).toBe("proceeding");
  });

  it("acknowledges each repeat of a failure for 32 s and reports only the first", () => {
    const machine = client();
    machine.feed(start);
    machine.feed(response(486));
    machine.advanceTo(500);
    machine.feed(response(486));
    machine.advanceTo(40_000);
    expect(machine.trace.slice(1)).toEqual(["0 send ACK", "0 to-tu 486", "500 send ACK", "32000 terminated"]);
  });

  it("ends at once after a failure on a reliable transport, for Timer D is zero there", () => {
    const machine = client({ reliable: true });
    machine.feed(start);
    expect(machine.feed(response(404))).toEqual(["send ACK", "to-tu 404", "terminated"]);
  });

  it.each([true, false])("reports every 2xx for 32 s, from forks too (reliable: %s)", (reliable) => {
    const machine = client({ reliable });
    machine.feed(start);
    machine.feed(response(200));
    machine.advanceTo(31_999);
    machine.feed(response(200));
    machine.advanceTo(60_000);
    expect(machine.trace.slice(1)).toEqual(["0 to-tu 200", "31999 to-tu 200", "32000 terminated"]);
  });

  it("holds a CANCEL back until the first provisional response", () => {
    const machine = client();
    machine.feed(start);
    expect(machine.feed(cancel)).toEqual([]);
    expect(machine.feed(response(100))).toEqual(["set cancelled", "send-cancel", "to-tu 100"]);
    expect(machine.feed(cancel)).toEqual([]);
  });

  it("sends no CANCEL when the final response was faster", () => {
    const machine = client();
    machine.feed(start);
    machine.feed(cancel);
    expect(machine.feed(response(200))).toEqual(["set M", "to-tu 200"]);
    expect(machine.feed(response(200))).toEqual(["to-tu 200"]);
  });

  it("counts the INVITE as timed out when nothing final follows its CANCEL in 64*T1", () => {
    const machine = client();
    machine.feed(start);
    machine.feed(response(180));
    machine.advanceTo(10_000);
    machine.feed(cancel);
    machine.advanceTo(100_000);
    expect(machine.trace.slice(-2)).toEqual(["42000 to-tu timeout", "42000 terminated"]);
  });

  it("builds the ACK to a failure with the INVITE's Via, Route and CSeq number and the response's To", () => {
    const machine = new InviteClientTransaction({ request: aRequest("INVITE"), reliable: true });
    machine.receive(start, 0);
    const ack = machine.receive(response(486), 0)[0];
    expect(ack).toEqual({
      kind: "send",
      message: {
        kind: "request",
        method: "ACK",
        requestUri: "sip:bob@192.0.2.2",
        headers: [
          { name: "via", value: "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone;rport" },
          { name: "route", value: "<sip:proxy.example;lr>" },
          { name: "max-forwards", value: "70" },
          { name: "from", value: "<sip:alice@example.com>;tag=a" },
          { name: "to", value: "<sip:bob@example.com>;tag=b" },
          { name: "call-id", value: "call-1" },
          { name: "cseq", value: "7 ACK" },
        ],
        body: new Uint8Array(0),
      },
    });
  });
});
