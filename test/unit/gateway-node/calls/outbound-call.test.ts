import { beforeEach, describe, expect, it } from "vitest";
import type { CallCommand } from "../../../../protocol/call-messages.ts";
import { header } from "../../../../sip/message/headers.ts";
import { bodyText } from "../../../../sip/message/typed-headers.ts";
import { B1, CallLab, TAG_B } from "../support/call-lab.ts";
import { PHONE_FLOW } from "../support/fake-sip-stack.ts";
import { answerTo, request, sdp } from "../support/sip-messages.ts";

const INVITE: Extract<CallCommand, { kind: "invite-leg" }> = {
  kind: "invite-leg",
  leg: B1,
  flow: PHONE_FLOW,
  requestUri: "sip:bob@192.0.2.7:5060",
  callId: "given@demo.test",
  localUri: '"Alice" <sip:alice@demo.test>',
  remoteUri: "<sip:bob@demo.test>",
  localTag: TAG_B,
  viaBranch: "z9hG4bKgiven",
  cseq: 1,
  codecs: ["PCMU", "PCMA"],
  ringTimeoutMs: 60_000,
  headers: [["X-Given", "yes"]],
};
const ANSWER = {
  toTag: "callee",
  contact: "<sip:bob@192.0.2.7:5070>",
  body: sdp({ host: "192.0.2.7", port: 4100, formats: "8 0 101" }),
};

let lab: CallLab;

beforeEach(async () => {
  lab = new CallLab();
  await lab.command(INVITE);
});

function answer(parts: Parameters<typeof answerTo>[2] = ANSWER): void {
  const sent = lab.stack.lastSent("INVITE");
  sent.onResponse(answerTo(sent.request, 200, parts));
}

