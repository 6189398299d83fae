/** Runs a transaction machine on virtual time and writes down what it asks for. */
import type { SipMessage, SipRequest, SipResponse } from "#sip/message/sip-message";

interface Output {
  readonly kind: string;
  readonly message?: SipMessage;
  readonly timer?: string;
  readonly atMs?: number;
  readonly report?: { readonly kind: string; readonly response?: SipResponse; readonly reason?: string };
}

interface Machine<Input> {
  readonly state: string;
  receive(input: Input, nowMs: number): readonly Output[];
}

export function aRequest(method: string): SipRequest {
  const headers = [
    { name: "via", value: "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone;rport" },
    { name: "route", value: "<sip:proxy.example;lr>" },
    { name: "max-forwards", value: "70" },
    { name: "from", value: "<sip:alice@example.com>;tag=a" },
    { name: "to", value: "<sip:bob@example.com>" },
    { name: "call-id", value: "call-1" },
    { name: "cseq", value: `7 ${method}` },
  ];
  return { kind: "request", method, requestUri: "sip:bob@192.0.2.2", headers, body: new Uint8Array(0) };
}

export function aResponse(status: number, method = "INVITE"): SipResponse {
  const headers = [
    { name: "via", value: "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone;rport" },
    { name: "from", value: "<sip:alice@example.com>;tag=a" },
    { name: "to", value: "<sip:bob@example.com>;tag=b" },
    { name: "call-id", value: "call-1" },
    { name: "cseq", value: `7 ${method}` },
  ];
  return { kind: "response", status, reason: "Any", headers, body: new Uint8Array(0) };
}

function describe(output: Output): string {
  if (output.kind === "send" && output.message !== undefined) {
    return `send ${output.message.kind === "request" ? output.message.method : output.message.status}`;
  }
  if (output.kind === "to-tu" && output.report !== undefined) {
    return `to-tu ${output.report.response?.status ?? output.report.kind}`;
  }
  return output.kind === "set-timer" ? `set ${output.timer}` : output.kind;
}

/** `trace` has one line per output but `set-timer`: the instant, then what was asked. Timers fire by themselves. */
export function drive<Input extends { readonly kind: string }>(machine: Machine<Input>) {
  const timers = new Map<string, number>();
  const trace: string[] = [];
  let nowMs = 0;
  let terminated = false;

  function perform(outputs: readonly Output[]): string[] {
    const asked: string[] = [];
    for (const output of outputs) {
      if (terminated) throw new Error("an output after the end");
      if (output.kind === "terminated") {
        terminated = true;
        timers.clear();
      }
      if (output.kind === "set-timer") timers.set(output.timer ?? "", output.atMs ?? 0);
      else trace.push(`${nowMs} ${describe(output)}`);
      asked.push(describe(output));
    }
    return asked;
  }

  function advanceTo(untilMs: number): void {
    for (;;) {
      const next = [...timers].filter(([, atMs]) => atMs <= untilMs).toSorted((a, b) => a[1] - b[1])[0];
      if (next === undefined) break;
      timers.delete(next[0]);
      nowMs = next[1];
      perform(machine.receive({ kind: "timer", timer: next[0] } as unknown as Input, nowMs));
    }
    nowMs = untilMs;
  }

  return {
    trace,
    timers,
    advanceTo,
    feed: (input: Input): string[] => perform(machine.receive(input, nowMs)),
    get state(): string {
      return machine.state;
    },
  };
}
