import { beforeEach, describe, expect, it } from "vitest";
import { ADOPTION_SILENCE_MS } from "../../../../gateway-node/calls/adoption.ts";
import type { PhoneLegCapsule } from "../../../../protocol/capsule.ts";
import { header } from "../../../../sip/message/headers.ts";
import { bodyText } from "../../../../sip/message/typed-headers.ts";
import { A, B1, CallLab, TAG_A, TAG_B } from "../support/call-lab.ts";
import { PHONE_FLOW } from "../support/fake-sip-stack.ts";
import { answerTo, PHONE_SDP, sdp } from "../support/sip-messages.ts";

const dialog = {
  callId: "call-1@phone",
  localTag: TAG_A,
  remoteTag: "phone",
  localUri: "<sip:bob@demo.test>",
  remoteUri: "<sip:alice@demo.test>",
  remoteTarget: "sip:alice@192.0.2.7:5060",
  routeSet: [],
  localCseq: 4,
  remoteCseq: 2,
  remoteAllow: [],
  localSdpVersion: 3,
  localSdpId: 77,
} as const;
const media = {
  kind: "rtp",
  remoteSdp: PHONE_SDP,
  audio: { codec: "PCMU", payloadType: 0, telephoneEventPayloadType: 96 },
} as const;
const invite = {
  vias: ["SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKphone;rport=5060;received=192.0.2.7"],
  from: "<sip:alice@demo.test>;tag=phone",
  to: "<sip:bob@demo.test>",
  callId: "call-1@phone",
  cseq: 2,
  recordRoutes: [],
  requestUri: "sip:bob@demo.test",
};
const CONFIRMED: PhoneLegCapsule = { kind: "phone", phase: "confirmed", dialog, flow: PHONE_FLOW, media };

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
});

function adopt(capsule: PhoneLegCapsule, epoch = 2, oldViaBranch?: string): Promise<void> {
  return lab.command(
    {
      kind: "adopt-leg",
      leg: A,
      capsule,
      codecs: ["PCMU"],
      ringTimeoutMs: 60_000,
      headers: [],
      ...(oldViaBranch === undefined ? {} : { oldViaBranch }),
    },
    epoch,
  );
}

function accept(parts: Parameters<typeof answerTo>[2] = {}): void {
  const sent = lab.stack.lastSent("INVITE");
  sent.onResponse(answerTo(sent.request, 200, { contact: "<sip:alice@192.0.2.7:5060>", body: PHONE_SDP, ...parts }));
}

