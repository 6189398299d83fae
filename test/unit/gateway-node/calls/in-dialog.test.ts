import { beforeEach, describe, expect, it } from "vitest";
import { STRAYS_A_SOURCE, STRAYS_IN_ALL } from "../../../../gateway-node/calls/stray-limit.ts";
import { header } from "../../../../sip/message/headers.ts";
import { bodyText } from "../../../../sip/message/typed-headers.ts";
import { A, B1, CALL, CallLab, TAG_A, TAG_B } from "../support/call-lab.ts";
import { PHONE_FLOW } from "../support/fake-sip-stack.ts";
import { answerTo, request, sdp } from "../support/sip-messages.ts";
import { settle } from "../support/virtual-clock.ts";

let lab: CallLab;

beforeEach(async () => {
  lab = new CallLab();
  await lab.confirmed();
});

const version = (text: string): number => Number(/^o=\S+ \d+ (\d+)/m.exec(text)?.[1]);

describe("a re-INVITE of a phone", () => {
  it("is answered here with the same codec and a raised version, its new address is followed, and the capsule goes out", async () => {
    const before = lab.event("leg-confirmed").capsule.dialog.localSdpVersion;
    const transaction = await lab.receive(
      lab.fromCaller({
        method: "INVITE",
        contact: "<sip:alice@192.0.2.50:5060>",
        body: sdp({ host: "192.0.2.50", port: 4444, formats: "8 0 101" }),
      }),
    );
    expect(transaction.statuses).toEqual([200]);
    expect(bodyText(transaction.last)).toMatch(/^m=audio \d+ RTP\/AVP 0 101/m);
    expect(version(bodyText(transaction.last))).toBe(before + 1);
    expect(lab.media.trace.at(-1)).toBe("peer a 192.0.2.50:4444");
    expect(lab.event("leg-changed").capsule.dialog).toMatchObject({
      remoteTarget: "sip:alice@192.0.2.50:5060",
      remoteCseq: 3,
    });
    await lab.receive(lab.fromCaller({ method: "ACK", cseq: 3 }));
    expect(transaction.acknowledgedCount).toBe(1);
    expect(lab.eventKinds().filter((kind) => kind === "leg-confirmed")).toHaveLength(1);
  });

  it("that holds is mirrored, stops our audio, and silence is then no sign of death", async () => {
    const hold = await lab.receive(
      lab.fromCaller({ method: "INVITE", body: sdp({ host: "192.0.2.7", port: 4000, direction: "sendonly" }) }),
    );
    expect(bodyText(hold.last)).toContain("a=recvonly");
    expect(lab.media.trace.at(-1)).toBe("peer a 192.0.2.7:4000 silent");
    lab.reports.onMediaTimeout(TAG_A);
    await settle();
    expect(lab.eventKinds()).not.toContain("leg-ended");
    const resume = await lab.receive(
      lab.fromCaller({ method: "INVITE", cseq: 4, body: sdp({ host: "192.0.2.7", port: 4000 }) }),
    );
    expect(bodyText(resume.last)).toContain("a=sendrecv");
    expect(lab.media.trace.at(-1)).toBe("peer a 192.0.2.7:4000");
  });

  it.each([
    ["longer than 16 Ki characters", `a=x:${"y".repeat(16 * 1024)}\r\n`, 413],
    ["with control characters", `a=x:${"\u0001".repeat(10)}\r\n`, 488],
  ])("%s is refused, and the session stays as it is", async (_what, line, status) => {
    const before = lab.eventKinds().length;
    const body = `${sdp({ host: "192.0.2.50", port: 4444 })}${line}`;
    expect((await lab.receive(lab.fromCaller({ method: "INVITE", body }))).statuses).toEqual([status]);
    expect(lab.eventKinds()).toHaveLength(before);
    expect((await lab.receive(lab.fromCaller({ method: "BYE", cseq: 4, contact: null }))).statuses).toEqual([200]);
  });

  it.each([
    { about: "sendonly", lines: { direction: "sendonly" }, answer: "recvonly", silent: true },
    { about: "inactive", lines: { direction: "inactive" }, answer: "inactive", silent: true },
    { about: "the null address of RFC 2543", lines: { host: "0.0.0.0" }, answer: "sendrecv", silent: true },
    { about: "recvonly, which is no hold", lines: { direction: "recvonly" }, answer: "sendonly", silent: false },
  ])("says $about and is answered $answer", async ({ lines, answer, silent }) => {
    const body = sdp({ host: "192.0.2.7", port: 4000, ...lines });
    const transaction = await lab.receive(lab.fromCaller({ method: "INVITE", body }));
    expect(bodyText(transaction.last)).toContain(`a=${answer}\r\n`);
    expect(lab.media.peers.get(TAG_A)?.sending).toBe(!silent);
  });

  it.each([
    { kind: "video", line: "m=video 5000 RTP/AVP 96 97" },
    { kind: "a fax", line: "m=image 5000 udptl t38" },
    { kind: "text", line: "m=text 5000 RTP/AVP 98" },
    { kind: "data", line: "m=application 5000 UDP/DTLS/SCTP webrtc-datachannel" },
    { kind: "a second audio", line: "m=audio 5000 RTP/AVP 0" },
  ])("that adds $kind gets port 0 for it, and so does what we offer later; the audio goes on", async ({ line }) => {
    const body = `${sdp({ host: "192.0.2.7", port: 4000 })}${line}\r\na=sendrecv\r\n`;
    const transaction = await lab.receive(lab.fromCaller({ method: "INVITE", body }));
    await lab.receive(lab.fromCaller({ method: "ACK" }));
    const refused = line.replace(" 5000 ", " 0 ");
    expect(transaction.statuses).toEqual([200]);
    expect(bodyText(transaction.last).match(/^m=.*$/gm)).toEqual([
      expect.stringMatching(/^m=audio [1-9]\d* RTP\/AVP 0 101$/),
      refused,
    ]);
    expect(lab.media.peers.get(TAG_A)).toMatchObject({ port: 4000, sending: true });
    const { capsule } = lab.event("leg-changed");
    await lab.command({ kind: "adopt-leg", leg: A, capsule, codecs: ["PCMU"], ringTimeoutMs: 1, headers: [] }, 2);
    expect(bodyText(lab.stack.lastSent("INVITE").request).match(/^m=.*$/gm)?.[1]).toBe(refused);
  });

  it("has its direction at session level", async () => {
    const body = sdp({ host: "192.0.2.7", port: 4000 }).replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n");
    const transaction = await lab.receive(
      lab.fromCaller({ method: "INVITE", body: body.replace("a=sendrecv\r\n", "") }),
    );
    expect(bodyText(transaction.last)).toContain("a=recvonly\r\n");
  });

  it("without SDP gets our offer, and the answer in its ACK is followed", async () => {
    const transaction = await lab.receive(lab.fromCaller({ method: "INVITE" }));
    expect(bodyText(transaction.last)).toMatch(/^m=audio \d+ RTP\/AVP 0 101/m);
    await lab.receive(lab.fromCaller({ method: "ACK", body: sdp({ host: "192.0.2.60", port: 4600 }) }));
    expect(lab.media.trace.at(-1)).toBe("peer a 192.0.2.60:4600");
  });

  it("that drops the codec of the call is refused, and the call goes on as it was", async () => {
    const transaction = await lab.receive(
      lab.fromCaller({ method: "INVITE", body: sdp({ host: "192.0.2.9", port: 4000, formats: "8 101" }) }),
    );
    expect(transaction.statuses).toEqual([488]);
    expect(lab.media.trace.at(-1)).toBe("peer a 192.0.2.7:4000");
  });

  it("meets 491 while ours has no answer, and may come again with the next number", async () => {
    await lab.command(
      {
        kind: "adopt-leg",
        leg: A,
        capsule: lab.event("leg-confirmed").capsule,
        codecs: ["PCMU"],
        ringTimeoutMs: 1,
        headers: [],
      },
      2,
    );
    expect(
      (await lab.receive(lab.fromCaller({ method: "INVITE", body: sdp({ host: "192.0.2.7", port: 4000 }) }))).statuses,
    ).toEqual([491]);
    const ours = lab.stack.lastSent("INVITE");
    ours.onResponse(
      answerTo(ours.request, 200, { contact: "<sip:alice@192.0.2.7>", body: sdp({ host: "192.0.2.7", port: 4000 }) }),
    );
    expect(
      (await lab.receive(lab.fromCaller({ method: "INVITE", cseq: 4, body: sdp({ host: "192.0.2.7", port: 4000 }) })))
        .statuses,
    ).toEqual([200]);
  });

  it("with an old number is refused", async () => {
    await lab.receive(lab.fromCaller({ method: "INVITE", cseq: 7, body: sdp({ host: "192.0.2.7", port: 4000 }) }));
    const late = await lab.receive(
      lab.fromCaller({ method: "INVITE", cseq: 6, body: sdp({ host: "192.0.2.8", port: 1 }) }),
    );
    expect(late.statuses).toEqual([500]);
    expect(lab.media.trace.at(-1)).toBe("peer a 192.0.2.7:4000");
  });

  it("whose ACK never comes leaves the call as it is", async () => {
    const transaction = await lab.receive(
      lab.fromCaller({ method: "INVITE", body: sdp({ host: "192.0.2.7", port: 4000 }) }),
    );
    transaction.onAckTimeout?.();
    expect(lab.legs.size).toBe(1);
    expect(lab.stack.sent).toEqual([]);
  });
});

