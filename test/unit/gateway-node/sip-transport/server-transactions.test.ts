import { afterEach, describe, expect, it } from "vitest";
import { createResponse } from "#sip/message/build";
import { header, headerValues } from "#sip/message/headers";
import { topVia } from "#sip/message/typed-headers";
import { closeAll, openStack, requestText, udpPhone } from "./stack-fixture.ts";
import type { Phone, RequestParts, TestStack } from "./stack-fixture.ts";

afterEach(closeAll);

async function stackAndPhone(options: Parameters<typeof openStack>[0] = {}): Promise<TestStack & { phone: Phone }> {
  const fixture = await openStack(options);
  return { ...fixture, phone: await udpPhone(fixture.stack.localAddress("udp").port) };
}

/** Everything that came before the answer to a probe: so silence can be asserted without waiting. */
async function statusesBeforeProbe({
  phone,
  requests,
}: {
  phone: Phone;
  requests: TestStack["requests"];
}): Promise<number[]> {
  phone.send(requestText("OPTIONS", { branch: `z9hG4bK-probe-${probes++}` }));
  for (;;) {
    const transaction = await requests.next();
    if (transaction.request.method !== "OPTIONS") throw new Error(`unexpected ${transaction.request.method}`);
    transaction.respond(createResponse(transaction.request, 299, { toTag: "probe" }));
    break;
  }
  const statuses: number[] = [];
  for (;;) {
    const { status } = await phone.response();
    if (status === 299) return statuses;
    statuses.push(status);
  }
}
let probes = 0;

