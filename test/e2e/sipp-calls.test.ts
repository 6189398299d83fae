/** SIPp, the phone that everybody scripts: it answers a challenge and calls, over UDP and TCP, many times. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callScenario, runSipp } from "../support/sipp.ts";
import { startStack } from "../support/stack.ts";
import type { Stack } from "../support/stack.ts";
import { listCalls } from "../support/stack-api.ts";
import { waitUntil } from "../support/wait-until.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());

describe("SIPp as the caller", () => {
  it.each(["udp", "tcp"] as const)("over %s has each of its 20 calls to echo answered and ended", async (transport) => {
    const before = (await listCalls(stack)).length;
    const outcome = await runSipp({
      scenario: callScenario(stack.user("carol"), "echo", { holdMs: 300 }),
      target: stack.sip("eu-west", transport),
      transport,
      calls: 20,
      rate: 10,
      timeoutSeconds: 30,
    });
    expect(outcome).toMatchObject({ exitCode: 0, errors: "" });
    const calls = await waitUntil("all calls are in the list, ended", async () => {
      const all = await listCalls(stack);
      const listed = all.slice(0, all.length - before);
      return listed.length === 20 && listed.every(({ status }) => status === "completed") && listed;
    });
    expect(calls.every(({ to }) => to === "echo")).toBe(true);
  });

  it("with video, fax, text and data in its offer gets port 0 for each of them, and its call", async () => {
    const furtherMedia = [
      "m=video 6000 RTP/AVP 96",
      "a=rtpmap:96 VP8/90000",
      "m=image 6002 udptl t38",
      "m=text 6004 RTP/AVP 98",
      "m=application 6006 UDP/DTLS/SCTP webrtc-datachannel",
    ];
    const outcome = await runSipp({
      scenario: callScenario(stack.user("carol"), "echo", { holdMs: 300, furtherMedia }),
      target: stack.sip("eu-west"),
      calls: 1,
      timeoutSeconds: 20,
    });
    expect(outcome).toMatchObject({ exitCode: 0, errors: "" });
    const answer = outcome.messages.slice(
      outcome.messages.lastIndexOf("SIP/2.0 200 OK\r\n", outcome.messages.lastIndexOf("m=audio")),
    );
    expect(answer.match(/^m=\w+ \d+/gm)).toEqual([
      expect.stringMatching(/^m=audio [1-9]/),
      "m=video 0",
      "m=image 0",
      "m=text 0",
      "m=application 0",
    ]);
  });
});
