import { beforeEach, describe, expect, it } from "vitest";
import { CANCELLED_LIMIT_MS, STORE_LIMIT_MS } from "../../../../gateway-node/calls/inbound-invite.ts";
import { header } from "../../../../sip/message/headers.ts";
import { bodyText } from "../../../../sip/message/typed-headers.ts";
import { A, CallLab, TAG_A } from "../support/call-lab.ts";
import { PHONE_SDP, request, sdp } from "../support/sip-messages.ts";
import { settle } from "../support/virtual-clock.ts";

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
});

describe("an INVITE of a phone", () => {
  it("is challenged with 407 for the domain of From", async () => {
    const transaction = await lab.receive(
      request({ method: "INVITE", uri: "sip:bob@demo.test", to: "<sip:bob@demo.test>", body: PHONE_SDP }),
    );
    expect(transaction.statuses).toEqual([407]);
    expect(transaction.header("proxy-authenticate")).toContain('realm="demo.test"');
    expect(lab.control.events).toEqual([]);
  });

  it("reaches the Call object with a capsule from which it can be answered, before anything is rung", async () => {
    const transaction = await lab.invite({
      from: '"Alice W." <sip:alice@demo.test>;tag=phone',
      headers: ["User-Agent: Desk 1", "Record-Route: <sip:proxy@192.0.2.1;lr>"],
    });
    expect(transaction.statuses).toEqual([]);
    expect(lab.event("invite-received")).toMatchObject({
      epoch: 1,
      leg: "a",
      account: `AC${"0".repeat(32)}`,
      sipDomain: "demo.test",
      from: "alice",
      fromDisplayName: "Alice W.",
      to: "bob",
      toHost: "demo.test",
      callId: "call-1@phone",
      userAgent: "Desk 1",
      flow: { transport: "udp", host: "192.0.2.7", port: 5060 },
      capsule: {
        phase: "ringing",
        dialog: {
          callId: "call-1@phone",
          localTag: TAG_A,
          remoteTag: "phone",
          remoteTarget: "sip:alice@192.0.2.7:5060",
          remoteCseq: 2,
        },
        invite: { cseq: 2, requestUri: "sip:bob@demo.test", recordRoutes: ["<sip:proxy@192.0.2.1;lr>"] },
        remoteOffer: PHONE_SDP,
      },
    });
  });

  it("rings, is answered with our Contact and codec, and is confirmed by ACK", async () => {
    const transaction = await lab.invite();
    await lab.command({ kind: "ring-leg", leg: A, status: 180 });
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMA" });
    await lab.command({ kind: "join-leg", leg: A, join: { kind: "echo" } });
    expect(transaction.statuses).toEqual([180, 200]);
    expect(transaction.header("contact")).toBe(`<sip:${TAG_A}@127.0.0.1:5060;transport=udp>`);
    expect(transaction.header("to")).toBe(`<sip:bob@demo.test>;tag=${TAG_A}`);
    expect(bodyText(transaction.last)).toMatch(/^m=audio \d+ RTP\/AVP 8 101/m);
    expect(lab.media.trace).toEqual(["open a", "peer a 192.0.2.7:4000", "join a echo"]);
    expect(lab.event("leg-changed").capsule.phase).toBe("answered");
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 2 }));
    expect(transaction.acknowledgedCount).toBe(1);
    expect(lab.event("leg-confirmed").capsule).toMatchObject({
      phase: "confirmed",
      media: { audio: { codec: "PCMA", payloadType: 8, telephoneEventPayloadType: 101 } },
    });
    expect(lab.event("leg-confirmed").capsule.invite).toBeUndefined();
  });

  it("learns media from the signalling address too, as phones announce one address and send from another", async () => {
    await lab.answered();
    expect([...lab.media.peers.values()][0]?.allowedHosts).toEqual(["192.0.2.7"]);
    expect([...lab.media.open.values()][0]?.allowedHosts).toEqual(["192.0.2.7"]);
  });

  it("is refused as the Call object says", async () => {
    const transaction = await lab.invite();
    await lab.command({ kind: "reject-leg", leg: A, status: 486, reason: "Busy Here", retryAfterSeconds: 30 });
    expect(transaction.statuses).toEqual([486]);
    expect(transaction.last.reason).toBe("Busy Here");
    expect(transaction.header("retry-after")).toBe("30");
    expect(lab.legs.size).toBe(0);
    expect(lab.control.held.size).toBe(0);
  });

  it.each([
    ["without offer", { body: "" }, 488],
    ["with a body that is no SDP", { body: "hello", headers: ["Content-Type: text/plain"] }, 415],
    ["with an SDP without audio", { body: "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\n" }, 488],
    ["with an SDP longer than 16 Ki characters", { body: `${PHONE_SDP}a=x:${"y".repeat(16 * 1024)}\r\n` }, 413],
    ["with control characters in its SDP", { body: `${PHONE_SDP}a=x:${"\u0001".repeat(10_000)}\r\n` }, 488],
    ["without Contact", { contact: null }, 400],
    ["to nobody", { uri: "sip:demo.test" }, 404],
  ])("%s is refused here", async (_what, parts, status) => {
    const transaction = await lab.invite(parts);
    expect(transaction.statuses).toEqual([status]);
    expect(lab.control.events).toEqual([]);
  });

  it("whose heads are more than the Worker can be told is refused 513, and is no fault of ours", async () => {
    const value = `x="${"\u0001".repeat(7_000)}"`;
    const headers = Array.from({ length: 7 }, (_, hop) => `Record-Route: <sip:hop${String(hop)}.test>;${value}`);
    const transaction = await lab.invite({ headers });
    expect(transaction.statuses).toEqual([513]);
    expect(lab.legs.size).toBe(0);
    expect(lab.count("calls.event-too-long")).toBe(1);
    expect([...lab.counters.keys()].filter((name) => name.includes("fault"))).toEqual([]);
    expect(lab.logged).toContainEqual(expect.objectContaining({ event: "leg.event-too-long", leg: "a" }));
  });

  it("in the name of somebody else is forbidden", async () => {
    const transaction = await lab.invite({ from: "<sip:bob@demo.test>;tag=phone" });
    expect(transaction.statuses).toEqual([403]);
  });

  it("without a ticket left is asked to come back", async () => {
    lab.control.tickets = [];
    const transaction = await lab.invite();
    expect(transaction.statuses).toEqual([503]);
    expect(transaction.header("retry-after")).toBe("5");
  });

  it("that the Worker does not store in time is given up on both sides", async () => {
    lab.control.stored = false;
    const transaction = await lab.invite();
    lab.clock.advance(STORE_LIMIT_MS);
    expect(transaction.statuses).toEqual([503]);
    expect(lab.eventKinds()).toEqual(["invite-received", "leg-cancelled"]);
    expect(lab.legs.size).toBe(0);
  });

  it("without a free media port is refused and reported", async () => {
    lab.media.poolEmpty = true;
    const transaction = await lab.answered();
    expect(transaction.statuses).toEqual([503]);
    expect(lab.event("leg-failed")).toMatchObject({ leg: "a", status: 503 });
  });

  it("whose offer lacks the codec of the call is refused and reported", async () => {
    const transaction = await lab.invite({ body: sdp({ host: "192.0.2.7", port: 4000, formats: "0 101" }) });
    await lab.command({ kind: "answer-leg", leg: A, codec: "PCMA" });
    expect(transaction.statuses).toEqual([488]);
    expect(lab.event("leg-failed").status).toBe(488);
    expect(lab.media.open.size).toBe(0);
  });
});