describe("server transactions over UDP", () => {
  it("stamps received and rport into the Via and answers the source address and port", async () => {
    const { phone, requests } = await stackAndPhone();
    phone.send(requestText("REGISTER", { sentBy: "192.168.1.20:5060" }));
    const transaction = await requests.next();
    expect(transaction.flow).toEqual({ transport: "udp", host: "127.0.0.1", port: phone.port });
    transaction.respond(createResponse(transaction.request, 200, { toTag: "gw" }));
    const via = topVia(await phone.response());
    expect(via).toMatchObject({ host: "192.168.1.20", port: 5060, rport: phone.port, received: "127.0.0.1" });
  });

  it("answers the source port even when no rport was asked for, and adds received only when sent-by differs", async () => {
    const { phone, requests } = await stackAndPhone();
    phone.send(requestText("OPTIONS", { rport: false, branch: "z9hG4bK-a" }));
    phone.send(requestText("OPTIONS", { rport: false, branch: "z9hG4bK-b", sentBy: "pc33.example.com" }));
    for (const received of [undefined, "127.0.0.1"]) {
      const transaction = await requests.next();
      transaction.respond(createResponse(transaction.request, 200, { toTag: "gw" }));
      const via = topVia(await phone.response());
      expect({ received: via?.received, rport: via?.rport }).toEqual({ received, rport: undefined });
    }
  });

  it("keeps further Vias of the same field when it stamps the first", async () => {
    const { phone, requests } = await stackAndPhone();
    phone.send(
      requestText("OPTIONS", {
        branch: "z9hG4bK-x, SIP/2.0/TCP first.example.com;branch=z9hG4bK-y",
        rport: false,
        sentBy: "proxy.example.com",
      }),
    );
    const { request } = await requests.next();
    expect(headerValues(request, "via")).toEqual([
      "SIP/2.0/UDP proxy.example.com;branch=z9hG4bK-x;received=127.0.0.1",
      "SIP/2.0/TCP first.example.com;branch=z9hG4bK-y",
    ]);
  });

  it("answers an INVITE with 100 at once, before the TU does", async () => {
    const { phone, requests } = await stackAndPhone();
    phone.send(requestText("INVITE"));
    expect((await phone.response()).status).toBe(100);
    expect((await requests.next()).request.method).toBe("INVITE");
  });

  it("absorbs repeated requests and answers them with the last response", async () => {
    const { phone, requests, counters, ...rest } = await stackAndPhone();
    phone.send(requestText("REGISTER"));
    const transaction = await requests.next();
    phone.send(requestText("REGISTER"));
    expect(await statusesBeforeProbe({ phone, requests, ...rest })).toEqual([]);

    transaction.respond(createResponse(transaction.request, 401, { toTag: "gw" }));
    phone.send(requestText("REGISTER"));
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([401, 401]);
    expect(counters.get("sip.request.repeated")).toBe(2);
    expect(requests.length).toBe(0);
  });

  it("answers a repeat to where it came from, when a NAT gave the phone another port", async () => {
    const { stack, phone, requests } = await stackAndPhone();
    phone.send(requestText("REGISTER"));
    const transaction = await requests.next();
    transaction.respond(createResponse(transaction.request, 200, { toTag: "gw" }));
    expect((await phone.response()).status).toBe(200);
    const rebound = await udpPhone(stack.localAddress("udp").port);
    rebound.send(requestText("REGISTER"));
    expect((await rebound.response()).status).toBe(200);
    expect(requests.length).toBe(0);
  });

  it("handles the same request as a new one after Timer J", async () => {
    const { phone, requests, clock } = await stackAndPhone();
    phone.send(requestText("REGISTER"));
    const first = await requests.next();
    first.respond(createResponse(first.request, 200, { toTag: "gw" }));
    clock.advance(32_000);
    phone.send(requestText("REGISTER"));
    expect(await requests.next()).not.toBe(first);
  });

  it("repeats a failure to INVITE until its ACK, which the TU never sees", async () => {
    const { phone, requests, clock } = await stackAndPhone();
    phone.send(requestText("INVITE", { branch: "z9hG4bK-i" }));
    const transaction = await requests.next();
    transaction.respond(createResponse(transaction.request, 486, { toTag: "gw" }));
    clock.advance(1_500);
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([100, 486, 486, 486]);

    phone.send(requestText("ACK", { branch: "z9hG4bK-i", toTag: "gw" }));
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([]);
    clock.advance(10_000);
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([]);
    expect(requests.length).toBe(0);
  });

  it("repeats a 2xx until acknowledged() and hands its ACK to the TU", async () => {
    const { phone, requests, clock } = await stackAndPhone();
    phone.send(requestText("INVITE", { branch: "z9hG4bK-i" }));
    const invite = await requests.next();
    let timedOut = false;
    invite.onAckTimeout = () => {
      timedOut = true;
    };
    invite.respond(createResponse(invite.request, 200, { toTag: "gw" }));
    clock.advance(1_500);
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([100, 200, 200, 200]);

    phone.send(requestText("ACK", { branch: "z9hG4bK-ack", toTag: "gw" }));
    const ack = await requests.next();
    expect(ack.request.method).toBe("ACK");
    ack.respond(createResponse(ack.request, 200));
    invite.acknowledged();
    clock.advance(60_000);
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([]);
    expect(timedOut).toBe(false);
  });

  it("tells the TU once when no ACK to its 2xx came for 64*T1", async () => {
    const { phone, requests, clock } = await stackAndPhone();
    phone.send(requestText("INVITE"));
    const invite = await requests.next();
    let timeouts = 0;
    invite.onAckTimeout = () => {
      timeouts += 1;
    };
    invite.respond(createResponse(invite.request, 200, { toTag: "gw" }));
    clock.advance(31_999);
    expect(timeouts).toBe(0);
    clock.advance(60_000);
    expect(timeouts).toBe(1);
    // 100, the 2xx and its ten repeats; not one more afterwards.
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([100, ...Array.from({ length: 11 }, () => 200)]);
  });

  it("absorbs an INVITE repeated after its 2xx", async () => {
    const { phone, requests } = await stackAndPhone();
    phone.send(requestText("INVITE"));
    const invite = await requests.next();
    invite.respond(createResponse(invite.request, 200, { toTag: "gw" }));
    phone.send(requestText("INVITE"));
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([100, 200]);
    expect(requests.length).toBe(0);
  });
});

