import { afterEach, describe, expect, it } from "vitest";
import type { SipFlow } from "#protocol/capsule";
import { createResponse } from "#sip/message/build";
import { header } from "#sip/message/headers";
import type { SipResponse } from "#sip/message/sip-message";
import { topVia } from "#sip/message/typed-headers";
import type { ClientTransactionHandlers } from "../../../../gateway-node/sip-transport/sip-stack.ts";
import { closeAll, Inbox, openStack, requestText, responseText, tuRequest, udpPhone } from "./stack-fixture.ts";

afterEach(closeAll);

type Heard = number | "timeout" | "transport-error";

/** Handlers that write down what they hear. */
function listener(): { handlers: ClientTransactionHandlers; heard: Inbox<Heard>; responses: SipResponse[] } {
  const heard = new Inbox<Heard>();
  const responses: SipResponse[] = [];
  return {
    heard,
    responses,
    handlers: {
      onResponse(response) {
        responses.push(response);
        heard.put(response.status);
      },
      onTimeout: () => heard.put("timeout"),
      onTransportError: () => heard.put("transport-error"),
    },
  };
}

async function calling() {
  const fixture = await openStack();
  const phone = await udpPhone(fixture.stack.localAddress("udp").port);
  const flow: SipFlow = { transport: "udp", host: "127.0.0.1", port: phone.port };
  return { ...fixture, phone, flow, ...listener() };
}

describe("client transactions over UDP", () => {
  it("sends from the listening port with its own Via on top and a fresh branch each time", async () => {
    const { stack, phone, flow, handlers } = await calling();
    stack.sendRequest(tuRequest("OPTIONS"), flow, handlers);
    stack.sendRequest(tuRequest("OPTIONS"), flow, handlers);
    const vias = [topVia(await phone.request()), topVia(await phone.request())];
    expect(vias[0]).toMatchObject({ transport: "UDP", ...stack.localAddress("udp"), rport: true });
    expect(vias[0]?.branch).toMatch(/^z9hG4bK[0-9a-f]{32}$/);
    expect(vias[1]?.branch).not.toBe(vias[0]?.branch);
  });

  it("advertises another host than it listens on, and uses the branch it is given", async () => {
    const { stack } = await openStack({ advertisedHost: "203.0.113.7" });
    const phone = await udpPhone(stack.localAddress("udp").port);
    stack.sendRequest(
      tuRequest("OPTIONS"),
      { transport: "udp", host: "127.0.0.1", port: phone.port },
      listener().handlers,
      { viaBranch: "z9hG4bKgiven" },
    );
    expect(topVia(await phone.request())).toMatchObject({ host: "203.0.113.7", branch: "z9hG4bKgiven" });
  });

  it("retransmits when the response is lost and reports the one that arrives once", async () => {
    const { stack, clock, phone, flow, handlers, heard, counters } = await calling();
    stack.sendRequest(tuRequest("BYE"), flow, handlers);
    const first = await phone.request();
    clock.advance(500);
    const second = await phone.request();
    expect(second).toEqual(first);
    phone.send(responseText(second, 200));
    phone.send(responseText(second, 200));
    expect(await heard.next()).toBe(200);
    clock.advance(60_000);
    phone.send(responseText(second, 200)); // Timer K is over: nobody's any more.
    phone.send(requestText("OPTIONS"));
    expect(heard.length).toBe(0);
    expect(clock.running).toBe(0);
    expect(counters.get("sip.internal-error")).toBeUndefined();
  });

  it("acknowledges a failure to INVITE by itself, and each repeat of it", async () => {
    const { stack, phone, flow, handlers, heard } = await calling();
    stack.sendRequest(tuRequest("INVITE"), flow, handlers);
    const invite = await phone.request();
    phone.send(responseText(invite, 486));
    phone.send(responseText(invite, 486));
    for (const ack of [await phone.request(), await phone.request()]) {
      expect(ack.method).toBe("ACK");
      expect(header(ack, "to")).toContain(";tag=phone");
      expect(topVia(ack)?.branch).toBe(topVia(invite)?.branch);
    }
    expect(await heard.next()).toBe(486);
    expect(heard.length).toBe(0);
  });

  it("reports every repeated 2xx to INVITE, for the TU repeats its ACK", async () => {
    const { stack, phone, flow, handlers, heard } = await calling();
    stack.sendRequest(tuRequest("INVITE"), flow, handlers);
    const invite = await phone.request();
    for (const status of [100, 180, 200, 200]) phone.send(responseText(invite, status));
    expect([await heard.next(), await heard.next(), await heard.next(), await heard.next()]).toEqual([
      100, 180, 200, 200,
    ]);
  });

  it("times out at its own deadline, or at 32 s", async () => {
    const { stack, clock, flow, handlers, heard } = await calling();
    stack.sendRequest(tuRequest("INVITE"), flow, handlers, { timeoutMs: 2_000 });
    clock.advance(2_000);
    expect(await heard.next()).toBe("timeout");
    stack.sendRequest(tuRequest("OPTIONS"), flow, handlers);
    clock.advance(31_999);
    expect(heard.length).toBe(0);
    clock.advance(1);
    expect(await heard.next()).toBe("timeout");
    expect(clock.running).toBe(0);
  });

  it("drops responses of other branches and other methods", async () => {
    const { stack, phone, flow, handlers, heard, counters } = await calling();
    stack.sendRequest(tuRequest("OPTIONS"), flow, handlers);
    const request = await phone.request();
    const answer = responseText(request, 200);
    phone.send(answer.replace("z9hG4bK", "z9hG4bKx"));
    phone.send(answer.replace("41 OPTIONS", "41 BYE"));
    phone.send(answer.replace(" 200 ", " 202 "));
    expect(await heard.next()).toBe(202);
    expect(counters.get("sip.response.unmatched")).toBe(2);
  });

  it("reports a datagram that cannot be sent", async () => {
    const { stack, flow, handlers, heard } = await calling();
    stack.sendRequest({ ...tuRequest("MESSAGE"), body: new Uint8Array(70_000) }, flow, handlers);
    expect(await heard.next()).toBe("transport-error");
  });

  it("says nothing and sends nothing after abandon()", async () => {
    const { stack, clock, phone, flow, handlers, heard, counters } = await calling();
    const transaction = stack.sendRequest(tuRequest("INVITE"), flow, handlers);
    const invite = await phone.request();
    transaction.abandon();
    transaction.abandon();
    transaction.cancel();
    clock.advance(60_000);
    phone.send(responseText(invite, 200));
    stack.sendRequest(tuRequest("OPTIONS"), flow, handlers);
    phone.send(responseText(await phone.request(), 299));
    expect(await heard.next()).toBe(299);
    expect(counters.get("sip.response.unmatched")).toBe(1);
  });

  it("may be abandoned while it reports", async () => {
    const { stack, clock, phone, flow } = await calling();
    const done = new Inbox<true>();
    const transaction = stack.sendRequest(tuRequest("BYE"), flow, {
      onResponse() {
        transaction.abandon();
        done.put(true);
      },
      onTimeout() {},
      onTransportError() {},
    });
    phone.send(responseText(await phone.request(), 200));
    await done.next();
    expect(clock.running).toBe(0);
  });
});