describe("a confirmed leg", () => {
  it("is moved by a re-INVITE in its dialog, with numbers of the new epoch, our Contact and SDP", async () => {
    await adopt(CONFIRMED);
    const { request } = lab.stack.lastSent("INVITE");
    expect(request.requestUri).toBe("sip:alice@192.0.2.7:5060");
    expect([
      header(request, "call-id"),
      header(request, "cseq"),
      header(request, "from"),
      header(request, "to"),
    ]).toEqual(["call-1@phone", "2001 INVITE", `<sip:bob@demo.test>;tag=${TAG_A}`, "<sip:alice@demo.test>;tag=phone"]);
    expect(header(request, "contact")).toBe(`<sip:${TAG_A}@127.0.0.1:5060;transport=udp>`);
    expect(bodyText(request)).toMatch(/^o=- 77 2001 IN IP4 127\.0\.0\.1/m);
    expect(bodyText(request)).toMatch(/^m=audio \d+ RTP\/AVP 0 96/m);
  });

  it("gets its audio back before the phone has answered", async () => {
    await adopt(CONFIRMED);
    await lab.command({ kind: "join-leg", leg: A, join: { kind: "echo" } }, 2);
    expect(lab.media.trace).toEqual(["open a", "peer a 192.0.2.7:4000", "join a echo"]);
    expect(lab.media.joins[0]?.epoch).toBe(2);
  });

  it("is adopted when the phone accepts: ACK, its new address, and the new capsule", async () => {
    await adopt(CONFIRMED);
    accept({ body: sdp({ host: "192.0.2.8", port: 4002 }) });
    expect(lab.stack.onceMethods()).toEqual(["ACK"]);
    const ack = lab.stack.once[0]?.request;
    expect(ack === undefined ? undefined : header(ack, "cseq")).toBe("2001 ACK");
    expect(lab.media.trace.at(-1)).toBe("peer a 192.0.2.8:4002");
    expect(lab.event("leg-adopted")).toMatchObject({
      epoch: 2,
      capsule: { phase: "confirmed", dialog: { localCseq: 2001, localSdpVersion: 2001 } },
    });
    accept();
    expect(lab.stack.onceMethods()).toEqual(["ACK", "ACK"]);
    expect(lab.eventKinds().filter((kind) => kind === "leg-adopted")).toHaveLength(1);
    expect(lab.clock.armed).toBe(0);
  });

  it("that says nothing for two seconds is given back", async () => {
    await adopt(CONFIRMED);
    lab.clock.advance(ADOPTION_SILENCE_MS);
    expect(lab.event("leg-adoption-failed")).toMatchObject({ epoch: 2, status: 408 });
    expect(lab.stack.lastSent("INVITE").abandoned).toBe(true);
    expect(lab.legs.size).toBe(0);
    expect(lab.media.open.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });

  it("whose phone is slow but there is waited for", async () => {
    await adopt(CONFIRMED);
    const sent = lab.stack.lastSent("INVITE");
    sent.onResponse(answerTo(sent.request, 100));
    lab.clock.advance(10_000);
    accept();
    expect(lab.eventKinds()).toEqual(["leg-adopted"]);
  });

  it.each(["tcp", "tls"] as const)(
    "over %s is tried at the address of the Contact, then where the phone was, and then given back",
    async (transport) => {
      await adopt({ ...CONFIRMED, flow: { transport, host: "198.51.100.9", port: 40_000 } });
      expect(lab.stack.lastSent("INVITE").flow).toEqual({ transport, host: "192.0.2.7", port: 5060 });
      lab.stack.lastSent("INVITE").onTransportError("ECONNREFUSED");
      expect(lab.stack.lastSent("INVITE").flow).toEqual({ transport, host: "198.51.100.9", port: 40_000 });
      expect(header(lab.stack.lastSent("INVITE").request, "cseq")).toBe("2002 INVITE");
      lab.stack.lastSent("INVITE").onTransportError("ECONNREFUSED");
      expect(lab.event("leg-adoption-failed")).toMatchObject({ status: 503, reason: "ECONNREFUSED" });
      expect(lab.clock.armed).toBe(0);
    },
  );

  it("that we had called over TCP is tried first at the Contact that was rung: the one in its 2xx may name its connection", async () => {
    const requestUri = "sip:alice@192.0.2.7:5068;transport=tcp";
    await adopt({
      ...CONFIRMED,
      flow: { transport: "tcp", host: "198.51.100.9", port: 40_000 },
      invite: { ...invite, requestUri },
    });
    expect(lab.stack.lastSent("INVITE").flow).toEqual({ transport: "tcp", host: "192.0.2.7", port: 5_068 });
    lab.stack.lastSent("INVITE").onTransportError("ECONNREFUSED");
    expect(lab.stack.lastSent("INVITE").flow).toEqual({ transport: "tcp", host: "192.0.2.7", port: 5_060 });
  });

  it("of a phone that is registered here is reached over its registration's flow", async () => {
    const flow = { transport: "tcp", host: "192.0.2.7", port: 41_000 } as const;
    await lab.receiveAuthenticated({ method: "REGISTER" }, "alice", "wonder", flow);
    await adopt({ ...CONFIRMED, flow: { ...flow, port: 40_000 } });
    expect(lab.stack.lastSent("INVITE").flow).toEqual(flow);
    accept();
    expect(lab.event("leg-adopted").capsule.flow).toEqual(flow);
  });

  it("is tried again after glare, with the next numbers", async () => {
    await adopt(CONFIRMED);
    const first = lab.stack.lastSent("INVITE");
    first.onResponse(answerTo(first.request, 491));
    lab.clock.advance(400);
    const second = lab.stack.lastSent("INVITE");
    expect(header(second.request, "cseq")).toBe("2002 INVITE");
    accept();
    expect(lab.eventKinds()).toEqual(["leg-adopted"]);
  });

  it.each([481, 408, 603])("is given back when the phone answers %i", async (status) => {
    await adopt(CONFIRMED);
    const sent = lab.stack.lastSent("INVITE");
    sent.onResponse(answerTo(sent.request, status));
    expect(lab.event("leg-adoption-failed").status).toBe(status);
  });

  it("of which the answer's ACK may be missing gets the ACK first", async () => {
    await adopt({ ...CONFIRMED, dialog: { ...dialog, localCseq: 1 }, invite: { ...invite, vias: [], cseq: 1 } });
    const ack = lab.stack.once[0]?.request;
    expect(ack === undefined ? undefined : [ack.method, header(ack, "cseq")]).toEqual(["ACK", "1 ACK"]);
  });

  it("that this gateway still holds under an older epoch goes on under the new one", async () => {
    await adopt(CONFIRMED, 2);
    accept();
    await adopt(lab.event("leg-adopted").capsule, 3);
    expect(header(lab.stack.lastSent("INVITE").request, "cseq")).toBe("3001 INVITE");
    expect(lab.legs.size).toBe(1);
    expect(lab.media.trace.filter((line) => line.startsWith("close"))).toEqual([]);
  });

  it("never answers to an epoch that is past", async () => {
    await adopt(CONFIRMED, 3);
    accept();
    await lab.command({ kind: "release-leg", leg: A }, 2);
    await adopt(CONFIRMED, 2);
    expect(lab.legs.size).toBe(1);
    expect(lab.count("calls.stale-epoch")).toBe(2);
    expect(lab.stack.sentMethods()).toEqual(["INVITE"]);
  });

  it("can be ended while the move is under way", async () => {
    await adopt(CONFIRMED);
    await lab.command({ kind: "end-leg", leg: A }, 2);
    expect(lab.stack.lastSent("INVITE").abandoned).toBe(true);
    expect(lab.stack.sentMethods()).toEqual(["INVITE", "BYE"]);
    expect(header(lab.stack.lastSent("BYE").request, "cseq")).toBe("2002 BYE");
  });
});

describe("a leg whose 2xx may have been seen", () => {
  const ANSWERED: PhoneLegCapsule = {
    kind: "phone",
    phase: "answered",
    dialog,
    flow: PHONE_FLOW,
    media,
    invite,
    remoteOffer: PHONE_SDP,
  };

  it("gets the 2xx again along its Vias, with our Contact and SDP, and a re-INVITE after the ACK", async () => {
    await adopt(ANSWERED);
    const [first] = lab.stack.responsesOnce;
    expect(first?.response.status).toBe(200);
    expect(
      first === undefined
        ? undefined
        : [header(first.response, "via"), header(first.response, "cseq"), header(first.response, "to")],
    ).toEqual([invite.vias[0], "2 INVITE", `<sip:bob@demo.test>;tag=${TAG_A}`]);
    lab.clock.advance(1_500);
    expect(lab.stack.responsesOnce).toHaveLength(3);
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 2 }));
    expect(lab.stack.sentMethods()).toEqual(["INVITE"]);
    accept();
    expect(lab.eventKinds()).toEqual(["leg-confirmed", "leg-adopted"]);
    lab.clock.advance(60_000);
    expect(lab.stack.responsesOnce).toHaveLength(3);
    expect(lab.stack.sentMethods()).toEqual(["INVITE"]);
    expect(lab.clock.armed).toBe(0);
  });

  const { media: _media, ...UNTOLD } = ANSWERED;
  it.each([
    ["with its media", ANSWERED],
    ["without it, as its gateway died before it told", UNTOLD],
  ])("is moved by a re-INVITE when the ACK went to the dead gateway, %s", async (_what, answered) => {
    await adopt(answered);
    expect(lab.stack.responsesOnce.map(({ response }) => response.status)).toEqual([200]);
    lab.clock.advance(ADOPTION_SILENCE_MS);
    expect(lab.stack.sentMethods()).toEqual(["INVITE"]);
    accept();
    expect(lab.event("leg-adopted").capsule.phase).toBe("confirmed");
    lab.clock.advance(60_000);
    expect(lab.stack.responsesOnce).toHaveLength(3);
  });
});

