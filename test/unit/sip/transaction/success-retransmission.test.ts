import { describe, expect, it } from "vitest";
import { SuccessRetransmission } from "#sip/transaction/success-retransmission";
import type { SuccessRetransmissionOutput, SuccessRetransmissionTimer } from "#sip/transaction/success-retransmission";
import { drive } from "./drive-machine.ts";

type Input =
  | { readonly kind: "start" }
  | { readonly kind: "acknowledge" }
  | { readonly kind: "timer"; readonly timer: SuccessRetransmissionTimer };

function repetition() {
  const machine = new SuccessRetransmission();
  return drive<Input>({
    state: "",
    receive(input, nowMs): readonly SuccessRetransmissionOutput[] {
      if (input.kind === "start") return machine.start(nowMs);
      if (input.kind === "timer") return machine.onTimer(input.timer, nowMs);
      machine.acknowledge();
      return [];
    },
  });
}

describe("repetition of a 2xx to INVITE", () => {
  it("repeats after 0.5, 1, 2 and then every 4 s, and gives up at 32 s", () => {
    const machine = repetition();
    machine.feed({ kind: "start" });
    machine.advanceTo(60_000);
    expect(machine.trace).toEqual([
      ...[500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500].map((atMs) => `${atMs} send`),
      "32000 unacknowledged",
    ]);
  });

  it("stops with the ACK", () => {
    const machine = repetition();
    machine.feed({ kind: "start" });
    machine.advanceTo(600);
    machine.feed({ kind: "acknowledge" });
    machine.advanceTo(60_000);
    expect(machine.trace).toEqual(["500 send"]);
  });
});