describe("a CANCEL", () => {
  it("goes to the Call object, whose 487 ends the leg", async () => {
    const transaction = await lab.invite();
    transaction.onCancel?.();
    expect(lab.event("leg-cancelled").leg).toBe("a");
    expect(transaction.statuses).toEqual([]);
    await lab.command({ kind: "reject-leg", leg: A, status: 487, reason: "Request Terminated" });
    expect(transaction.statuses).toEqual([487]);
    expect(lab.clock.armed).toBe(0);
  });

  it("gets its 487 from here when the Call object is silent", async () => {
    const transaction = await lab.invite();
    transaction.onCancel?.();
    lab.clock.advance(CANCELLED_LIMIT_MS);
    expect(transaction.statuses).toEqual([487]);
    expect(lab.legs.size).toBe(0);
  });

  it("that arrives while the port is being opened wins over the answer", async () => {
    const transaction = await lab.invite();
    const answer = lab.command({ kind: "answer-leg", leg: A, codec: "PCMU" });
    transaction.onCancel?.();
    await answer;
    expect(transaction.statuses).toEqual([]);
  });

  it("while the phone is being authenticated is answered without starting a call", async () => {
    let release: () => void = () => {};
    lab.directory.gate = new Promise((resolve) => (release = resolve));
    const transaction = await lab.invite();
    expect(transaction.statuses).toEqual([]);
    transaction.onCancel?.();
    release();
    await settle();
    expect(transaction.statuses).toEqual([487]);
    expect(lab.control.events).toEqual([]);
  });
});

describe("an answered phone that never sends ACK", () => {
  it("is told BYE, and the Call object hears why", async () => {
    const transaction = await lab.answered();
    transaction.onAckTimeout?.();
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
    expect(lab.event("leg-ended").cause).toBe("ack-timeout");
  });
});

describe("end-leg", () => {
  it("sends BYE in the dialog, closes the media at once and reports its figures", async () => {
    await lab.confirmed();
    await lab.command({ kind: "end-leg", leg: A, reason: 'SIP;cause=200;text="done"' });
    const bye = lab.stack.lastSent("BYE");
    expect(bye.request.requestUri).toBe("sip:alice@192.0.2.7:5060");
    expect(header(bye.request, "from")).toBe(`<sip:bob@demo.test>;tag=${TAG_A}`);
    expect(header(bye.request, "to")).toContain("tag=phone");
    expect(header(bye.request, "reason")).toBe('SIP;cause=200;text="done"');
    expect(lab.media.trace.at(-1)).toBe("close a");
    expect(lab.event("leg-statistics")).toMatchObject({ packetsReceived: 3, packetsSent: 2 });
    expect(lab.legs.size).toBe(1);
    bye.onTimeout();
    expect(lab.legs.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });

  it("waits for the ACK before its BYE", async () => {
    await lab.answered();
    await lab.command({ kind: "end-leg", leg: A });
    expect(lab.stack.sentMethods()).toEqual([]);
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 2 }));
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
    expect(lab.eventKinds()).not.toContain("leg-confirmed");
  });

  it("sends its BYE when the ACK never comes", async () => {
    const transaction = await lab.answered();
    await lab.command({ kind: "end-leg", leg: A });
    transaction.onAckTimeout?.();
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
    expect(lab.eventKinds()).not.toContain("leg-ended");
  });

  it("that comes twice sends one BYE", async () => {
    await lab.confirmed();
    await lab.command({ kind: "end-leg", leg: A });
    await lab.command({ kind: "end-leg", leg: A });
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
  });
});

describe("release-leg", () => {
  it("stops everything without a word to the phone", async () => {
    await lab.confirmed();
    await lab.command({ kind: "release-leg", leg: A }, 2);
    expect(lab.stack.sent).toEqual([]);
    expect(lab.legs.size).toBe(0);
    expect(lab.media.open.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });
});
