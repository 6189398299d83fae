import { beforeEach, describe, expect, it } from "vitest";
import { bodyText } from "../../../../sip/message/typed-headers.ts";
import { A, B1, CallLab, TAG_A, TAG_B } from "../support/call-lab.ts";
import { PHONE_FLOW } from "../support/fake-sip-stack.ts";
import { answerTo, sdp } from "../support/sip-messages.ts";
import { settle } from "../support/virtual-clock.ts";

let lab: CallLab;
beforeEach(() => {
  lab = new CallLab();
});

describe("a phone that is rung", () => {
  const EARLY = sdp({ host: "192.0.2.9", port: 4900, formats: "8 101" });

  async function rung(): Promise<ReturnType<CallLab["stack"]["lastSent"]>> {
    await lab.command({
      kind: "invite-leg",
      leg: B1,
      flow: PHONE_FLOW,
      requestUri: "sip:bob@192.0.2.9",
      callId: "ours",
      localUri: "<sip:alice@demo.test>",
      remoteUri: "<sip:bob@demo.test>",
      localTag: TAG_B,
      viaBranch: "z9hG4bKb1",
      cseq: 1,
      codecs: ["PCMU", "PCMA"],
      ringTimeoutMs: 60_000,
      headers: [],
    });
    return lab.stack.lastSent("INVITE");
  }

  it.each([180, 183])("is heard from its %d with SDP on, once", async (status) => {
    const invite = await rung();
    invite.onResponse(answerTo(invite.request, status, { toTag: "t", contact: "<sip:bob@192.0.2.9>", body: EARLY }));
    invite.onResponse(answerTo(invite.request, status, { toTag: "t", contact: "<sip:bob@192.0.2.9>", body: EARLY }));
    const rings = lab.control.events.filter(({ kind }) => kind === "leg-ringing");
    expect(rings).toHaveLength(1);
    expect(lab.event("leg-ringing")).toMatchObject({ status, capsule: { media: { audio: { codec: "PCMA" } } } });
    expect(lab.media.trace.at(-1)).toBe("peer b1 192.0.2.9:4900");
    expect(lab.count("calls.early-media")).toBe(1);
  });

  it("is heard although it rang before without SDP in the same status", async () => {
    const invite = await rung();
    invite.onResponse(answerTo(invite.request, 183, { toTag: "t", contact: "<sip:bob@192.0.2.9>" }));
    expect(lab.event("leg-ringing").capsule?.media).toBeUndefined();
    invite.onResponse(answerTo(invite.request, 183, { toTag: "t", contact: "<sip:bob@192.0.2.9>", body: EARLY }));
    expect(lab.event("leg-ringing").capsule?.media).toBeDefined();
  });

  it("only rings when its SDP has no codec of ours", async () => {
    const invite = await rung();
    const body = sdp({ host: "192.0.2.9", port: 4900, formats: "18" });
    invite.onResponse(answerTo(invite.request, 183, { toTag: "t", contact: "<sip:bob@192.0.2.9>", body }));
    expect(lab.event("leg-ringing").capsule?.media).toBeUndefined();
    expect(lab.count("calls.early-media-unusable")).toBe(1);
  });

  it("may leave the SDP out of its 200 when its 183 had it", async () => {
    const invite = await rung();
    const contact = "<sip:bob@192.0.2.9>";
    invite.onResponse(answerTo(invite.request, 183, { toTag: "t", contact, body: EARLY }));
    invite.onResponse(answerTo(invite.request, 200, { toTag: "t", contact }));
    expect(lab.event("leg-answered").audio).toMatchObject({ codec: "PCMA", payloadType: 8 });
  });

  it("and the caller may be silent for as long as it rings", async () => {
    const invite = await rung();
    invite.onResponse(answerTo(invite.request, 183, { toTag: "t", contact: "<sip:bob@192.0.2.9>", body: EARLY }));
    lab.reports.onMediaTimeout(TAG_B);
    await settle();
    expect(lab.eventKinds()).not.toContain("leg-ended");
  });
});