describe("a caller's leg that still rings", () => {
  const RINGING: PhoneLegCapsule = {
    kind: "phone",
    phase: "ringing",
    dialog: { ...dialog, localCseq: -1, localSdpVersion: 0 },
    flow: PHONE_FLOW,
    invite,
    remoteOffer: PHONE_SDP,
  };

  it("is adopted without a word, and answered from here along its Vias", async () => {
    await adopt(RINGING);
    expect(lab.event("leg-adopted").capsule.phase).toBe("ringing");
    expect([lab.stack.sent, lab.stack.responsesOnce]).toEqual([[], []]);
    await lab.command({ kind: "ring-leg", leg: A, status: 180 }, 2);
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMU" }, 2);
    expect(lab.stack.responsesOnce.map(({ response }) => response.status)).toEqual([180, 200]);
    expect(lab.stack.responsesOnce[1]?.flow).toEqual(PHONE_FLOW);
    lab.clock.advance(500);
    expect(lab.stack.responsesOnce).toHaveLength(3);
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 2 }));
    lab.clock.advance(60_000);
    expect(lab.stack.responsesOnce).toHaveLength(3);
    expect(lab.eventKinds().at(-1)).toBe("leg-confirmed");
  });

  it("is refused from here along its Vias", async () => {
    await adopt(RINGING);
    await lab.command({ kind: "reject-leg", leg: A, status: 486, reason: "Busy Here" }, 2);
    expect(lab.stack.responsesOnce.map(({ response }) => response.status)).toEqual([486]);
    expect(lab.legs.size).toBe(0);
  });

  it("whose 200 is never acknowledged is ended", async () => {
    await adopt(RINGING);
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMU" }, 2);
    lab.clock.advance(40_000);
    expect(lab.event("leg-ended").cause).toBe("ack-timeout");
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
  });
});

describe("a callee's phone that still rings for the dead gateway", () => {
  const via = "SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKold;rport";
  const calling = (vias: readonly string[]): PhoneLegCapsule => ({
    kind: "phone",
    phase: "calling",
    dialog,
    flow: PHONE_FLOW,
    invite: { ...invite, vias, from: `<sip:alice@demo.test>;tag=${TAG_B}`, cseq: 1 },
  });

  it.each([
    ["by the old Via when it is known", [via], undefined],
    ["by the old branch otherwise", [], "z9hG4bKold"],
  ])("is told CANCEL %s, and no leg stays", async (_how, vias, viaBranch) => {
    await lab.command(
      {
        kind: "adopt-leg",
        leg: B1,
        capsule: calling(vias),
        codecs: ["PCMU"],
        oldViaBranch: "z9hG4bKold",
        ringTimeoutMs: 1,
        headers: [],
      },
      2,
    );
    const [cancel] = lab.stack.once;
    expect(cancel?.request.method).toBe("CANCEL");
    expect(cancel?.viaBranch).toBe(viaBranch);
    expect(cancel === undefined ? undefined : header(cancel.request, "via")).toBe(vias[0]);
    expect(lab.legs.size).toBe(0);
  });
});