describe("other requests in a dialog", () => {
  it("UPDATE without SDP moves the target only", async () => {
    const transaction = await lab.receive(lab.fromCaller({ method: "UPDATE", contact: "<sip:alice@192.0.2.77>" }));
    expect(transaction.statuses).toEqual([200]);
    expect(bodyText(transaction.last)).toBe("");
    expect(lab.event("leg-changed").capsule.dialog.remoteTarget).toBe("sip:alice@192.0.2.77");
  });

  it.each([
    ["INFO", 200],
    ["OPTIONS", 200],
    ["PUBLISH", 405],
    ["MESSAGE", 405],
  ])("%s is answered %i", async (method, status) => {
    expect((await lab.receive(lab.fromCaller({ method, contact: null }))).statuses).toEqual([status]);
  });

  it.each([
    ["another Call-ID", { callId: "other@phone" }],
    ["another tag of the phone", { from: "<sip:alice@demo.test>;tag=mallory" }],
  ])("with %s are no part of it", async (_what, parts) => {
    expect((await lab.receive(lab.fromCaller({ method: "BYE", contact: null, ...parts }))).statuses).toEqual([481]);
    expect(lab.legs.size).toBe(1);
  });

  it("follow the phone to the address that it speaks from", async () => {
    await lab.receive(lab.fromCaller({ method: "INFO", contact: null }), { ...PHONE_FLOW, port: 6666 });
    await lab.command({ kind: "end-leg", leg: A });
    expect(lab.stack.lastSent("BYE").flow.port).toBe(6666);
  });
});