describe("invite-leg", () => {
  it("sends an INVITE with the identifiers that the Call object chose, our Contact and an offer", () => {
    const sent = lab.stack.lastSent("INVITE");
    expect(sent.viaBranch).toBe("z9hG4bKgiven");
    expect(sent.flow).toEqual(PHONE_FLOW);
    expect(sent.request.requestUri).toBe("sip:bob@192.0.2.7:5060");
    expect(header(sent.request, "call-id")).toBe("given@demo.test");
    expect(header(sent.request, "cseq")).toBe("1 INVITE");
    expect(header(sent.request, "from")).toBe(`"Alice" <sip:alice@demo.test>;tag=${TAG_B}`);
    expect(header(sent.request, "to")).toBe("<sip:bob@demo.test>");
    expect(header(sent.request, "contact")).toBe(`<sip:${TAG_B}@127.0.0.1:5060;transport=udp>`);
    expect(header(sent.request, "x-given")).toBe("yes");
    expect(bodyText(sent.request)).toMatch(/^m=audio \d+ RTP\/AVP 0 8 101/m);
  });

  it("reports each provisional status once, and 100 not at all", () => {
    const sent = lab.stack.lastSent("INVITE");
    for (const status of [100, 180, 180, 183, 180])
      sent.onResponse(answerTo(sent.request, status, { toTag: "callee" }));
    expect(lab.control.events.map((event) => (event.kind === "leg-ringing" ? event.status : event.kind))).toEqual([
      180, 183,
    ]);
  });

  it("reports the answer, and acknowledges it only when it is stored, for each repeat of it", async () => {
    answer();
    expect(lab.event("leg-answered")).toMatchObject({
      audio: { codec: "PCMA", payloadType: 8 },
      capsule: {
        phase: "confirmed",
        dialog: { remoteTag: "callee", remoteTarget: "sip:bob@192.0.2.7:5070", localCseq: 1 },
        media: { kind: "rtp" },
      },
    });
    answer();
    expect(lab.stack.onceMethods()).toEqual([]);
    await lab.command({ kind: "confirm-leg", leg: B1 });
    answer();
    expect(lab.stack.onceMethods()).toEqual(["ACK", "ACK"]);
    const ack = lab.stack.once[0]?.request;
    expect(ack === undefined ? undefined : [ack.requestUri, header(ack, "cseq")]).toEqual([
      "sip:bob@192.0.2.7:5070",
      "1 ACK",
    ]);
    expect(lab.eventKinds()).toEqual(["leg-answered"]);
    expect(lab.media.trace).toEqual(["open b1", "peer b1 192.0.2.7:4100"]);
  });

  it("reports a refusal with its status, reason and Retry-After, and forgets the leg", () => {
    const sent = lab.stack.lastSent("INVITE");
    sent.onResponse(
      answerTo(sent.request, 486, { toTag: "callee", headers: ["Retry-After: 120 (in a meeting);duration=5"] }),
    );
    expect(lab.event("leg-failed")).toMatchObject({ status: 486, reason: "Test", retryAfterSeconds: 120 });
    expect(lab.legs.size).toBe(0);
    expect(lab.media.open.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });

  it.each([
    ["silence", (): void => lab.stack.lastSent("INVITE").onTimeout(), 408],
    ["an unreachable address", (): void => lab.stack.lastSent("INVITE").onTransportError("refused"), 503],
  ])("reports %s", (_what, happens, status) => {
    happens();
    expect(lab.event("leg-failed").status).toBe(status);
    expect(lab.legs.size).toBe(0);
  });

  it("over a connection that is gone goes to the address of the Contact, as the same INVITE", async () => {
    const other = new CallLab();
    await other.command({ ...INVITE, flow: { transport: "tcp", host: "192.0.2.7", port: 40_000 } });
    const first = other.stack.lastSent("INVITE");
    expect(first.flow.port).toBe(40_000);
    first.onTransportError("ECONNREFUSED");
    other.clock.advance(0);
    const second = other.stack.lastSent("INVITE");
    expect([second.flow, second.viaBranch, second.request]).toEqual([
      { transport: "tcp", host: "192.0.2.7", port: 5060 },
      "z9hG4bKgiven",
      first.request,
    ]);
    second.onTransportError("connect ECONNREFUSED 192.0.2.7:5060");
    // The caller's phone shows this: no word of ours, and no address of the callee's.
    expect(other.event("leg-failed")).toMatchObject({ status: 503, reason: "Service Unavailable" });
  });

  it("to a phone that says nothing fails after 4 s, so that another way can be tried, and rings for the ring timeout otherwise", () => {
    const sent = lab.stack.lastSent("INVITE");
    expect(sent.timeoutMs).toBe(4_000);
    sent.onTimeout();
    expect(lab.event("leg-failed")).toMatchObject({ status: 408, reason: "Request Timeout" });
    expect(lab.legs.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });

  describe("over a binding of this gateway", () => {
    const CONTACT = "sip:alice@192.0.2.7:5060";
    const RING_ALICE = { ...INVITE, requestUri: CONTACT, remoteUri: "<sip:alice@demo.test>" };
    let home: CallLab;
    let calls = 0;
    const register = () =>
      home.receiveAuthenticated({ method: "REGISTER", contact: `<${CONTACT}>`, callId: String((calls += 1)) });

    beforeEach(async () => {
      home = new CallLab();
      await register();
      await home.command(RING_ALICE);
    });

    it.each([
      ["is not answered", "onTimeout"],
      ["is refused by its flow", "onTransportError"],
    ] as const)("that %s takes the route back, until the phone refreshes", async (_what, failure) => {
      home.stack.lastSent("INVITE")[failure]("ECONNREFUSED");
      expect(home.directory.removed).toEqual([
        expect.objectContaining({ endpoint: "alice", sipDomain: "demo.test", reason: "flow-failed" }),
      ]);
      expect(home.directory.added).toHaveLength(1);
      await register();
      expect(home.directory.added).toHaveLength(2);
      await register();
      expect(home.directory.added).toHaveLength(2);
    });

    it("that is not answered leaves another device's registration alone, which does not bring the route back", async () => {
      home.stack.lastSent("INVITE").onTimeout();
      const { added } = home.directory;
      await home.receiveAuthenticated({ method: "REGISTER", contact: "<sip:alice@192.0.2.8>", callId: "other" });
      expect(added.map(({ contact }) => contact)).toEqual([CONTACT, "sip:alice@192.0.2.8"]);
      expect(home.directory.removed).toHaveLength(1);
    });

    it("that the phone refuses leaves the route", () => {
      const sent = home.stack.lastSent("INVITE");
      sent.onResponse(answerTo(sent.request, 503, { toTag: "callee" }));
      expect(home.directory.removed).toEqual([]);
    });
  });

  it("cancels a phone that rings too long, and reports it once", () => {
    const sent = lab.stack.lastSent("INVITE");
    sent.onResponse(answerTo(sent.request, 180, { toTag: "callee" }));
    lab.clock.advance(60_000);
    expect(sent.cancelledWith).toEqual([]);
    expect(lab.event("leg-failed").status).toBe(408);
    sent.onResponse(answerTo(sent.request, 487, { toTag: "callee" }));
    expect(lab.eventKinds().filter((kind) => kind === "leg-failed")).toHaveLength(1);
    expect(lab.legs.size).toBe(0);
  });

  it.each([
    ["without SDP", { ...ANSWER, body: "" }],
    [
      "with a codec that was not offered",
      { ...ANSWER, body: sdp({ host: "192.0.2.7", port: 4100, formats: "9 101" }) },
    ],
    ["with its audio refused", { ...ANSWER, body: sdp({ host: "192.0.2.7", port: 0 }) }],
  ])("acknowledges and ends an answer %s", (_what, parts) => {
    answer(parts);
    expect(lab.stack.onceMethods()).toEqual(["ACK"]);
    expect(lab.stack.sentMethods()).toEqual(["INVITE", "BYE"]);
    expect(lab.event("leg-failed").status).toBe(488);
  });

  it("acknowledges and ends a second answer from another fork of a proxy", async () => {
    answer();
    await lab.command({ kind: "confirm-leg", leg: B1 });
    answer({ ...ANSWER, toTag: "other", contact: "<sip:bob@192.0.2.99>" });
    const bye = lab.stack.lastSent("BYE").request;
    expect([bye.requestUri, header(bye, "to")]).toEqual(["sip:bob@192.0.2.99", "<sip:bob@demo.test>;tag=other"]);
    expect(lab.legs.size).toBe(1);
  });

  it("with a tag that would not find its call is refused", async () => {
    const other = new CallLab();
    await other.command({ ...INVITE, localTag: "foreign" });
    expect(other.event("leg-failed").status).toBe(500);
    expect(other.stack.sent).toEqual([]);
  });

  it("without a free media port is reported before anything is sent", async () => {
    const other = new CallLab();
    other.media.poolEmpty = true;
    await other.command(INVITE);
    expect(other.event("leg-failed")).toMatchObject({ status: 503, reason: "Service Unavailable" });
    expect(other.stack.sent).toEqual([]);
  });
});

describe("cancel-leg", () => {
  it("cancels with the reason, and the 487 ends the leg", async () => {
    await lab.command({ kind: "cancel-leg", leg: B1, reason: "SIP;cause=200" });
    const sent = lab.stack.lastSent("INVITE");
    expect(sent.cancelledWith).toEqual([["Reason", "SIP;cause=200"]]);
    sent.onResponse(answerTo(sent.request, 487, { toTag: "callee" }));
    expect(lab.event("leg-failed").status).toBe(487);
    expect(lab.legs.size).toBe(0);
  });

  it("that crosses an answer acknowledges it and ends it", async () => {
    await lab.command({ kind: "cancel-leg", leg: B1 });
    answer();
    expect(lab.stack.onceMethods()).toEqual(["ACK"]);
    expect(lab.stack.sentMethods()).toEqual(["INVITE", "BYE"]);
    expect(lab.event("leg-failed").status).toBe(487);
    expect(lab.eventKinds()).not.toContain("leg-answered");
  });

  it("after the answer was reported ends the dialog, whatever comes later", async () => {
    answer();
    await lab.command({ kind: "cancel-leg", leg: B1 });
    await lab.command({ kind: "confirm-leg", leg: B1 });
    await lab.command({ kind: "end-leg", leg: B1 });
    expect(lab.stack.onceMethods()).toEqual(["ACK"]);
    expect(lab.stack.sentMethods()).toEqual(["INVITE", "BYE"]);
  });

  it("gives up a phone that answers CANCEL with silence", async () => {
    await lab.command({ kind: "cancel-leg", leg: B1 });
    lab.clock.advance(32_000);
    expect(lab.legs.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });
});

describe("the callee's BYE", () => {
  it("is answered, reported and forgotten", async () => {
    answer();
    await lab.command({ kind: "confirm-leg", leg: B1 });
    const bye = await lab.receive(
      request({
        method: "BYE",
        uri: `sip:${TAG_B}@127.0.0.1`,
        from: "<sip:bob@demo.test>;tag=callee",
        to: `<sip:alice@demo.test>;tag=${TAG_B}`,
        callId: "given@demo.test",
        cseq: 9,
      }),
    );
    expect(bye.statuses).toEqual([200]);
    expect(lab.event("leg-ended")).toMatchObject({ leg: "b1", cause: "bye" });
    expect(lab.legs.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });
});