describe("CANCEL", () => {
  const cancelText = (branch: string, parts: RequestParts = {}): string => requestText("CANCEL", { branch, ...parts });

  it("is answered 200 with the INVITE's To tag and reported once, however often it is repeated", async () => {
    const { phone, requests } = await stackAndPhone();
    phone.send(requestText("INVITE", { branch: "z9hG4bK-i" }));
    const invite = await requests.next();
    let cancels = 0;
    invite.onCancel = () => {
      cancels += 1;
      invite.respond(createResponse(invite.request, 487, { toTag: "gw" }));
    };
    invite.respond(createResponse(invite.request, 180, { toTag: "gw" }));
    phone.send(cancelText("z9hG4bK-i"));
    const responses = [await phone.response(), await phone.response(), await phone.response(), await phone.response()];
    expect(responses.map(({ status }) => status)).toEqual([100, 180, 200, 487]);
    expect(header(responses[2] ?? responses[0]!, "to")).toContain(";tag=gw");
    expect(header(responses[2] ?? responses[0]!, "cseq")).toBe("1 CANCEL");

    phone.send(cancelText("z9hG4bK-i"));
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([200]);
    expect(cancels).toBe(1);
  });

  it("that crosses a final response is answered 200 and changes nothing", async () => {
    const { phone, requests } = await stackAndPhone();
    phone.send(requestText("INVITE", { branch: "z9hG4bK-i" }));
    const invite = await requests.next();
    invite.onCancel = () => {
      throw new Error("too late for a CANCEL");
    };
    invite.respond(createResponse(invite.request, 200, { toTag: "gw" }));
    phone.send(cancelText("z9hG4bK-i"));
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([100, 200, 200]);
  });

  it.each<{ what: string; parts: RequestParts; branch: string }>([
    { what: "an unknown branch", branch: "z9hG4bK-other", parts: {} },
    { what: "another sent-by", branch: "z9hG4bK-i", parts: { sentBy: "127.0.0.1:5999" } },
  ])("with $what is answered 481", async ({ branch, parts }) => {
    const { phone, requests } = await stackAndPhone();
    phone.send(requestText("INVITE", { branch: "z9hG4bK-i" }));
    await requests.next();
    phone.send(cancelText(branch, parts));
    expect(await statusesBeforeProbe({ phone, requests })).toEqual([100, 481]);
  });

  it("matches an INVITE of an RFC 2543 client, which has no magic cookie", async () => {
    const { phone, requests } = await stackAndPhone();
    phone.send(requestText("INVITE", { branch: "1" }));
    const invite = await requests.next();
    const cancelled = new Promise<void>((resolve) => {
      invite.onCancel = resolve;
    });
    phone.send(cancelText("1"));
    await expect(cancelled).resolves.toBeUndefined();
  });
});

describe("limits and defects", () => {
  it("answers 503 with Retry-After beyond the limit, and lets requests inside a dialog through", async () => {
    const { phone, requests, counters } = await stackAndPhone({ limits: { transactions: 4 } });
    for (const n of [1, 2, 3, 4]) {
      phone.send(requestText("OPTIONS", { branch: `z9hG4bK-${n}` }));
      await requests.next();
    }
    phone.send(requestText("OPTIONS", { branch: "z9hG4bK-5" }));
    const refusal = await phone.response();
    expect(refusal.status).toBe(503);
    expect(Number(header(refusal, "retry-after"))).toBeGreaterThanOrEqual(5);
    phone.send(requestText("BYE", { branch: "z9hG4bK-6", toTag: "gw" }));
    expect((await requests.next()).request.method).toBe("BYE");
    expect(counters.get("sip.transaction.refused")).toBe(1);
  });

  it("gives up absorbing repeats of old requests before it refuses new ones", async () => {
    const { phone, requests, counters } = await stackAndPhone({ limits: { transactions: 2 } });
    for (const n of [1, 2, 3, 4, 5]) {
      phone.send(requestText("REGISTER", { branch: `z9hG4bK-${n}` }));
      const transaction = await requests.next();
      transaction.respond(createResponse(transaction.request, 200, { toTag: "gw" }));
      expect((await phone.response()).status).toBe(200);
    }
    expect(counters.get("sip.transaction.evicted")).toBe(3);
  });

  it("answers 500 without details when the TU throws, and goes on", async () => {
    const { phone, log } = await stackAndPhone({
      onRequest(transaction) {
        if (transaction.request.method === "MESSAGE") throw new Error("secret detail");
        transaction.respond(createResponse(transaction.request, 200, { toTag: "gw" }));
      },
    });
    phone.send(requestText("MESSAGE"));
    const failure = await phone.response();
    expect(failure).toMatchObject({ status: 500, reason: "Server Internal Error" });
    expect(JSON.stringify(failure)).not.toContain("secret");
    phone.send(requestText("OPTIONS"));
    expect((await phone.response()).status).toBe(200);
    expect(log).toContainEqual(expect.objectContaining({ event: "sip.internal-error", problem: "secret detail" }));
  });

  it("answers 500 when the TU's response cannot be written", async () => {
    const { phone } = await stackAndPhone({
      onRequest: (transaction) =>
        transaction.respond(createResponse(transaction.request, 200, { headers: [["x", "a\r\nb: c"]] })),
    });
    phone.send(requestText("OPTIONS"));
    expect((await phone.response()).status).toBe(500);
  });
});