describe("BYE of a phone", () => {
  it("is answered at once, ends media and is reported", async () => {
    const transaction = await lab.receive(lab.fromCaller({ method: "BYE", contact: null }));
    expect(transaction.statuses).toEqual([200]);
    expect(lab.eventKinds().slice(-2)).toEqual(["leg-statistics", "leg-ended"]);
    expect(lab.media.open.size).toBe(0);
    expect(lab.legs.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });

  it("brings the figures of the other leg here too, which are not told again when that ends with it", async () => {
    await lab.command({ kind: "open-webrtc-leg", leg: B1, codecs: ["PCMU"], ssrc: 1 });
    await lab.receive(lab.fromCaller({ method: "BYE", contact: null }));
    expect(lab.eventKinds().slice(-3)).toEqual(["leg-statistics", "leg-statistics", "leg-ended"]);
    await lab.command({ kind: "end-leg", leg: B1 });
    expect(lab.eventKinds().at(-1)).toBe("leg-ended");
  });

  it("leaves the other leg its own figures, when that goes on for longer", async () => {
    await lab.command({ kind: "open-webrtc-leg", leg: B1, codecs: ["PCMU"], ssrc: 1 });
    await lab.receive(lab.fromCaller({ method: "BYE", contact: null }));
    lab.clock.advance(1_000);
    await lab.command({ kind: "end-leg", leg: B1 });
    expect(lab.eventKinds().at(-1)).toBe("leg-statistics");
  });

  it("that crosses ours is answered, and reported no second time", async () => {
    await lab.command({ kind: "end-leg", leg: A });
    const transaction = await lab.receive(lab.fromCaller({ method: "BYE", contact: null }));
    expect(transaction.statuses).toEqual([200]);
    expect(lab.eventKinds()).not.toContain("leg-ended");
    expect(lab.legs.size).toBe(0);
  });

  it.each([
    [true, []],
    [false, ["BYE"]],
  ])("ends the other side here when the Worker is away (Worker there: %s)", async (reachable, expected) => {
    await lab.command({
      kind: "invite-leg",
      leg: B1,
      flow: PHONE_FLOW,
      requestUri: "sip:bob@192.0.2.9",
      callId: "g@d",
      localUri: "<sip:alice@demo.test>",
      remoteUri: "<sip:bob@demo.test>",
      localTag: TAG_B,
      viaBranch: "z9hG4bKb",
      cseq: 1,
      codecs: ["PCMU"],
      ringTimeoutMs: 1_000,
      headers: [],
    });
    const invite = lab.stack.lastSent("INVITE");
    invite.onResponse(
      answerTo(invite.request, 200, {
        toTag: "callee",
        contact: "<sip:bob@192.0.2.9>",
        body: sdp({ host: "192.0.2.9", port: 4000 }),
      }),
    );
    lab.control.reachable = reachable;
    await lab.receive(lab.fromCaller({ method: "BYE", contact: null }));
    expect(lab.stack.sentMethods().slice(1)).toEqual(expected);
    expect(lab.control.events.filter((event) => event.kind === "leg-ended").map((event) => event.leg)).toEqual(
      reachable ? ["a"] : ["a", "b1"],
    );
  });
});

describe("a request for a leg that is not here", () => {
  const elsewhere = `${"E".repeat(54)}.b2`;
  const stray = (method: string, tag: string): Parameters<typeof request>[0] => ({
    method,
    to: `<sip:x@demo.test>;tag=${tag}`,
    contact: null,
  });

  it.each(["INVITE", "BYE"])("%s with a tag of ours is reported, and the phone asked to repeat", async (method) => {
    const transaction = await lab.receive(
      request({ ...stray(method, elsewhere), contact: method === "BYE" ? null : "<sip:a@b>" }),
    );
    expect(transaction.statuses).toEqual([500]);
    expect(transaction.header("retry-after")).toBe("1");
    expect(lab.control.strays).toEqual([`b2 ${method}`]);
  });

  it("INFO with a tag of ours is reported and refused", async () => {
    expect((await lab.receive(request(stray("INFO", elsewhere)))).statuses).toEqual([481]);
    expect(lab.control.strays).toEqual(["b2 INFO"]);
  });

  it("with a foreign tag is refused", async () => {
    expect((await lab.receive(request(stray("BYE", "foreign")))).statuses).toEqual([481]);
    expect(lab.control.strays).toEqual([]);
  });

  it("floods are answered, and the Worker hears of no more than five a second and source, and fifty in all", async () => {
    const flood = async (host: string, count: number): Promise<void> => {
      for (let sent = 0; sent < count; sent += 1) {
        const transaction = await lab.receive(request(stray("BYE", elsewhere)), { ...PHONE_FLOW, host });
        expect(transaction.statuses).toEqual([500]);
      }
    };
    await flood("192.0.2.99", 20);
    expect(lab.control.strays).toHaveLength(STRAYS_A_SOURCE);
    for (let source = 1; source <= 20; source += 1) await flood(`198.51.100.${String(source)}`, 5);
    expect(lab.control.strays).toHaveLength(STRAYS_IN_ALL);
    expect(lab.count("calls.stray-unreported")).toBe(20 + 100 - STRAYS_IN_ALL);
    lab.clock.advance(1_000);
    await flood("192.0.2.99", 1);
    expect(lab.control.strays).toHaveLength(STRAYS_IN_ALL + 1);
  });

  it("that ended here is refused without troubling the Worker", async () => {
    await lab.receive(lab.fromCaller({ method: "BYE", contact: null }));
    expect((await lab.receive(lab.fromCaller({ method: "BYE", cseq: 5, contact: null }))).statuses).toEqual([481]);
    expect(lab.control.strays).toEqual([]);
  });

  it("ACK is passed over", async () => {
    expect((await lab.receive(request(stray("ACK", elsewhere)))).statuses).toEqual([]);
  });
});

describe("media that stops", () => {
  it("ends the leg with BYE and says why", async () => {
    lab.reports.onMediaTimeout(TAG_A);
    await settle();
    expect(lab.event("leg-ended").cause).toBe("media-timeout");
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
  });

  it("that begins is reported", async () => {
    lab.reports.onMediaFlowing(TAG_A, 31);
    await settle();
    expect(lab.event("media-flowing")).toMatchObject({ leg: "a", afterMs: 31 });
  });
});

describe("call-gone", () => {
  it("lets go of a leg without a word: it may live on elsewhere", () => {
    lab.commands.handleGone(CALL);
    expect(lab.stack.sent).toEqual([]);
    expect([lab.legs.size, lab.media.open.size, lab.clock.armed]).toEqual([0, 0, 0]);
  });

  it("says BYE to phones when nobody else will end their legs", () => {
    lab.commands.handleGone(CALL, true);
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
    expect(lab.media.open.size).toBe(0);
  });

  it("refuses a phone whose call was never stored", async () => {
    const other = new CallLab();
    const transaction = await other.invite();
    other.control.stored = false;
    other.commands.handleGone(CALL);
    expect(transaction.statuses).toEqual([503]);
    expect(header(transaction.last, "to")).toContain(TAG_A);
  });
});
