import { beforeEach, describe, expect, it } from "vitest";
import { REFER_LIMIT_MS } from "../../../../gateway-node/calls/refer.ts";
import { header } from "../../../../sip/message/headers.ts";
import { bodyText } from "../../../../sip/message/typed-headers.ts";
import type { SipRequest } from "../../../../sip/message/sip-message.ts";
import { A, CallLab, TAG_A } from "../support/call-lab.ts";
import { answerTo, request } from "../support/sip-messages.ts";
import { settle } from "../support/virtual-clock.ts";

let lab: CallLab;

beforeEach(async () => {
  lab = new CallLab();
  await lab.confirmed();
});

function refer(headers: readonly string[] = ["Refer-To: <sip:carol@demo.test>"], cseq = 3): SipRequest {
  return lab.fromCaller({ method: "REFER", cseq, headers });
}

describe("a REFER of a phone", () => {
  it("waits until the Call object has stored it, then gets 202 with our Contact", async () => {
    const transaction = await lab.receive(
      refer(["Refer-To: <sip:carol@demo.test>", "Referred-By: <sip:alice@demo.test>"]),
    );
    expect(transaction.responses).toEqual([]);
    expect(lab.event("refer-received")).toEqual({
      kind: "refer-received",
      epoch: 1,
      leg: A,
      cseq: 3,
      referTo: "<sip:carol@demo.test>",
      referredBy: "<sip:alice@demo.test>",
      subscribes: true,
    });
    await lab.command({ kind: "answer-refer", leg: A, cseq: 3, status: 202, reason: "Accepted", headers: [] });
    expect(transaction.statuses).toEqual([202]);
    expect(transaction.header("contact")).toContain(TAG_A);
    lab.clock.advance(REFER_LIMIT_MS * 2);
    await settle();
    expect(transaction.statuses).toEqual([202]);
  });

  it.each([
    ["Refer-Sub: false", false],
    ["Refer-Sub: FALSE;x=1", false],
    ["Refer-Sub: true", true],
  ])("with %s subscribes: %s (RFC 4488 section 4)", async (field, subscribes) => {
    await lab.receive(refer(["Refer-To: <sip:carol@demo.test>", field, "Require: norefersub"]));
    expect(lab.event("refer-received").subscribes).toBe(subscribes);
  });

  it("is refused in the Call object's words", async () => {
    const transaction = await lab.receive(refer());
    await lab.command({ kind: "answer-refer", leg: A, cseq: 3, status: 403, reason: "Forbidden", headers: [] });
    expect(transaction.statuses).toEqual([403]);
    expect(transaction.header("contact")).toBeUndefined();
  });

  it.each([
    ["no Refer-To", [], "refer.refused.refer-to-missing"],
    ["a Refer-To without end", [`Refer-To: <sip:${"a".repeat(1_100)}@demo.test>`], "refer.refused.field-too-long"],
  ])("with %s is malformed", async (_what, headers, counter) => {
    const transaction = await lab.receive(refer(headers));
    expect(transaction.statuses).toEqual([400]);
    expect(lab.count(counter)).toBe(1);
    expect(lab.eventKinds()).not.toContain("refer-received");
  });

  it("meets 491 while another one waits", async () => {
    await lab.receive(refer());
    const second = await lab.receive(refer(undefined, 4));
    expect(second.statuses).toEqual([491]);
    expect(lab.count("refer.refused.another-pending")).toBe(1);
  });

  it("hears 503 when nobody stores it, and the Call object learns that", async () => {
    const transaction = await lab.receive(refer());
    lab.clock.advance(REFER_LIMIT_MS);
    await settle();
    expect(transaction.statuses).toEqual([503]);
    expect(transaction.header("retry-after")).toBe("5");
    expect(lab.event("refer-given-up")).toMatchObject({ leg: A, cseq: 3 });
    await lab.command({ kind: "answer-refer", leg: A, cseq: 3, status: 202, reason: "Accepted", headers: [] });
    expect(transaction.statuses).toEqual([503]);
    expect(lab.count("calls.refer-answered-late")).toBe(1);
  });

  it("is answered when its leg ends meanwhile", async () => {
    const transaction = await lab.receive(refer());
    await lab.receive(lab.fromCaller({ method: "BYE", cseq: 4 }));
    expect(transaction.statuses).toEqual([481]);
  });

  it("outside a dialog gets 481", async () => {
    const transaction = await lab.receive(request({ method: "REFER", headers: ["Refer-To: <sip:carol@demo.test>"] }));
    expect(transaction.statuses).toEqual([481]);
  });
});

describe("a NOTIFY of ours", () => {
  const notification = {
    kind: "notify-leg",
    leg: A,
    event: "refer;id=3",
    subscriptionState: "terminated;reason=noresource",
    body: "SIP/2.0 200 OK\r\n",
  } as const;

  it("is a request of the dialog with the next number and the fragment of a response", async () => {
    await lab.command(notification);
    const { request: sent } = lab.stack.lastSent("NOTIFY");
    expect([header(sent, "event"), header(sent, "subscription-state"), header(sent, "content-type")]).toEqual([
      "refer;id=3",
      "terminated;reason=noresource",
      "message/sipfrag;version=2.0",
    ]);
    expect(bodyText(sent)).toBe("SIP/2.0 200 OK\r\n");
    await lab.command({ kind: "end-leg", leg: A });
    const bye = Number.parseInt(header(lab.stack.lastSent("BYE").request, "cseq") ?? "", 10);
    expect(bye).toBe(Number.parseInt(header(sent, "cseq") ?? "", 10) + 1);
  });

  it("that is refused changes nothing but a counter", async () => {
    await lab.command(notification);
    const sent = lab.stack.lastSent("NOTIFY");
    sent.onResponse(answerTo(sent.request, 481));
    await settle();
    expect(lab.count("calls.notify-failed")).toBe(1);
    expect(lab.eventKinds()).not.toContain("leg-ended");
  });

  it("is not sent once we have said BYE", async () => {
    await lab.command({ kind: "end-leg", leg: A });
    await lab.command(notification);
    expect(lab.stack.sentMethods()).not.toContain("NOTIFY");
  });
});
