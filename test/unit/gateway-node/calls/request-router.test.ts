import { beforeEach, describe, expect, it } from "vitest";
import { A, B1, CallLab, TAG_B } from "../support/call-lab.ts";
import { PHONE_FLOW } from "../support/fake-sip-stack.ts";
import { answerTo, PHONE_SDP, request } from "../support/sip-messages.ts";

let lab: CallLab;

beforeEach(() => {
  lab = new CallLab();
});

describe("a request outside of a dialog", () => {
  it.each([
    ["OPTIONS from anyone", { method: "OPTIONS" }, 200],
    ["OPTIONS that may go no further", { method: "OPTIONS", maxForwards: 0 }, 200],
    ["MESSAGE", { method: "MESSAGE", contact: null }, 405],
    ["SUBSCRIBE", { method: "SUBSCRIBE" }, 405],
    ["a method that nobody knows", { method: "RE%47IST%45R" }, 501],
    ["BYE without a dialog", { method: "BYE", contact: null }, 481],
    ["INVITE that may go no further", { method: "INVITE", maxForwards: 0 }, 483],
    ["REGISTER that may go no further", { method: "REGISTER", maxForwards: 0 }, 483],
    ["INVITE in the name of no domain of ours", { method: "INVITE", from: "<tel:+15551234>;tag=1" }, 403],
  ])("%s is answered %i", async (_what, parts, status) => {
    expect((await lab.receive(request(parts))).statuses).toEqual([status]);
  });

  it("that says what we do not allow is told what we do", async () => {
    expect((await lab.receive(request({ method: "PUBLISH" }))).header("allow")).toContain("INVITE");
  });

  it.each(["INVITE", "REGISTER", "OPTIONS"])(
    "%s that requires an extension is told which one is missing",
    async (method) => {
      const transaction = await lab.receive(request({ method, headers: ["Require: 100rel, timer"] }));
      expect(transaction.statuses).toEqual([420]);
      expect(transaction.header("unsupported")).toBe("100rel, timer");
    },
  );

  it("that a proxy could not pass on either is told so as well, and counted", async () => {
    const transaction = await lab.receive(
      request({ method: "OPTIONS", headers: ["Require: 100rel", "Proxy-Require: privacy"] }),
    );
    expect(transaction.header("unsupported")).toBe("100rel, privacy");
    expect(lab.counters.get("sip.refused.420")).toBe(1);
  });

  it("ACK is never answered", async () => {
    expect((await lab.receive(request({ method: "ACK" }))).statuses).toEqual([]);
  });

  it("of an invented method does not invent a counter", async () => {
    await lab.receive(request({ method: "FROBNICATE" }));
    expect([...lab.counters.keys()]).toEqual(["sip.request.other", "sip.refused.501"]);
  });
});

describe("a defect of ours", () => {
  it("while a request is handled is answered 500, logged by code and counted, and the next request is handled", async () => {
    lab.control.beginCall = () => {
      throw new RangeError("broken");
    };
    expect((await lab.invite()).statuses).toEqual([500]);
    expect(lab.logged.find((event) => event.event === "gateway.fault")).toMatchObject({
      code: "request-fault",
      problem: "broken",
    });
    expect((await lab.receive(request({ method: "OPTIONS" }))).statuses).toEqual([200]);
  });

  it("while a command is carried out fails that leg alone", async () => {
    const transaction = await lab.confirmed();
    lab.stack.fault = new RangeError("broken");
    await lab.command({
      kind: "invite-leg",
      leg: B1,
      flow: PHONE_FLOW,
      requestUri: "sip:bob@192.0.2.7",
      callId: "x@y",
      localUri: "<sip:a@d>",
      remoteUri: "<sip:b@d>",
      localTag: TAG_B,
      viaBranch: "z9hG4bKx",
      cseq: 1,
      codecs: ["PCMU"],
      ringTimeoutMs: 1,
      headers: [],
    });
    expect(lab.event("leg-failed")).toMatchObject({ leg: "b1", status: 500, reason: "Server Internal Error" });
    expect(lab.count("calls.fault.rangeerror")).toBe(1);
    expect(lab.legs.all().map((leg) => leg.leg)).toEqual(["a"]);
    expect(transaction.statuses).toEqual([200]);
    await lab.command({ kind: "end-leg", leg: A });
    expect(lab.stack.sentMethods()).toEqual(["BYE"]);
  });

  it("while a response is handled fails that leg alone", async () => {
    await lab.confirmed();
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
    lab.media.setRtpPeer = () => {
      throw new RangeError("broken");
    };
    const sent = lab.stack.lastSent("INVITE");
    sent.onResponse(answerTo(sent.request, 200, { contact: "<sip:alice@192.0.2.7>", body: PHONE_SDP }));
    expect(lab.event("leg-ended")).toMatchObject({ leg: "a", cause: "flow-failed" });
    expect(lab.stack.sentMethods()).toEqual(["INVITE", "BYE"]);
    expect(lab.count("calls.fault.rangeerror")).toBe(1);
  });

  it("while a timer fires fails that leg alone", async () => {
    const transaction = await lab.invite();
    transaction.onCancel?.();
    transaction.respond = () => {
      throw new RangeError("broken");
    };
    lab.clock.advance(10_000);
    expect(lab.count("calls.fault.rangeerror")).toBeGreaterThan(0);
    expect(lab.legs.size).toBe(0);
    expect(lab.clock.armed).toBe(0);
  });

  it("is never the peer's doing: bodies of noise are refused", async () => {
    for (const body of ["\0\0\0", "m=audio", PHONE_SDP.replace("RTP/AVP", "????"), "v=0\r\n".repeat(500)]) {
      lab = new CallLab();
      const transaction = await lab.invite({ body });
      expect(transaction.statuses.every((status) => status >= 400 && status < 500)).toBe(true);
    }
  });
});