describe("a phone that calls", () => {
  const ring = (earlyCodec: "PCMU" | "PCMA" = "PCMU", epoch = 1) =>
    lab.command({ kind: "ring-leg", leg: A, status: 180, earlyCodec }, epoch);

  it("gets 183 with the answer, sends where it says, and its 200 says the very same", async () => {
    const invite = await lab.invite();
    await ring();
    expect(invite.statuses.at(-1)).toBe(183);
    const early = bodyText(invite.last);
    expect(early).toMatch(/^m=audio \d+ RTP\/AVP 0 101/m);
    expect(lab.media.trace.at(-1)).toBe("peer a 192.0.2.7:4000");
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMU" });
    expect(invite.statuses.at(-1)).toBe(200);
    expect(bodyText(invite.last)).toBe(early);
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 2 }));
    expect(lab.stack.sent.filter(({ request }) => request.method === "INVITE")).toEqual([]);
  });

  it("gets the same answer again when it is told again, and 180 where there is none to be had", async () => {
    const invite = await lab.invite();
    await ring();
    const early = bodyText(invite.last);
    await ring();
    expect(bodyText(invite.last)).toBe(early);

    lab = new CallLab();
    lab.media.poolEmpty = true;
    const other = await lab.invite();
    await ring();
    expect(other.statuses.at(-1)).toBe(180);
  });

  it("is told of the winner's other codec in the 200, and by re-INVITE after its ACK", async () => {
    const invite = await lab.invite();
    await ring("PCMU");
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMA" });
    expect(bodyText(invite.last)).toMatch(/^m=audio \d+ RTP\/AVP 8 101/m);
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 2 }));
    const reinvite = lab.stack.lastSent("INVITE");
    expect(bodyText(reinvite.request)).toMatch(/^m=audio \d+ RTP\/AVP 8 101/m);
    reinvite.onResponse(
      answerTo(reinvite.request, 200, {
        contact: "<sip:alice@192.0.2.7>",
        body: sdp({ host: "192.0.2.7", port: 4000, formats: "8 101" }),
      }),
    );
    expect(lab.event("leg-changed").capsule.media?.audio.codec).toBe("PCMA");
    expect(lab.eventKinds()).not.toContain("leg-adopted");
  });

  it.each([
    [488, "goes on"],
    [481, "ends"],
  ])("that answers this re-INVITE %d %s", async (status, outcome) => {
    await lab.invite();
    await ring("PCMU");
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMA" });
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 2 }));
    const reinvite = lab.stack.lastSent("INVITE");
    reinvite.onResponse(answerTo(reinvite.request, status));
    expect(lab.count("calls.renegotiation-failed")).toBe(1);
    expect(lab.eventKinds().includes("leg-ended")).toBe(outcome === "ends");
    expect(lab.eventKinds()).not.toContain("leg-adoption-failed");
  });

  it("whose gateway died meanwhile hears the adopter, is answered by it, and is moved by re-INVITE after its ACK", async () => {
    await lab.invite();
    const { capsule } = lab.event("invite-received");
    lab = new CallLab();
    await lab.command({ kind: "adopt-leg", leg: A, capsule, codecs: ["PCMU"], ringTimeoutMs: 60_000, headers: [] }, 2);
    await ring("PCMU", 2);
    expect(lab.media.trace).toEqual(["open a", "peer a 192.0.2.7:4000"]);
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMU" }, 2);
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 2 }));
    expect(bodyText(lab.stack.lastSent("INVITE").request)).toMatch(/^m=audio \d+ RTP\/AVP 0 101/m);
    lab.reports.onMediaTimeout(TAG_A);
    await settle();
  });

  it("that cancels meanwhile gets no 183", async () => {
    const invite = await lab.invite();
    invite.onCancel?.();
    await ring();
    expect(invite.statuses).not.toContain(183);
  });
});