describe("cancel()", () => {
  it("waits for a provisional response, then sends CANCEL with the INVITE's branch and the TU's header fields", async () => {
    const { stack, phone, flow, handlers, heard } = await calling();
    const transaction = stack.sendRequest(tuRequest("INVITE"), flow, handlers);
    const invite = await phone.request();
    transaction.cancel([["Reason", "SIP;cause=200"]]);
    expect(phone.inbox.length).toBe(0);
    phone.send(responseText(invite, 180));

    const cancel = await phone.request();
    expect(cancel.method).toBe("CANCEL");
    expect(header(cancel, "via")).toBe(header(invite, "via"));
    expect(header(cancel, "to")).toBe(header(invite, "to"));
    expect(header(cancel, "cseq")).toBe("41 CANCEL");
    expect(header(cancel, "reason")).toBe("SIP;cause=200");

    phone.send(responseText(cancel, 200));
    phone.send(responseText(invite, 487));
    expect((await phone.request()).method).toBe("ACK");
    expect([await heard.next(), await heard.next()]).toEqual([180, 487]);
  });

  it("retransmits a lost CANCEL", async () => {
    const { stack, clock, phone, flow, handlers } = await calling();
    const transaction = stack.sendRequest(tuRequest("INVITE"), flow, handlers);
    phone.send(responseText(await phone.request(), 100));
    transaction.cancel();
    const first = await phone.request();
    clock.advance(500);
    expect(await phone.request()).toEqual(first);
  });

  it("that crosses a 200 leaves the 200 to the TU", async () => {
    const { stack, phone, flow, handlers, heard } = await calling();
    const transaction = stack.sendRequest(tuRequest("INVITE"), flow, handlers);
    const invite = await phone.request();
    phone.send(responseText(invite, 180));
    expect(await heard.next()).toBe(180);
    transaction.cancel();
    const cancel = await phone.request();
    phone.send(responseText(invite, 200));
    phone.send(responseText(cancel, 481));
    expect(await heard.next()).toBe(200);
    expect(heard.length).toBe(0);
  });

  it("ends in a timeout when nothing final follows", async () => {
    const { stack, clock, phone, flow, handlers, heard } = await calling();
    const transaction = stack.sendRequest(tuRequest("INVITE"), flow, handlers);
    phone.send(responseText(await phone.request(), 180));
    await heard.next();
    transaction.cancel();
    clock.advance(32_000);
    expect(await heard.next()).toBe("timeout");
    expect(clock.running).toBe(0);
  });
});

describe("sending without a transaction", () => {
  it("sends an ACK to a 2xx once, with a branch of its own", async () => {
    const { stack, clock, phone, flow } = await calling();
    stack.sendOnce(tuRequest("ACK"), flow);
    expect(topVia(await phone.request())?.branch).toMatch(/^z9hG4bK/);
    expect(clock.running).toBe(0);
  });

  it("leaves a request that has a Via as it is, for an adopter's CANCEL", async () => {
    const { stack, phone, flow } = await calling();
    const cancel = tuRequest("CANCEL");
    const via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKold;rport";
    stack.sendOnce({ ...cancel, headers: [{ name: "via", value: via }, ...cancel.headers] }, flow);
    expect(header(await phone.request(), "via")).toBe(via);
  });

  it("sends an adopter's final response to the flow it is given", async () => {
    const { stack, phone, flow } = await calling();
    const invite = tuRequest("INVITE");
    const headers = [{ name: "via", value: `SIP/2.0/UDP 127.0.0.1:${phone.port};branch=z9hG4bKp` }, ...invite.headers];
    stack.sendResponseOnce(createResponse({ ...invite, headers }, 486, { toTag: "gw" }), flow);
    expect((await phone.response()).status).toBe(486);
  });
});
