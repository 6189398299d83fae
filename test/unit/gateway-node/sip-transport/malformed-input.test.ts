import { createSocket } from "node:dgram";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { createResponse } from "#sip/message/build";
import { closeAll, openStack, requestText, udpPhone } from "./stack-fixture.ts";

afterEach(closeAll);

async function answeringStack() {
  const fixture = await openStack({
    onRequest: (transaction) => transaction.respond(createResponse(transaction.request, 200, { toTag: "gw" })),
  });
  return { ...fixture, phone: await udpPhone(fixture.stack.localAddress("udp").port) };
}

const good = requestText("OPTIONS");

describe("keep-alives over UDP", () => {
  it("answer a STUN Binding request with the address that it came from", async () => {
    const { stack } = await openStack();
    const socket = createSocket("udp4");
    const answer = new Promise<Buffer>((resolve) => socket.once("message", resolve));
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const request = Buffer.from("000100002112a442000102030405060708090a0b", "hex");
    socket.send(request, stack.localAddress("udp").port, "127.0.0.1");
    const bytes = await answer;
    const { port } = socket.address();
    socket.close();
    expect(bytes.subarray(0, 20).toString("hex")).toBe("0101000c2112a442000102030405060708090a0b");
    expect(bytes.readUInt16BE(26) ^ 0x2112).toBe(port);
    expect((bytes.readUInt32BE(28) ^ 0x2112a442) >>> 0).toBe(0x7f000001);
  });

  it.each(["", "0d0a0d0a", "00", "0001", "000100002112a442", "010100002112a442000102030405060708090a0b"])(
    "of octets %s get no answer and count as nothing",
    async (hex) => {
      const { phone, counters } = await answeringStack();
      phone.send(Buffer.from(hex, "hex"));
      phone.send(good);
      expect((await phone.response()).status).toBe(200);
      expect([...counters.keys()]).toEqual([]);
    },
  );
});

describe("malformed datagrams", () => {
  it.each([
    {
      what: "a CSeq method that differs",
      text: good.replace("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"),
      status: 400,
      code: "cseq-mismatch",
    },
    {
      what: "another version",
      text: good.replace("SIP/2.0\r\n", "SIP/7.0\r\n"),
      status: 505,
      code: "version-unsupported",
    },
    {
      what: "an unknown scheme",
      text: good.replace("sip:bob@127.0.0.1 ", "soap.beep://bob "),
      status: 416,
      code: "uri-scheme-unsupported",
    },
    {
      what: "a Content-Length beyond the datagram",
      text: good.replace("Content-Length: 0", "Content-Length: 9"),
      status: 400,
      code: "content-length-mismatch",
    },
  ])("with $what are answered $status and counted as $code", async ({ text, status, code }) => {
    const { phone, counters } = await answeringStack();
    phone.send(text);
    const response = await phone.response();
    expect(response.status).toBe(status);
    expect(response.reason).toMatch(status === 400 ? /^Bad Request \(.+\)$/ : /^[A-Za-z -]+$/);
    expect(response.headers.find(({ name }) => name === "to")?.value).toMatch(/;tag=[0-9a-f]{16}$/);
    expect(counters.get(`sip.malformed.${code}`)).toBe(1);
  });

  it.each([
    { what: "a malformed ACK", text: requestText("ACK").replace("CSeq: 1 ACK", "CSeq: x") },
    {
      what: "a malformed response",
      text: good.replace("OPTIONS sip:bob@127.0.0.1 SIP/2.0", "SIP/2.0 200 OK").replace("CSeq: 1 OPTIONS", "CSeq: x"),
    },
    { what: "a response to nothing", text: good.replace("OPTIONS sip:bob@127.0.0.1 SIP/2.0", "SIP/2.0 200 OK") },
    { what: "a start line alone", text: "OPTIONS sip:bob@127.0.0.1 SIP/2.0\r\n\r\n" },
  ])("with $what get no answer", async ({ text }) => {
    const { phone } = await answeringStack();
    phone.send(text);
    phone.send(good);
    expect((await phone.response()).status).toBe(200);
    expect(phone.inbox.length).toBe(0);
  });

  it("of any octets, or damaged anywhere, neither throw nor stop the stack", async () => {
    const { stack, log } = await answeringStack();
    const phone = await udpPhone(stack.localAddress("udp").port, { lenient: true });
    const damaged = fc
      .tuple(fc.nat(good.length - 1), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
      .map(([at, cut, put]) => Buffer.concat([Buffer.from(good.slice(0, at)), put, Buffer.from(good.slice(at + cut))]));
    for (const bytes of fc.sample(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), { numRuns: 500, seed: 7 }))
      phone.send(bytes);
    phone.send(requestText("OPTIONS", { branch: "z9hG4bK-last" }));
    for (;;) {
      const response = await phone.response();
      if (response.headers.some(({ value }) => value.includes("z9hG4bK-last"))) break;
    }
    expect(log.filter((line) => "event" in line && line.event === "sip.internal-error")).toEqual([]);
  });
});
