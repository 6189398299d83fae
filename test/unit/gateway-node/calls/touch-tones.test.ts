import { beforeEach, describe, expect, it } from "vitest";
import { header } from "../../../../sip/message/headers.ts";
import { bodyText } from "../../../../sip/message/typed-headers.ts";
import { A, CallLab, TAG_A } from "../support/call-lab.ts";
import { answerTo, sdp } from "../support/sip-messages.ts";
import { settle } from "../support/virtual-clock.ts";

let lab: CallLab;
beforeEach(async () => {
  lab = new CallLab();
  await lab.confirmed();
});

const RELAY = "Content-Type: application/dtmf-relay";
let cseq = 10;
const info = (body: string, ...headers: readonly string[]) =>
  lab.receive(lab.fromCaller({ method: "INFO", cseq: (cseq += 1), headers, body }));

describe("INFO of a phone", () => {
  it("with a touch tone is 200 and told to the call", async () => {
    const transaction = await info("Signal=4\r\nDuration=200\r\n", RELAY);
    expect(transaction.statuses).toEqual([200]);
    expect(lab.event("digit-received")).toMatchObject({ leg: "a", digit: "4", source: "info", durationMs: 200 });
  });

  it.each([
    { about: "a malformed tone", body: "Signal=x\r\n", headers: [RELAY], status: 400, code: "dtmf-malformed" },
    {
      about: "another body",
      body: "<x/>",
      headers: ["Content-Type: text/xml"],
      status: 415,
      code: "info-type-unknown",
    },
    { about: "a package", body: "", headers: ["Info-Package: x"], status: 469, code: "info-package-unknown" },
  ])("with $about is refused $status and counted", async ({ body, headers, status, code }) => {
    const transaction = await info(body, ...headers);
    expect(transaction.statuses).toEqual([status]);
    expect(lab.count(`info.refused.${code}`)).toBe(1);
    expect(lab.eventKinds()).not.toContain("digit-received");
  });

  it("says what is taken in its refusal", async () => {
    expect(header((await info("<x/>", "Content-Type: text/xml")).last, "accept")).toContain("application/dtmf-relay");
  });

  it("without a body is a sign of life", async () => {
    expect((await info("")).statuses).toEqual([200]);
    expect(lab.eventKinds()).not.toContain("digit-received");
  });

  it("faster than a telephone dials is refused, until time has passed", async () => {
    const statuses: number[] = [];
    for (let at = 0; at < 32; at += 1) statuses.push(...(await info("Signal=1\r\n", RELAY)).statuses);
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
    expect(statuses.at(-1)).toBe(503);
    lab.clock.advance(1_000);
    expect((await info("Signal=1\r\n", RELAY)).statuses).toEqual([200]);
  });
});

describe("a key in a leg's media", () => {
  it("is told to the call, and a flood of them is not", async () => {
    for (let at = 0; at < 40; at += 1) lab.reports.onDigit(TAG_A, "9");
    await settle();
    expect(lab.control.events.filter(({ kind }) => kind === "digit-received")).toHaveLength(30);
    expect(lab.event("digit-received")).toMatchObject({ leg: "a", digit: "9", source: "rtp" });
    expect(lab.count("calls.digits-too-fast.rtp")).toBe(10);
  });
});

describe("a key for a phone", () => {
  const press = (durationMs = 160) => lab.command({ kind: "send-digit", leg: A, digit: "#", durationMs });
  /** The phone's next description has no telephone-event. */
  const withoutEvents = async (): Promise<void> => {
    const body = sdp({ host: "192.0.2.7", port: 4000, formats: "0" }).replace(/a=rtpmap:101.*\r\n/, "");
    await lab.receive(lab.fromCaller({ method: "INVITE", body, headers: ["Allow: INVITE, INFO, BYE"] }));
    await lab.receive(lab.fromCaller({ method: "ACK" }));
  };

  it.each([
    [160, 160],
    [1, 80],
    [60_000, 2_000],
  ])("goes into its media where that has events, %d ms as %d", async (asked, pressed) => {
    await press(asked);
    expect(lab.media.trace.at(-1)).toBe(`digit a # ${pressed}`);
  });

  it("is an INFO otherwise, and its refusal ends nothing", async () => {
    await withoutEvents();
    await press();
    const sent = lab.stack.lastSent("INFO");
    expect(bodyText(sent.request)).toBe("Signal=#\r\nDuration=160\r\n");
    expect(header(sent.request, "content-type")).toBe("application/dtmf-relay");
    sent.onResponse(answerTo(sent.request, 415));
    expect(lab.count("calls.digit-undeliverable")).toBe(1);
    expect(lab.eventKinds()).not.toContain("leg-ended");
  });
});
